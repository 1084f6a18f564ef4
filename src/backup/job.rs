//! The job: many times, until the layer is complete. Whatever a run finds done, it does not do
//! again; whatever it does twice does no harm.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::destination::Stores;
use super::details::{Details, Secrets, Totals};
use super::flow::{self, Finished, Flow};
use super::history::{History, Kept, to_json};
use super::piece::{self, Piece};
use super::{protect, statistics};
use crate::archive::{Checkpoint, DataKey, EntryCounts, Layer, Manifest, MvccFilter, chain_key};
use crate::catalog::descriptor::DescriptorId;
use crate::catalog::{Catalog, CatalogSnapshot};
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::{CREATED_BY, Schedule, ScheduleId};
use crate::jobs::{JobHandle, JobId, Resumer, secret};
use crate::keys::{IndexId, Span, SpanSet, TableId};
use crate::kv::Family;
use crate::settings::{self, Settings};
use crate::task::Interrupt;

/// A checkpoint is saved after this many files, or an eighth of those that there are.
const FILES_BETWEEN_CHECKPOINTS: usize = 16;

/// The running status while data is read and written.
const EXPORTING: &str = "exporting";

/// One run of a job, as the registry lets the resumer see it.
pub trait Run {
    /// The job's number.
    fn id(&self) -> JobId;
    /// The schedule that made it.
    fn schedule(&self) -> Option<ScheduleId>;
    /// The details that planning fixed.
    fn details(&self) -> Result<Value>;
    /// What the last checkpoint left; null before the first.
    fn progress(&self) -> Result<Value>;
    /// Raised when the job shall stop.
    fn interrupt(&self) -> &Interrupt;
    /// Replaces the progress.
    fn checkpoint(&self, fraction: f64, status: &str, progress: Value) -> Result<()>;
    /// Tells those who watch how far the work is.
    fn report(&self, fraction: f64, status: &str) -> Result<()>;
    /// Fails if the job shall pause at this place.
    fn pausepoint(&self, name: &'static str) -> Result<()>;
}

impl Run for JobHandle {
    fn id(&self) -> JobId {
        JobHandle::id(self)
    }

    fn schedule(&self) -> Option<ScheduleId> {
        let by = JobHandle::record(self).created_by?;
        (by.kind == CREATED_BY).then_some(by.id)
    }

    fn details(&self) -> Result<Value> {
        JobHandle::details(self)
    }

    fn progress(&self) -> Result<Value> {
        JobHandle::progress(self)
    }

    fn interrupt(&self) -> &Interrupt {
        JobHandle::interrupt(self)
    }

    fn checkpoint(&self, fraction: f64, status: &str, progress: Value) -> Result<()> {
        JobHandle::checkpoint(self, fraction, status, progress)
    }

    fn report(&self, fraction: f64, status: &str) -> Result<()> {
        JobHandle::report(self, fraction, status)
    }

    fn pausepoint(&self, name: &'static str) -> Result<()> {
        JobHandle::pausepoint(self, name)
    }
}

/// What backups need of the server.
pub struct BackupResumer {
    /// Descriptors, and the store below them.
    pub catalog: Arc<Catalog>,
    /// External storage.
    pub stores: Arc<dyn Stores>,
    /// Cluster settings in force.
    pub settings: Arc<Settings>,
}

impl Resumer for BackupResumer {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        self.back_up(job)
    }

    fn on_fail_or_cancel(&self, job: &JobHandle) -> Result<()> {
        self.give_up(job)
    }

    /// A store that failed may work in a moment; each new run goes on from the last checkpoint.
    fn is_transient(&self, error: &Error) -> bool {
        error.is_retryable() || error.code() == sqlstate::IO_ERROR
    }
}

impl BackupResumer {
    /// Removes what an unfinished backup wrote. The store may be out of reach for good, so only
    /// the job's own traces in the server have to go.
    pub fn give_up(&self, run: &dyn Run) -> Result<()> {
        let details: Details = read_json(run.details()?, "details")?;
        if let Some(secrets) = secret::find::<Secrets>(self.catalog.mvcc(), run.id())? {
            // The job's own signal is raised already when it was cancelled.
            let discarded = self
                .layer(&details, &secrets, &Interrupt::new())
                .and_then(|layer| layer.discard(run.id()));
            if let Err(e) = discarded {
                tracing::warn!(job = run.id(), error = %e, "files of a backup that failed remain");
            }
        }
        protect::release(self.catalog.mvcc(), run.id())?;
        secret::forget(self.catalog.mvcc(), run.id())
    }

    /// Takes the backup, from wherever an earlier run left it.
    pub fn back_up(&self, run: &dyn Run) -> Result<()> {
        let details: &Details = &read_json(run.details()?, "details")?;
        let progress: Totals = match run.progress()? {
            Value::Null => Totals::default(),
            value => read_json(value, "progress")?,
        };
        if progress.complete {
            return self.tidy_up(run, details);
        }
        let secrets: Secrets = secret::find(self.catalog.mvcc(), run.id())?
            .ok_or_else(|| Error::internal("the secrets of a running backup are gone"))?;
        let layer = self.layer(details, &secrets, run.interrupt())?;

        // An earlier run may have written the manifest and not have lived to say so.
        if let Some(manifest) = layer.completed()?
            && manifest.id == details.manifest.id
        {
            return self.conclude(run, details, &layer, &manifest);
        }
        protect::lay(self.catalog.mvcc(), run.id(), &details.manifest)?;
        run.pausepoint("backup.before.write_lock")?;
        layer.lock(run.id())?;
        if let Some(info) = &details.encryption_info {
            chain_key::publish_info(&**layer.store(), layer.dir(), info)?;
        }
        run.pausepoint("backup.after.write_lock")?;

        let mut backup = self.begin(run, details, &layer)?;
        run.pausepoint("backup.before.write_first_checkpoint")?;
        backup.save()?;
        run.pausepoint("backup.after.write_first_checkpoint")?;

        run.pausepoint("backup.before.flow")?;
        backup.export()?;
        let Backup { so_far: Checkpoint { mut manifest, .. }, .. } = backup;
        manifest.statistics = vec![layer.write_statistics(&self.statistics(details)?)?];

        run.pausepoint("backup.before.write_manifest")?;
        run.interrupt().check()?;
        self.conclude(run, details, &layer, &manifest)
    }

    /// Publishes the layer and ends the job.
    fn conclude(
        &self,
        run: &dyn Run,
        details: &Details,
        layer: &Layer,
        manifest: &Manifest,
    ) -> Result<()> {
        layer.complete(manifest, details.names_latest)?;
        let totals = Totals::of(&manifest.entry_counts, manifest.files.len(), true);
        run.checkpoint(1.0, "", json(&totals)?)?;
        run.pausepoint("backup.after.write_manifest")?;
        self.tidy_up(run, details)
    }

    fn tidy_up(&self, run: &dyn Run, details: &Details) -> Result<()> {
        // The backup is complete whatever becomes of the next one.
        if let Some(schedule) = run.schedule()
            && let Err(e) = self.hand_on(schedule, &details.manifest)
        {
            tracing::warn!(schedule, error = %e, "history for the next backup is not kept");
        }
        protect::release(self.catalog.mvcc(), run.id())?;
        secret::forget(self.catalog.mvcc(), run.id())
    }

    /// Keeps history for the schedule that will append to this layer: the one that made it, or the
    /// other of its pair.
    fn hand_on(&self, schedule: ScheduleId, layer: &Manifest) -> Result<()> {
        let mvcc = self.catalog.mvcc();
        let made = Schedule::find(&mut mvcc.snapshot(mvcc.visible())?, schedule)?;
        let Some(made) = made else { return Ok(()) };
        let appends = if layer.is_full() { made.arguments.dependent } else { Some(made.id) };
        match appends {
            Some(id) if self.settings.bool(settings::SCHEDULE_GC_PROTECTION) => {
                protect::hand_on(mvcc, id, layer)
            }
            Some(id) => protect::release_schedule(mvcc, id),
            None => Ok(()),
        }
    }

    fn layer(&self, details: &Details, secrets: &Secrets, interrupt: &Interrupt) -> Result<Layer> {
        let uri = ExternalUri::parse(&secrets.uri)?;
        let key = secrets.key.as_deref().map(DataKey::from_secret_text).transpose()?;
        if details.encrypted != key.is_some() {
            return Err(Error::internal("the key of an encrypted backup is gone"));
        }
        let mut layer = Layer::new(self.stores.open(&uri, interrupt)?, details.dir.clone(), key);
        if let Some((locality, uri)) = &secrets.elsewhere {
            let store = self.stores.open(&ExternalUri::parse(uri)?, interrupt)?;
            layer = layer.with_data_in(locality, store);
        }
        Ok(layer)
    }

    /// The backup as an earlier run left it, or as it begins.
    fn begin<'a>(
        &'a self,
        run: &'a dyn Run,
        details: &'a Details,
        layer: &'a Layer,
    ) -> Result<Backup<'a>> {
        let mvcc = self.catalog.mvcc();
        let snapshot = self.catalog.snapshot_at(&mvcc.snapshot(details.manifest.end_time)?)?;
        let work = piece::divide(
            mvcc,
            &piece::Layout {
                spans: &details.manifest.spans,
                introduced: &details.manifest.introduced_spans,
                start: details.manifest.start_time,
                end: details.manifest.end_time,
                known_entries: details.known_entries,
            },
        )?;
        let mut manifest = self.described(details, &snapshot)?;
        manifest.spans = work.spans;
        manifest.introduced_spans = work.introduced;
        let mut done = SpanSet::new();
        if let Some(before) = earlier(layer, &manifest)? {
            manifest.files = before.manifest.files;
            for span in before.completed {
                done.add(span);
            }
        }
        for file in &manifest.files {
            manifest.entry_counts.add(file);
        }
        let mut pieces = Vec::new();
        for piece in work.pieces {
            piece::without(piece, &done, &mut pieces);
        }
        let so_far = Checkpoint { manifest, completed: done.iter().cloned().collect() };
        let primary = primary_indexes(&snapshot);
        Ok(Backup { server: self, run, layer, primary, so_far, done, pieces })
    }

    /// The manifest with its descriptors, without files.
    fn described(&self, details: &Details, snapshot: &CatalogSnapshot) -> Result<Manifest> {
        let mut manifest = details.manifest.clone();
        for object in details.objects.iter().filter_map(|id| snapshot.descriptor(*id)) {
            manifest.descriptors.push(to_json(&object.to_descriptor())?);
        }
        manifest.entry_counts = EntryCounts::default();
        if manifest.mvcc_filter == MvccFilter::All {
            let objects: BTreeSet<DescriptorId> = details.objects.iter().copied().collect();
            let left_out: BTreeSet<DescriptorId> = details.left_out.iter().copied().collect();
            let kept = Kept::of(&manifest, &objects, &left_out);
            let (from, upto) = (manifest.revision_start_time, manifest.end_time);
            let history = History::gather(&self.catalog, &kept, from, upto)?;
            manifest.descriptor_changes = history.into_changes(manifest.is_full())?;
        }
        Ok(manifest)
    }

    /// Statistics are a help, not data: without them the backup is complete.
    fn statistics(&self, details: &Details) -> Result<Value> {
        let objects = details.objects.iter().copied().collect();
        let snapshot = self.catalog.mvcc().snapshot(details.manifest.end_time)?;
        Ok(statistics::collect(&snapshot, &objects).unwrap_or_else(|e| {
            tracing::warn!(error = %e, "the statistics of a backup could not be read");
            Value::Array(Vec::new())
        }))
    }
}

/// What an earlier run of the same job left; nothing if it cannot be read.
fn earlier(layer: &Layer, manifest: &Manifest) -> Result<Option<Checkpoint>> {
    match layer.load_checkpoint() {
        Ok(found) => Ok(found.filter(|before| before.manifest.id == manifest.id)),
        Err(e) if e.code() == sqlstate::DATA_CORRUPTED => {
            tracing::warn!(error = %e, "a backup begins again without its checkpoint");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// The primary index of every table and sequence.
fn primary_indexes(snapshot: &CatalogSnapshot) -> HashMap<TableId, IndexId> {
    let tables = snapshot.tables_any_state().filter(|table| !table.is_view());
    let primary = |has_rows: bool, index: IndexId| if has_rows { index } else { 1 };
    tables.map(|t| (t.id, primary(t.has_rows(), t.primary_index.id))).collect()
}

/// A backup under way.
struct Backup<'a> {
    server: &'a BackupResumer,
    run: &'a dyn Run,
    layer: &'a Layer,
    primary: HashMap<TableId, IndexId>,
    so_far: Checkpoint,
    done: SpanSet,
    pieces: Vec<Piece>,
}

impl Backup<'_> {
    /// Reads what is left to read, and saves a checkpoint now and then.
    fn export(&mut self) -> Result<()> {
        let settings = &self.server.settings;
        let interval = settings.duration(settings::BACKUP_CHECKPOINT_INTERVAL);
        let pieces = std::mem::take(&mut self.pieces);
        let primary = std::mem::take(&mut self.primary);
        let flow = Flow {
            mvcc: self.server.catalog.mvcc(),
            layer: self.layer,
            backup: self.so_far.manifest.id,
            upto: self.so_far.manifest.end_time,
            all_versions: self.so_far.manifest.mvcc_filter == MvccFilter::All,
            file_bytes: settings.bytes(settings::BACKUP_FILE_SIZE),
            lanes: usize::try_from(settings.int(settings::BACKUP_WORKERS)).unwrap_or(1),
            bytes_per_second: settings.bytes(settings::BULK_IO_MAX_RATE),
            primary: &primary,
            interrupt: self.run.interrupt(),
        };
        let mut saved = (Instant::now(), self.so_far.manifest.files.len());
        let tick = interval.clamp(Duration::from_millis(100), Duration::from_secs(1));
        flow::run(&flow, pieces, tick, &mut |finished| {
            if let Some(finished) = finished {
                self.add(finished);
                self.run.report(self.fraction()?, EXPORTING)?;
            }
            let files = self.so_far.manifest.files.len();
            let many = files - saved.1 >= FILES_BETWEEN_CHECKPOINTS.max(files / 8);
            if many || (files > saved.1 && saved.0.elapsed() >= interval) {
                self.save()?;
                self.run.pausepoint("backup.after.checkpoint")?;
                saved = (Instant::now(), files);
            }
            Ok(())
        })?;
        let manifest = &mut self.so_far.manifest;
        manifest.files.sort_by(|a, b| a.span.cmp(&b.span).then_with(|| a.path.cmp(&b.path)));
        if self.so_far.manifest.files.len() > saved.1 {
            self.save()?;
            self.run.pausepoint("backup.after.checkpoint")?;
        }
        Ok(())
    }

    fn add(&mut self, finished: Finished) {
        if let Some(record) = finished.record {
            self.so_far.manifest.entry_counts.add(&record);
            self.so_far.manifest.files.push(record);
        }
        for span in finished.spans {
            self.done.add(span);
        }
    }

    /// Saves what is done, first on the store, then with the job.
    fn save(&mut self) -> Result<()> {
        self.so_far.completed = self.done.iter().cloned().collect();
        self.layer.save_checkpoint(&self.so_far)?;
        let manifest = &self.so_far.manifest;
        let totals = Totals::of(&manifest.entry_counts, manifest.files.len(), false);
        self.run.checkpoint(self.fraction()?, EXPORTING, json(&totals)?)
    }

    /// How much is done, by the sizes that the store guesses.
    fn fraction(&self) -> Result<f64> {
        let manifest = &self.so_far.manifest;
        let all = self.bytes(manifest.spans.iter().chain(&manifest.introduced_spans))?;
        let done = self.bytes(self.done.iter())?;
        // The manifest is still to come.
        Ok(0.99 * (done as f64 / all.max(1) as f64).min(1.0))
    }

    fn bytes<'s>(&self, spans: impl Iterator<Item = &'s Span>) -> Result<u64> {
        let engine = self.server.catalog.mvcc().engine();
        spans.map(|span| engine.approximate_bytes(Family::Versions, span)).sum()
    }
}

fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|e| Error::internal("the progress of a backup cannot be encoded").with_source(e))
}

fn read_json<T: serde::de::DeserializeOwned>(value: Value, what: &str) -> Result<T> {
    serde_json::from_value(value).map_err(|e| {
        Error::corrupt(format!("the {what} of a backup cannot be read")).with_source(e)
    })
}
