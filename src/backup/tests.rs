//! Backups over the memory engine and a memory store, compared with what was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::*;
use crate::archive::{DataKey, Layer, Manifest, Secret, check_chain, collection, verify_file};
use crate::catalog::descriptor::*;
use crate::catalog::row::TableCodec;
use crate::catalog::testing::indexed_table;
use crate::catalog::{Catalog, watched_spans};
use crate::clock::{ManualClock, Timestamp};
use crate::cloud::{ExternalUri, Memory, Store};
use crate::error::{Error, Result};
use crate::jobs::{JobId, secret};
use crate::keys::{Key, Span, table_span};
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Mvcc, Options, TxnOptions};
use crate::settings::{self, Settings};
use crate::syntax::Targets;
use crate::task::Interrupt;
use crate::types::Datum;

mod content;
mod failure;
mod planning;

const SECOND: u64 = 1_000_000_000;

/// One store behind every URI; exchangeable.
struct OneStore(Mutex<Arc<dyn Store>>);

impl Stores for OneStore {
    fn open(&self, _: &ExternalUri, _: &Interrupt) -> Result<Arc<dyn Store>> {
        Ok(self.0.lock().clone())
    }

    fn locality(&self) -> Option<String> {
        None
    }
}

/// A run that a test can stop at a place.
struct Script {
    id: JobId,
    details: Value,
    progress: Mutex<Value>,
    interrupt: Interrupt,
    stop_at: Mutex<Option<&'static str>>,
    fractions: Mutex<Vec<f64>>,
}

impl Run for Script {
    fn id(&self) -> JobId {
        self.id
    }

    fn schedule(&self) -> Option<crate::jobs::schedule::ScheduleId> {
        None
    }

    fn details(&self) -> Result<Value> {
        Ok(self.details.clone())
    }

    fn progress(&self) -> Result<Value> {
        Ok(self.progress.lock().clone())
    }

    fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn checkpoint(&self, fraction: f64, _: &str, progress: Value) -> Result<()> {
        *self.progress.lock() = progress;
        self.fractions.lock().push(fraction);
        Ok(())
    }

    fn report(&self, fraction: f64, _: &str) -> Result<()> {
        self.fractions.lock().push(fraction);
        Ok(())
    }

    fn pausepoint(&self, name: &'static str) -> Result<()> {
        match *self.stop_at.lock() {
            Some(stop) if stop == name => Err(Error::internal("stopped here")),
            _ => Ok(()),
        }
    }
}

impl Script {
    fn totals(&self) -> Totals {
        serde_json::from_value(self.progress.lock().clone()).unwrap()
    }
}

type Version = (Timestamp, Option<Vec<u8>>);
type Versions = Vec<(Key, Timestamp, Option<Vec<u8>>)>;

struct World {
    catalog: Arc<Catalog>,
    clock: Arc<ManualClock>,
    settings: Arc<Settings>,
    store: Arc<dyn Store>,
    resumer: BackupResumer,
    stores: Arc<OneStore>,
    next_job: Mutex<JobId>,
    /// Everything that was ever written into user tables.
    written: Mutex<Versions>,
}

fn uri() -> ExternalUri {
    ExternalUri::parse("s3://bucket/base?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=hush").unwrap()
}

fn request(targets: Targets, into: Into) -> Request {
    Request {
        targets,
        into,
        elsewhere: Elsewhere::default(),
        end: None,
        revision_history: false,
        secret: None,
        detached: false,
    }
}

fn database(name: &str) -> Targets {
    Targets::Databases(vec![sqlparser::ast::Ident::new(name)])
}

fn tables(patterns: &[&str]) -> Targets {
    let text = format!("BACKUP TABLE {} INTO 'x'", patterns.join(", "));
    match crate::syntax::parse(&text).unwrap().remove(0).statement {
        crate::syntax::Statement::Backup(backup) => backup.targets,
        other => panic!("{other:?}"),
    }
}

impl World {
    fn new() -> World {
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_700_000_000 * SECOND)));
        let options = Options { watched: watched_spans(), ..Options::default() };
        let mvcc = Mvcc::open(Arc::new(MemoryEngine::new()), clock.clone(), options).unwrap();
        let catalog = Catalog::open(mvcc).unwrap();
        let settings = Arc::new(Settings::new());
        let store = Memory::shared();
        let stores = Arc::new(OneStore(Mutex::new(store.clone())));
        let resumer = BackupResumer {
            catalog: catalog.clone(),
            stores: stores.clone(),
            settings: settings.clone(),
        };
        World {
            catalog,
            clock,
            settings,
            store,
            resumer,
            stores,
            next_job: Mutex::new(1),
            written: Mutex::default(),
        }
    }

    fn mvcc(&self) -> &Arc<Mvcc> {
        self.catalog.mvcc()
    }

    fn set(&self, setting: &'static settings::Setting, value: &str) {
        self.settings.apply(setting, Some(Settings::validate(setting, value).unwrap()));
    }

    /// A table of `defaultdb.public` with a column `a`, its key, and an index on `b`.
    fn describe_table(&self, name: &str) -> TableDescriptor {
        indexed_table(self.catalog.allocate_id().unwrap(), name)
    }

    fn create(&self, name: &str) -> TableDescriptor {
        let table = self.describe_table(name);
        self.put_descriptor(&table);
        table
    }

    fn put_descriptor(&self, table: &TableDescriptor) {
        let mut txn = self.mvcc().begin(TxnOptions::default()).unwrap();
        self.catalog.write(&mut txn, &Descriptor::Table(table.clone())).unwrap();
        txn.commit().unwrap();
    }

    fn drop_table(&self, table: &TableDescriptor) {
        let mut txn = self.mvcc().begin(TxnOptions::default()).unwrap();
        self.catalog.delete(&mut txn, &Descriptor::Table(table.clone())).unwrap();
        txn.commit().unwrap();
    }

    /// Sets and removes rows in one transaction.
    fn write(&self, table: &TableDescriptor, set: &[(i64, &str)], removed: &[(i64, &str)]) {
        let codec = TableCodec::new(&Arc::new(table.clone())).unwrap();
        let mut txn = self.mvcc().begin(TxnOptions::default()).unwrap();
        let mut changes: BTreeMap<Key, Option<Vec<u8>>> = BTreeMap::new();
        for (rows, present) in [(removed, false), (set, true)] {
            for (a, b) in rows {
                let row = [Datum::Int8(*a), Datum::text(b)];
                let pairs = [
                    codec.encode_primary(&row).unwrap(),
                    codec.index_entries(&table.indexes[0], &row).unwrap(),
                ];
                for (key, value) in pairs {
                    match present {
                        true => txn.put(key.clone(), value.clone()).unwrap(),
                        false => txn.delete(key.clone()).unwrap(),
                    }
                    changes.insert(key, present.then_some(value));
                }
            }
        }
        let at = txn.commit().unwrap();
        let changes = changes.into_iter().map(|(key, value)| (key, at, value));
        self.written.lock().extend(changes);
    }

    fn plan_as(&self, role: &str, request: &Request) -> Result<Script> {
        // Directories are named by hundredths of seconds.
        self.clock.advance_nanos(SECOND);
        let id = {
            let mut next = self.next_job.lock();
            *next += 1;
            *next
        };
        let mut txn = self.mvcc().begin(TxnOptions::default()).unwrap();
        let plan = plan(
            &mut PlanContext {
                catalog: &self.catalog,
                stores: &*self.stores,
                settings: &self.settings,
                txn: &mut txn,
                job_id: id,
                role,
                names: Names { database: "defaultdb", search_path: &["public".to_owned()] },
                interrupt: &Interrupt::new(),
            },
            request,
        )?;
        txn.commit().unwrap();
        let shown = format!("{} {}", plan.description, plan.details);
        assert!(!shown.contains("hush") && !shown.contains("sesame"), "{shown}");
        Ok(Script {
            id,
            details: plan.details,
            progress: Mutex::new(Value::Null),
            interrupt: Interrupt::new(),
            stop_at: Mutex::new(None),
            fractions: Mutex::default(),
        })
    }

    fn plan(&self, request: &Request) -> Result<Script> {
        self.plan_as("root", request)
    }

    /// Plans and takes a backup.
    fn back_up(&self, request: &Request) -> Script {
        let job = self.plan(request).unwrap();
        self.resumer.back_up(&job).unwrap();
        self.check_tidy(&job);
        job
    }

    fn full(&self, targets: Targets) -> Script {
        self.back_up(&request(targets, Into::New(uri())))
    }

    fn incremental(&self, targets: Targets) -> Script {
        self.back_up(&request(targets, Into::Latest(uri())))
    }

    /// What a job leaves when it has ended.
    fn check_tidy(&self, job: &Script) {
        assert_eq!(self.mvcc().protected(), []);
        assert!(secret::find::<Value>(self.mvcc(), job.id).unwrap().is_none());
        for entry in self.store.list("").unwrap() {
            assert!(
                !entry.path.contains("LOCK") && !entry.path.contains("CHECKPOINT"),
                "{entry:?}"
            );
        }
    }

    /// The layers of the chain that LATEST names.
    fn chain(&self, key: Option<&DataKey>) -> Vec<(Layer, Manifest)> {
        let full = collection::latest_full(&*self.store).unwrap();
        let dirs = collection::layers(&*self.store, &full).unwrap();
        let layers: Vec<(Layer, Manifest)> = dirs
            .into_iter()
            .map(|dir| {
                let layer = Layer::new(self.store.clone(), dir, key.cloned());
                let manifest = layer.read_manifest().unwrap();
                (layer, manifest)
            })
            .collect();
        check_chain(layers.iter().map(|(layer, manifest)| (layer.dir(), manifest))).unwrap();
        layers
    }

    fn last_layer(&self) -> (Layer, Manifest) {
        self.chain(None).pop().unwrap()
    }

    /// What a layer should hold of some tables.
    fn expected(&self, manifest: &Manifest, tables: &[&TableDescriptor]) -> Versions {
        let mut by_key: BTreeMap<Key, Vec<Version>> = BTreeMap::new();
        for (key, at, value) in self.written.lock().iter() {
            let known = tables.iter().any(|table| table_span(table.id).contains(key));
            if known && *at <= manifest.end_time {
                by_key.entry(key.clone()).or_default().push((*at, value.clone()));
            }
        }
        let mut out = Versions::new();
        for (key, mut versions) in by_key {
            versions.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            let introduced = manifest.introduced_spans.iter().any(|span| span.contains(&key));
            let after = if introduced { Timestamp::MIN } else { manifest.start_time };
            let all = manifest.mvcc_filter == crate::archive::MvccFilter::All;
            versions.retain(|(at, _)| *at > after);
            versions.truncate(if all { usize::MAX } else { 1 });
            versions.retain(|(_, value)| value.is_some() || all || after > Timestamp::MIN);
            out.extend(versions.into_iter().map(|(at, value)| (key.clone(), at, value)));
        }
        out
    }

    /// What a layer holds of some tables; every file is checked on the way.
    fn found(&self, layer: &Layer, manifest: &Manifest, tables: &[&TableDescriptor]) -> Versions {
        let mut out = Versions::new();
        for record in &manifest.files {
            verify_file(&**layer.store(), layer.dir(), record).unwrap();
            let mut scan = layer.data_reader(record).unwrap().scan(&Span::all());
            while let Some(entry) = scan.next().unwrap() {
                if tables.iter().any(|table| table_span(table.id).contains(entry.key)) {
                    out.push((entry.key.to_vec(), entry.at, entry.value.map(<[u8]>::to_vec)));
                }
            }
        }
        out.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        out
    }

    /// Checks every layer of the chain against what was written.
    fn check_chain_holds(&self, tables: &[&TableDescriptor]) {
        for (layer, manifest) in self.chain(None) {
            let found = self.found(&layer, &manifest, tables);
            assert_eq!(found, self.expected(&manifest, tables), "{}", layer.dir());
            let data = manifest.files.iter().map(|f| f.path.as_str());
            let data: std::collections::BTreeSet<&str> = data.collect();
            let dir = crate::cloud::path::clean(&layer.file("data")).unwrap();
            assert_eq!(self.store.list(&dir).unwrap().len(), data.len(), "no file without record");
        }
    }
}
