//! Planning a BACKUP: once, in the statement's transaction. Everything that can be refused is
//! refused here, and everything that must not change over resumptions is fixed here. Nothing is
//! written to the destination yet: if the transaction does not commit, nothing happened.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use dashmap::DashMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::chain;
use super::describe::describe;
use super::destination::{Into, Place, Search, Stores, check_uris};
use super::details::{Details, Secrets};
use super::history::{History, Kept};
use super::locality::Elsewhere;
use super::protect;
use super::spans::{self, Before};
use super::target::{self, Names, Resolved};
use crate::archive::{
    BuildInfo, Coverage, EntryCounts, FORMAT_VERSION, Manifest, MvccFilter, Secret,
};
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::catalog::{Catalog, CatalogSnapshot, watched_spans};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobId, secret};
use crate::keys::Span;
use crate::mvcc::{Mvcc, Txn};
use crate::settings::{self, Settings};
use crate::syntax::Targets;
use crate::task::Interrupt;

/// How far apart the end times are that name different directories.
const NAME_STEP: Duration = Duration::from_millis(10);

/// Nanoseconds of the unit in which directories name times.
const NANOS_OF_A_HUNDREDTH: u64 = 10_000_000;

/// End times tried before a directory that is taken is reported. After a crash the clock may stand
/// still for some seconds, until the machine's clock has come to where it was.
const ATTEMPTS_MAX: u32 = 500;

/// What planning works with.
pub struct PlanContext<'a> {
    /// Descriptors, and the store below them.
    pub catalog: &'a Catalog,
    /// External storage.
    pub stores: &'a dyn Stores,
    /// Cluster settings in force.
    pub settings: &'a Settings,
    /// The statement's transaction, in which the job will be created.
    pub txn: &'a mut Txn,
    /// The number that the job will have.
    pub job_id: JobId,
    /// Who asks.
    pub role: &'a str,
    /// Where names are looked for.
    pub names: Names<'a>,
    /// The statement's.
    pub interrupt: &'a Interrupt,
}

/// A BACKUP, with everything evaluated.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub targets: Targets,
    /// Where.
    pub into: Into,
    /// The other destinations of a locality-aware backup.
    pub elsewhere: Elsewhere,
    /// AS OF SYSTEM TIME.
    pub end: Option<Timestamp>,
    /// Keep every version.
    pub revision_history: bool,
    /// Encrypt.
    pub secret: Option<Secret>,
    /// Whether the statement said DETACHED: for the description.
    pub detached: bool,
}

/// What the job is created with.
#[derive(Debug)]
pub struct Plan {
    /// The job's details.
    pub details: Value,
    /// The statement in canonical words, without secrets.
    pub description: String,
    /// The descriptors concerned.
    pub descriptor_ids: Vec<DescriptorId>,
    /// The targets in canonical words, every name qualified; empty for the whole cluster.
    pub targets: String,
}

/// Plans a BACKUP. Also protects the history that it needs (until the transaction fails or the job
/// ends), and keeps the job's secrets in the transaction.
pub fn plan(context: &mut PlanContext<'_>, request: &Request) -> Result<Plan> {
    if !context.settings.bool(settings::FEATURE_BACKUP) {
        return Err(Error::new(
            sqlstate::OPERATOR_INTERVENTION,
            "feature BACKUP was disabled by the database administrator",
        )
        .with_hint("The cluster setting feature.backup.enabled switches it on."));
    }
    let catalog = context.catalog;
    let mvcc = Arc::clone(catalog.mvcc());
    let now = catalog.snapshot(context.txn)?;
    check_uris(&now, context.role, &request.into, &request.elsewhere)?;
    let mut attempt = 0;
    let (end, then, targets, place) = loop {
        attempt += 1;
        let end = end_time(catalog, request.end)?;
        let named_now = request.end.is_none() && request.into.is_named_by_time();
        if named_now && !is_first_of_its_name(catalog, end) && attempt < ATTEMPTS_MAX {
            context.interrupt.wait(NAME_STEP)?;
            continue;
        }
        let then = catalog.snapshot_at(&mvcc.snapshot(end)?)?;
        let targets = target::resolve(&then, context.names, &request.targets)?;
        target::check_privileges(&then, &now, context.role, &targets)?;
        let search = Search {
            stores: context.stores,
            interrupt: context.interrupt,
            end,
            secret: request.secret.as_ref(),
            full_with_subdir: context.settings.bool(settings::BACKUP_FULL_WITH_SUBDIR),
        };
        match search.find(&request.into) {
            Ok(place) => break (end, then, targets, place),
            // The directory is named after the end time, and a backup of the same hundredth of a
            // second has it already: the next one is free.
            Err(e)
                if e.code() == sqlstate::FILE_ALREADY_EXISTS
                    && named_now
                    && attempt < ATTEMPTS_MAX =>
            {
                context.interrupt.wait(NAME_STEP)?;
            }
            Err(e) => return Err(e),
        }
    };
    let before = place.chain.as_ref().and_then(|chain| chain.last());
    let before_tables = before.map(spans::tables_of).transpose()?.unwrap_or_default();
    if let Some(before) = before {
        chain::check_origin(before, catalog.cluster_id(), end)?;
        chain::check_scope(before, &before_tables, &then, &targets)?;
    }

    let (manifest, left_out) =
        Layout { context, request, then: &then, targets: &targets, place: &place, end }
            .manifest(before, &before_tables)?;
    lay_protection(&mvcc, context, &manifest)?;
    let secrets = Secrets {
        uri: request.into.uri().to_secret_string(),
        key: place.key.as_ref().map(|key| key.to_secret_text().to_string()),
        elsewhere: request
            .elsewhere
            .own(context.stores)
            .map(|(locality, uri)| (locality.to_owned(), uri.to_secret_string())),
    };
    secret::keep(context.txn, context.job_id, &secrets)?;
    let description = describe(request, &targets.words, &place.full_dir);
    let descriptor_ids = targets.objects.iter().copied().collect::<Vec<_>>();
    let details = Details {
        location: request.into.uri().redacted(),
        dir: place.dir,
        names_latest: place.names_latest,
        encrypted: place.key.is_some(),
        encryption_info: place.encryption_info,
        objects: descriptor_ids.clone(),
        left_out,
        known_entries: place.chain.as_ref().map_or(0, |chain| chain.entries()),
        manifest,
    };
    let details = serde_json::to_value(&details)
        .map_err(|e| Error::internal("the details of a backup cannot be encoded").with_source(e))?;
    Ok(Plan { details, description, descriptor_ids, targets: targets.words })
}

/// Whether no other backup of this cluster was planned for the hundredth of a second that names
/// the directory. Two that are planned at once both find it free, and the later job would fail.
fn is_first_of_its_name(catalog: &Catalog, end: Timestamp) -> bool {
    static LAST: LazyLock<DashMap<Uuid, u64>> = LazyLock::new(DashMap::new);
    let hundredth = end.wall / NANOS_OF_A_HUNDREDTH;
    let mut last = LAST.entry(catalog.cluster_id()).or_default();
    let is_first = *last < hundredth;
    *last = hundredth.max(*last);
    is_first
}

/// The end time: the one that was asked for, or now.
fn end_time(catalog: &Catalog, asked: Option<Timestamp>) -> Result<Timestamp> {
    let Some(asked) = asked else {
        // Numbers that sequences have only reserved shall not look used in the backup.
        catalog.flush_sequences()?;
        return Ok(catalog.mvcc().now());
    };
    if asked > catalog.mvcc().now() {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "cannot specify timestamp in the future",
        ));
    }
    Ok(asked)
}

fn lay_protection(
    mvcc: &Arc<Mvcc>,
    context: &mut PlanContext<'_>,
    manifest: &Manifest,
) -> Result<()> {
    let (job, owned) = (context.job_id, Arc::clone(mvcc));
    context.txn.on_rollback(move || {
        if let Err(e) = protect::release(&owned, job) {
            tracing::warn!(job, error = %e, "the protection of a backup was not released");
        }
    });
    protect::lay(mvcc, job, manifest).map_err(|e| match manifest.is_full() {
        true => e,
        false => e.context("protected ts verification error").with_hint(
            "The history since the previous backup is gone; take a new full backup with BACKUP INTO.",
        ),
    })
}

/// Works out what the layer will hold.
struct Layout<'a, 'b> {
    context: &'a PlanContext<'b>,
    request: &'a Request,
    then: &'a CatalogSnapshot,
    targets: &'a Resolved,
    place: &'a Place,
    end: Timestamp,
}

impl Layout<'_, '_> {
    fn manifest(
        &self,
        before: Option<&Manifest>,
        before_tables: &[TableDescriptor],
    ) -> Result<(Manifest, Vec<DescriptorId>)> {
        let id = Uuid::new_v4();
        let mvcc = self.context.catalog.mvcc();
        let mut wanted = spans::of_objects(self.then, &self.targets.objects);
        let start_time = before.map_or(Timestamp::MIN, |before| before.end_time);
        let mut options = Map::new();
        if self.request.revision_history {
            options.insert("revision_history".to_owned(), Value::Bool(true));
        }
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            id,
            full_id: before.map_or(id, |before| before.full_id),
            previous_id: before.map(|before| before.id),
            cluster_id: self.context.catalog.cluster_id(),
            job_id: self.context.job_id,
            build: BuildInfo::this(),
            start_time,
            end_time: self.end,
            revision_start_time: self.end,
            mvcc_filter: MvccFilter::Latest,
            coverage: match self.targets.whole_cluster {
                true => Coverage::All,
                false => Coverage::Requested,
            },
            complete_databases: self.targets.complete.iter().copied().collect(),
            spans: Vec::new(),
            introduced_spans: Vec::new(),
            descriptors: Vec::new(),
            descriptor_changes: Vec::new(),
            files: Vec::new(),
            entry_counts: EntryCounts::default(),
            locality: self.context.stores.locality(),
            localities: self.request.elsewhere.names().map(str::to_owned).collect(),
            statistics: Vec::new(),
            options,
        };
        let mut left_out = Vec::new();
        if self.request.revision_history {
            manifest.mvcc_filter = MvccFilter::All;
            manifest.revision_start_time = match before {
                Some(before) => before.end_time,
                None => {
                    let read: Vec<Span> = wanted.iter().cloned().chain(watched_spans()).collect();
                    protect::threshold(mvcc, &read)
                }
            };
            left_out = self.add_history(&manifest, &mut wanted)?;
        }
        let before = before.map(|manifest| Before { manifest, tables: before_tables });
        (manifest.spans, manifest.introduced_spans) = spans::split(wanted, before);
        manifest.check(&self.place.dir)?;
        Ok((manifest, left_out))
    }

    /// Adds the spans that tables had only for a while. A table whose data is gone already is left
    /// out with its history; says which.
    fn add_history(
        &self,
        manifest: &Manifest,
        wanted: &mut BTreeSet<Span>,
    ) -> Result<Vec<DescriptorId>> {
        let catalog = self.context.catalog;
        let nothing = BTreeSet::new();
        let kept = Kept::of(manifest, &self.targets.objects, &nothing);
        let from = manifest.revision_start_time;
        let history = History::gather(catalog, &kept, from, self.end)?;
        let mut left_out = BTreeSet::new();
        for table in history.tables() {
            let passing: Vec<Span> =
                spans::of_table(table).into_iter().filter(|s| !wanted.contains(s)).collect();
            if protect::threshold(catalog.mvcc(), &passing) <= from {
                wanted.extend(passing);
            } else if !self.targets.objects.contains(&table.id) {
                left_out.insert(table.id);
            }
        }
        Ok(left_out.into_iter().collect())
    }
}
