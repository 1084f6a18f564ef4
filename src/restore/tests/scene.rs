//! A cluster that is backed up, one that is restored to, a store between them, and a job in hand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

use crate::archive::{
    BuildInfo, Coverage, DataFileWriter, DataKey, DescriptorChange, EntryCounts, FORMAT_VERSION,
    Layer, Manifest, MvccFilter, Secret, WriterOptions, chain_key, layout,
};
use crate::catalog::descriptor::*;
use crate::catalog::mutation::Change;
use crate::catalog::row::TableCodec;
pub(crate) use crate::catalog::testing::indexed_table as table;
use crate::catalog::{Catalog, sequence, system, watched_spans};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::cloud::{Cloud, Store};
use crate::error::Result;
use crate::jobs::{JobId, secret};
use crate::keys::{Span, index_span, table_span};
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{ExportRequest, Mvcc, Options, Txn, TxnOptions};
use crate::restore::details::{Details, Progress};
use crate::restore::job::Control;
use crate::restore::load::Pace;
use crate::restore::{
    Plan, PlanContext, RestoreOptions, RestoreRequest, RestoreResumer, Services, SourceFrom,
    Subdir, plan,
};
use crate::settings::Settings;
use crate::syntax::{self, Statement};
use crate::task::Interrupt;
use crate::types::{Datum, Type};

/// Where the tests' collection lies.
pub const URI: &str = "nodelocal://1/collection";

/// One cluster.
pub struct Cluster {
    pub mvcc: Arc<Mvcc>,
    pub catalog: Arc<Catalog>,
    clock: Arc<ManualClock>,
}

impl Cluster {
    pub fn new() -> Cluster {
        let start = Timestamp::from_nanos(1_700_000_000_000_000_000);
        let clock = Arc::new(ManualClock::new(start));
        let options = Options { watched: watched_spans(), ..Options::default() };
        let mvcc = Mvcc::open(Arc::new(MemoryEngine::new()), clock.clone(), options).unwrap();
        let catalog = Catalog::open(Arc::clone(&mvcc)).unwrap();
        Cluster { mvcc, catalog, clock }
    }

    pub fn begin(&self) -> Txn {
        self.mvcc.begin(TxnOptions::default()).unwrap()
    }

    /// Lets time pass, and tells it.
    pub fn tick(&self) -> Timestamp {
        self.clock.advance_nanos(1_000_000_000);
        self.clock.now()
    }

    pub fn write(&self, descriptors: &[Descriptor]) {
        let mut txn = self.begin();
        for descriptor in descriptors {
            self.catalog.write(&mut txn, descriptor).unwrap();
        }
        txn.commit().unwrap();
    }

    /// A table `(a int8 primary key, b text)` with an index on `b`, in `defaultdb.public`.
    pub fn table(&self, name: &str) -> TableDescriptor {
        let table = table(self.catalog.allocate_id().unwrap(), name);
        self.write(&[Descriptor::Table(table.clone())]);
        table
    }

    /// Writes or, without a text, deletes rows.
    pub fn put(&self, table: &TableDescriptor, rows: &[(i64, Option<&str>)]) {
        let codec = TableCodec::new(&Arc::new(table.clone())).unwrap();
        let mut txn = self.begin();
        for (a, b) in rows {
            let key = codec.primary_key(&[Datum::Int8(*a)]).unwrap();
            let old = txn.get(&key).unwrap().map(|value| codec.decode_row(&key, &value).unwrap());
            for index in &table.indexes {
                if let Some(old) = &old {
                    txn.delete(codec.index_entries(index, old).unwrap().0).unwrap();
                }
            }
            let Some(b) = b else {
                txn.delete(key).unwrap();
                continue;
            };
            let row = [Datum::Int8(*a), Datum::text(b)];
            let (key, value) = codec.encode_primary(&row).unwrap();
            txn.put(key, value).unwrap();
            for index in &table.indexes {
                let (key, value) = codec.index_entries(index, &row).unwrap();
                txn.put(key, value).unwrap();
            }
        }
        txn.commit().unwrap();
    }

    /// Everything stored under a table's number, without that number.
    pub fn dump(&self, id: u32) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut txn = self.begin();
        let mut scan = txn.scan(&table_span(id), false).unwrap();
        let mut found = BTreeMap::new();
        while scan.next().unwrap() {
            found.insert(scan.key()[4..].to_vec(), scan.value().to_vec());
        }
        found
    }

    pub fn find(&self, schema: u32, name: &str) -> Option<TableDescriptor> {
        let snapshot = self.catalog.current().unwrap();
        snapshot.relation_any_state(schema, name).map(|table| table.as_ref().clone())
    }
}

/// How a layer is written.
#[derive(Clone, Default)]
pub struct Style {
    pub history: bool,
    pub cluster: bool,
    pub complete: Vec<u32>,
    pub secret: Option<Secret>,
    /// Tables that the layer takes from the beginning.
    pub introduced: Vec<u32>,
    /// Tables whose spans the layer forgets.
    pub forgotten: Vec<u32>,
    /// Entries of a data file.
    pub entries: u64,
}

/// Two clusters and the store between them.
pub struct Scene {
    pub from: Cluster,
    pub to: Cluster,
    pub services: Services,
    pub dir: PathBuf,
    /// What statements name as the collection.
    pub uris: Vec<String>,
    pub store: Arc<dyn Store>,
    _runtime: tokio::runtime::Runtime,
    _temporary: tempfile::TempDir,
}

impl Scene {
    pub fn new() -> Scene {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let settings = Arc::new(Settings::new());
        let mut cloud = Cloud::new(runtime.handle().clone(), settings.clone());
        cloud.external_io_dir = Some(temporary.path().to_owned());
        let store = cloud.open(URI).unwrap();
        let to = Cluster::new();
        // Numbers differ between the two clusters.
        to.catalog.allocate_ids(50).unwrap();
        let services = Services {
            mvcc: to.mvcc.clone(),
            catalog: to.catalog.clone(),
            cloud: Arc::new(cloud),
            settings,
        };
        let dir = temporary.path().join("collection");
        Scene {
            from: Cluster::new(),
            to,
            services,
            dir,
            uris: vec![URI.to_owned()],
            store,
            _runtime: runtime,
            _temporary: temporary,
        }
    }

    /// Backs up some objects of the first cluster as they are now.
    pub fn backup(&self, ids: &[u32], before: Option<&Manifest>, style: &Style) -> Manifest {
        let end = self.from.tick();
        let start = before.map_or(Timestamp::MIN, |m| m.end_time);
        let snapshot = self.from.catalog.snapshot_at(&self.from.mvcc.snapshot(end).unwrap());
        let snapshot = snapshot.unwrap();
        let id = Uuid::new_v4();
        let full_dir = match before {
            None => layout::full_dir(end),
            Some(m) => m.options["full_dir"].as_str().unwrap().to_owned(),
        };
        let dir = match before {
            None => full_dir.clone(),
            Some(_) => format!("{full_dir}/{}", layout::incremental_dir(end)),
        };
        let key = style.secret.as_ref().map(|secret| match before {
            None => chain_key::create_key(&*self.store, &full_dir, secret).unwrap(),
            Some(_) => chain_key::open_key(&*self.store, &full_dir, secret).unwrap(),
        });
        let layer = Layer::new(self.store.clone(), dir, key.clone());
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            id,
            full_id: before.map_or(id, |m| m.full_id),
            previous_id: before.map(|m| m.id),
            cluster_id: self.from.catalog.cluster_id(),
            job_id: 1,
            build: BuildInfo::this(),
            start_time: start,
            end_time: end,
            revision_start_time: start,
            mvcc_filter: if style.history { MvccFilter::All } else { MvccFilter::Latest },
            coverage: if style.cluster { Coverage::All } else { Coverage::Requested },
            complete_databases: style.complete.clone(),
            spans: Vec::new(),
            introduced_spans: Vec::new(),
            descriptors: Vec::new(),
            descriptor_changes: Vec::new(),
            files: Vec::new(),
            entry_counts: EntryCounts::default(),
            locality: None,
            localities: Vec::new(),
            statistics: Vec::new(),
            options: serde_json::Map::from_iter([("full_dir".into(), Value::from(full_dir))]),
        };
        for object in snapshot.descriptors() {
            let wanted = style.cluster || ids.contains(&object.id());
            if !wanted {
                continue;
            }
            let descriptor = object.to_descriptor();
            manifest.descriptors.push(serde_json::to_value(&descriptor).unwrap());
            if style.history {
                manifest.descriptor_changes.push(DescriptorChange {
                    time: start.next(),
                    id: descriptor.id(),
                    descriptor: Some(serde_json::to_value(&descriptor).unwrap()),
                });
            }
            let Descriptor::Table(table) = descriptor else { continue };
            if table.is_view() || style.forgotten.contains(&table.id) {
                continue;
            }
            for index in table.all_indexes() {
                let span = index_span(table.id, index.id);
                let introduced = style.introduced.contains(&table.id);
                let after = if introduced { Timestamp::MIN } else { start };
                let request = ExportRequest {
                    span: span.clone(),
                    after,
                    upto: end,
                    all_versions: style.history,
                };
                self.export(&layer, id, key.as_ref(), request, style, &mut manifest, &table);
                match introduced {
                    true => manifest.introduced_spans.push(span),
                    false => manifest.spans.push(span),
                }
            }
        }
        layer.complete(&manifest, before.is_none()).unwrap();
        manifest
    }

    #[allow(clippy::too_many_arguments)] // one caller, above
    fn export(
        &self,
        layer: &Layer,
        id: Uuid,
        key: Option<&DataKey>,
        request: ExportRequest,
        style: &Style,
        manifest: &mut Manifest,
        table: &TableDescriptor,
    ) {
        let primary = index_span(table.id, table.primary_index.id) == request.span;
        let mut exporter = self.from.mvcc.export(request).unwrap();
        let mut entries: Vec<(Vec<u8>, Timestamp, Option<Vec<u8>>)> = Vec::new();
        while let Some(e) = exporter.next().unwrap() {
            entries.push((e.key.to_vec(), e.at, e.value.map(<[u8]>::to_vec)));
        }
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let mut count = usize::try_from(style.entries.max(1)).unwrap().min(rest.len());
            if style.entries == 0 {
                count = rest.len();
            }
            // Versions of one key stay together.
            while count < rest.len() && rest[count].0 == rest[count - 1].0 {
                count += 1;
            }
            let (these, others) = rest.split_at(count);
            rest = others;
            let (path, mut target) = layer.data_writer().unwrap();
            let sink = Box::new(|piece: Bytes| target.write(piece));
            let options = WriterOptions { block_bytes: 200, level: 1 };
            let mut writer = DataFileWriter::new(sink, id, options, key).unwrap();
            for (key, at, value) in these {
                writer.add(key, *at, value.as_deref()).unwrap();
            }
            let summary = writer.finish().unwrap();
            target.finish().unwrap();
            let live = these.iter().filter(|e| e.2.is_some()).count() as u64;
            let (rows, others) = if primary { (live, 0) } else { (0, live) };
            let record = summary.into_record(path, rows, others, None);
            manifest.entry_counts.add(&record);
            manifest.files.push(record);
        }
    }

    /// Plans a RESTORE statement, with a job of its own.
    pub fn plan(&self, sql: &str) -> Result<FakeJob> {
        self.plan_as("root", sql, None)
    }

    pub fn plan_as(&self, user: &str, sql: &str, as_of: Option<Timestamp>) -> Result<FakeJob> {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        let statement = syntax::parse(sql).unwrap().remove(0).statement;
        let Statement::Restore(stmt) = statement else { panic!("{sql}") };
        let text = |arg: &Option<syntax::StringArg>| match arg {
            Some(syntax::StringArg::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let o = &stmt.options;
        let request = RestoreRequest {
            targets: stmt.targets.clone(),
            renames: stmt.renames.clone(),
            from: SourceFrom::Collection(Subdir::Latest, self.uris.clone()),
            as_of,
            secret: text(&o.encryption_passphrase).map(Secret::passphrase),
            options: RestoreOptions {
                into_db: text(&o.into_db),
                into_schema: text(&o.into_schema),
                new_db_name: text(&o.new_db_name),
                skip_missing_foreign_keys: o.skip_missing_foreign_keys,
                skip_missing_sequences: o.skip_missing_sequences,
                skip_missing_sequence_owners: o.skip_missing_sequence_owners,
                skip_missing_views: o.skip_missing_views,
                schema_only: o.schema_only,
                verify_backup_table_data: o.verify_backup_table_data,
                grants: o.grants,
                detached: false,
            },
        };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut txn = self.to.begin();
        let snapshot = self.to.catalog.snapshot(&mut txn).unwrap();
        let planned = plan(
            &mut PlanContext {
                services: &self.services,
                txn: &mut txn,
                snapshot,
                user,
                database: "defaultdb",
                search_path: &["public".to_owned()],
                job_id: id,
                interrupt: &Interrupt::new(),
            },
            &request,
        )?;
        txn.commit().unwrap();
        Ok(FakeJob::new(id, planned))
    }

    pub fn resumer(&self) -> RestoreResumer {
        let pace = Pace { chunk_bytes: 1, checkpoint_interval: Duration::ZERO };
        RestoreResumer::with_pace(self.services.clone(), pace)
    }

    /// Plans and runs a statement to its end.
    pub fn restore(&self, sql: &str) -> Result<FakeJob> {
        self.restore_at(sql, None)
    }

    pub fn restore_at(&self, sql: &str, as_of: Option<Timestamp>) -> Result<FakeJob> {
        let job = self.plan_as("root", sql, as_of)?;
        self.resumer().run(&job)?;
        Ok(job)
    }

    /// Nothing is left of a job that was reverted.
    pub fn assert_gone(&self, job: &FakeJob) {
        let details = job.details().unwrap();
        let snapshot = self.to.catalog.current().unwrap();
        for descriptor in &details.descriptors {
            assert!(snapshot.descriptor(descriptor.id()).is_none(), "{}", descriptor.name());
        }
        for table in &details.tables {
            assert!(self.to.dump(table.new).is_empty(), "{}", table.name);
        }
        assert!(secret::find::<Value>(&self.to.mvcc, job.id).unwrap().is_none());
        let mut txn = self.to.begin();
        let names = system::NAMESPACE.scan(&mut txn, &[]).unwrap();
        assert_eq!(names.len(), snapshot.descriptors().count());
    }
}

/// A job without a registry.
pub struct FakeJob {
    pub id: JobId,
    pub plan: Plan,
    state: Arc<Mutex<Progress>>,
    interrupt: Interrupt,
    checkpoints: AtomicUsize,
    /// The checkpoint after which the run is stopped.
    pub stop_at: Option<usize>,
    /// The pausepoint at which the run is stopped.
    pub pause_at: Option<&'static str>,
}

impl FakeJob {
    fn new(id: JobId, plan: Plan) -> FakeJob {
        FakeJob {
            id,
            plan,
            state: Arc::default(),
            interrupt: Interrupt::new(),
            checkpoints: AtomicUsize::new(0),
            stop_at: None,
            pause_at: None,
        }
    }

    pub fn state(&self) -> Progress {
        self.state.lock().clone()
    }

    /// As after a crash: what was done since a checkpoint is forgotten.
    pub fn set_state(&self, progress: Progress) {
        *self.state.lock() = progress;
    }
}

impl Control for FakeJob {
    fn id(&self) -> JobId {
        self.id
    }

    fn details(&self) -> Result<Details> {
        Ok(serde_json::from_value(self.plan.details.clone()).unwrap())
    }

    fn progress(&self) -> Result<Progress> {
        // As it is stored.
        let text = serde_json::to_string(&*self.state.lock()).unwrap();
        Ok(serde_json::from_str(&text).unwrap())
    }

    fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn checkpoint(&self, fraction: f64, _: &str, progress: &Progress) -> Result<()> {
        assert!((0.0..=1.0).contains(&fraction));
        *self.state.lock() = progress.clone();
        let number = self.checkpoints.fetch_add(1, Ordering::Relaxed) + 1;
        match self.stop_at {
            Some(at) if at == number => Err(crate::task::Cause::JobStopped.into()),
            _ => Ok(()),
        }
    }

    fn report(&self, fraction: f64, _: &str) -> Result<()> {
        assert!((0.0..=1.0).contains(&fraction));
        self.interrupt.check()
    }

    fn checkpoint_in(&self, txn: &mut Txn, _: &str, progress: &Progress) -> Result<()> {
        let (state, progress) = (Arc::clone(&self.state), progress.clone());
        txn.on_commit(move |_| *state.lock() = progress);
        Ok(())
    }

    fn go_on(&self, _: &mut Txn, _: &TableDescriptor, _: &Change) -> Result<JobId> {
        Ok(self.id + 1)
    }

    fn pausepoint(&self, name: &'static str) -> Result<()> {
        assert!(crate::jobs::pausepoint::NAMES.contains(&name), "{name}");
        match self.pause_at {
            Some(at) if at == name => Err(crate::jobs::pausepoint::reached(name)),
            _ => Ok(()),
        }
    }
}

/// A sequence's descriptor, and its stored value.
pub fn sequence_at(id: u32, name: &str, owned_by: Option<(u32, u32)>) -> TableDescriptor {
    let mut sequence = table(id, name);
    sequence.columns.clear();
    sequence.indexes.clear();
    sequence.kind = TableKind::Sequence(SequenceOptions {
        ty: Type::Int8,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: i64::MAX,
        cycle: false,
        cache: 1,
        owned_by,
    });
    sequence
}

/// Where a sequence's value lies.
pub fn value_span(id: u32) -> Span {
    Span::point(sequence::key(id, 1))
}
