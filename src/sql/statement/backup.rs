//! BACKUP: creates a job and, unless DETACHED, waits for it.

use std::sync::Arc;

use super::restore::secret;
use super::{Outcome, Work, job_result, userfile};
use crate::backup::{self, Elsewhere, Into, Names, PlanContext, Request};
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{CreatedBy, JobId, NewJob};
use crate::mvcc::{Txn, TxnOptions};
use crate::sql::client::Field;
use crate::sql::server::Server;
use crate::syntax::{Backup, BackupInto, BackupOptions, Destination, Subdirectory};
use crate::task::Interrupt;

/// Runs a BACKUP.
pub fn run(stmt: &Backup, work: &mut Work<'_>) -> Result<Outcome> {
    let detached = stmt.options.detached == Some(true);
    if work.explicit && !detached {
        return Err(Error::new(
            sqlstate::ACTIVE_SQL_TRANSACTION,
            "BACKUP cannot be used inside a transaction without DETACHED option",
        ));
    }
    let request = request(stmt, work)?;
    let server = Arc::clone(work.server);
    let asker = Asker {
        server: &server,
        role: &work.session.current_user,
        names: Names { database: &work.session.database, search_path: &work.session.search_path },
        interrupt: work.interrupt,
    };
    let job_id = asker.create(work.txn, &request, None)?;
    Ok(job_result::outcome(TAG, job_id, detached))
}

/// The statement with everything in it evaluated.
pub(super) fn request(stmt: &Backup, work: &mut Work<'_>) -> Result<Request> {
    check_options(&stmt.options)?;
    let (into, elsewhere) = into(&stmt.into, work)?;
    Ok(Request {
        targets: stmt.targets.clone(),
        into,
        elsewhere,
        end: stmt.as_of.as_ref().map(|expr| work.timestamp(expr)).transpose()?,
        revision_history: stmt.options.revision_history == Some(true),
        secret: secret(&stmt.options.encryption_passphrase, &stmt.options.kms, work)?,
        detached: stmt.options.detached == Some(true),
    })
}

/// Plans a backup and throws away what planning wrote.
pub(super) fn dry_run(request: &Request, work: &mut Work<'_>) -> Result<backup::Plan> {
    let asker = Asker {
        server: work.server,
        role: &work.session.current_user,
        names: Names { database: &work.session.database, search_path: &work.session.search_path },
        interrupt: work.interrupt,
    };
    // A transaction of its own: what planning writes shall not be kept.
    let options = TxnOptions { interrupt: work.interrupt.clone(), ..TxnOptions::default() };
    let mut txn = work.server.mvcc.begin(options)?;
    let planned = asker.plan(&mut txn, request, work.server.jobs.next_id());
    txn.rollback();
    planned
}

/// Who asks for a backup.
pub(super) struct Asker<'a> {
    pub(super) server: &'a Arc<Server>,
    pub(super) role: &'a str,
    /// Where names are looked for.
    pub(super) names: Names<'a>,
    pub(super) interrupt: &'a Interrupt,
}

impl Asker<'_> {
    /// Plans a backup and creates its job, in one transaction.
    pub(super) fn create(
        &self,
        txn: &mut Txn,
        request: &Request,
        created_by: Option<CreatedBy>,
    ) -> Result<JobId> {
        let jobs = &self.server.jobs;
        let id = jobs.next_id();
        let plan = self.plan(txn, request, id)?;
        jobs.create(
            txn,
            NewJob {
                kind: backup::KIND,
                description: plan.description,
                user: self.role.to_owned(),
                descriptor_ids: plan.descriptor_ids,
                details: plan.details,
                created_by,
                id: Some(id),
            },
        )
    }

    /// Plans a backup for a job of a number. Everything that can be refused is refused.
    pub(super) fn plan(
        &self,
        txn: &mut Txn,
        request: &Request,
        job_id: JobId,
    ) -> Result<backup::Plan> {
        let mut context = PlanContext {
            catalog: &self.server.catalog,
            stores: &*self.server.cloud,
            settings: &self.server.settings,
            txn,
            job_id,
            role: self.role,
            names: self.names,
            interrupt: self.interrupt,
        };
        backup::plan(&mut context, request)
    }
}

/// The columns of a BACKUP's row.
pub fn fields(stmt: &Backup) -> Vec<Field> {
    job_result::fields(stmt.options.detached == Some(true))
}

const TAG: &str = "BACKUP";

/// Refuses what cannot be done here. Options that change nothing on one node are accepted.
pub(super) fn check_options(options: &BackupOptions) -> Result<()> {
    let unsupported = [
        (!options.incremental_location.is_empty(), "incremental_location"),
        (options.execution_locality.is_some(), "execution locality"),
        (options.strict_storage_locality, "strict storage locality"),
        (
            options.updates_cluster_monitoring_metrics == Some(true),
            "updates_cluster_monitoring_metrics",
        ),
    ];
    match unsupported.iter().find(|(given, _)| *given) {
        Some((_, name)) => Err(Error::unsupported(format!("BACKUP with the option {name}"))),
        None => Ok(()),
    }
}

fn into(into: &BackupInto, work: &Work<'_>) -> Result<(Into, Elsewhere)> {
    Ok(match into {
        BackupInto::New(destination) => {
            let (uri, elsewhere) = places(destination, work)?;
            (Into::New(uri), elsewhere)
        }
        BackupInto::Append(subdirectory, destination) => {
            let (uri, elsewhere) = places(destination, work)?;
            let into = match subdirectory {
                Subdirectory::Latest => Into::Latest(uri),
                Subdirectory::Named(subdir) => match work.string(subdir)? {
                    latest if latest.eq_ignore_ascii_case("latest") => Into::Latest(uri),
                    subdir => Into::Named(subdir, uri),
                },
            };
            (into, elsewhere)
        }
        BackupInto::To { destination, incremental_from } => {
            let (uri, elsewhere) = places(destination, work)?;
            // What is written before each layer's data lies in its default destination.
            let from = incremental_from.iter().map(|d| Ok(places(d, work)?.0));
            (Into::To(uri, from.collect::<Result<_>>()?), elsewhere)
        }
    })
}

/// The default destination, and those of other localities.
fn places(destination: &Destination, work: &Work<'_>) -> Result<(ExternalUri, Elsewhere)> {
    let uris = destination
        .uris
        .iter()
        .map(|uri| userfile::writable(ExternalUri::parse(&work.string(uri)?)?, work));
    Elsewhere::split(uris.collect::<Result<_>>()?)
}

/// The URI of a destination of one.
pub(super) fn uri(destination: &Destination, work: &Work<'_>) -> Result<ExternalUri> {
    match destination.uris.as_slice() {
        [uri] => userfile::writable(ExternalUri::parse(&work.string(uri)?)?, work),
        _ => Err(Error::unsupported("a schedule with a locality-aware list of destinations")),
    }
}
