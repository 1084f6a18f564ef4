//! # node: one running server
//!
//! Puts the rooms together in the order of their floors, opens the doors last, and takes
//! everything down in the opposite order.
//!
//! ```text
//!   Config ─▶ Node::start          Node::shutdown
//!               │ store, locked       ▲ engine flushed, lock released
//!               │ mvcc, catalogue     │ sequences given back
//!               │ settings, cloud     │
//!               │ jobs (adopt)        │ jobs: checkpointed, left for the next start
//!               │ scheduler           │ scheduler: nothing new is run
//!               │ caretaker           │ caretaker
//!               ▼ doors               │ doors: no new sessions, the old ones drained
//! ```
//!
//! Words: the *caretaker* is the thread that does what nobody asks for: collecting garbage and
//! noticing changed cluster settings; the *ready file* tells scripts the addresses in use.
//!
//! Invariants:
//! - One process per store: the engine's lock is taken before anything is read.
//! - A door opens only when every service below it stands; the ready file comes after the doors.
//! - A job that a shutdown interrupts is not failed: the next start goes on with it.
//! - Whatever is asynchronous (object_store, the console, signals) runs on the one runtime made
//!   here; sessions and jobs run on ordinary threads.
//!
//! - After a write whose outcome on disk nobody knows (58030) the node serves reads until its disk
//!   works again; then it is to be started anew, because a second fsync proves nothing about what
//!   the first one lost. A full disk (53100) needs no new start, unless the engine has not noticed
//!   the space after half a minute.
//!
//! What it is not: it decides nothing about SQL, backups or formats.

mod caretaker;
mod disk;
mod inspect;
mod ready;
mod resumers;
mod root;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::catalog::{self, Catalog, setting};
use crate::clock::{Clock, SystemClock};
use crate::cloud::{Cloud, Restrictions};
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::ids::IdSource;
use crate::jobs::schedule::Scheduler;
use crate::kv::SharedEngine;
use crate::kv::rocksdb::{self, RocksEngine};
use crate::mvcc::{self, Mvcc};
use crate::pgwire::PgServer;
use crate::pgwire::server::Security;
use crate::settings::Settings;
use crate::sql::server::Server;
use crate::sql::statement::schedule::BackupLaunch;
use caretaker::Caretaker;
pub use inspect::Inspected;

/// How long statements and jobs may go on once the node was told to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long an engine may take to notice that its disk is not full any more.
const STUCK: Duration = Duration::from_secs(30);

/// Threads of the runtime: it waits on sockets, the work is done elsewhere.
const RUNTIME_THREADS: usize = 4;

/// A running server.
pub struct Node {
    server: Arc<Server>,
    door: PgServer,
    console: Option<Console>,
    caretaker: Caretaker,
    scheduler: Arc<Scheduler>,
    store: PathBuf,
    /// Since when the disk has room and works, and the engine says that it is full.
    stuck_since: Mutex<Option<Instant>>,
    // Last, so that it is there for as long as anything may use it.
    runtime: Runtime,
}

impl Node {
    /// Starts everything. When this returns, clients are served.
    pub fn start(config: &Config) -> Result<Node> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("io")
            .enable_all()
            .build()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::bounded(config.max_offset));
        let ids = Arc::new(IdSource::new());
        let settings = Arc::new(Settings::new());
        let mvcc = open_store(config, clock.clone(), settings.clone())?;
        let catalog = Catalog::open(mvcc.clone())?;
        setting::load(&mut mvcc.snapshot(mvcc.visible())?, &settings)?;
        let cloud = Arc::new(cloud(config, &runtime, &settings)?);
        root::prepare(config, &mvcc, &catalog)?;
        let server = Server::new(mvcc, catalog, cloud, settings, clock, ids);
        crate::sql::userfile::install(&server);
        crate::sql::statement::sweep_temporary(&server, None)?;
        resumers::register(&server)?;
        server.jobs.start()?;
        let launch = Box::new(BackupLaunch::new(server.clone()));
        let scheduler = Scheduler::new(server.jobs.clone(), launch);
        scheduler.start()?;
        let caretaker = Caretaker::start(server.clone())?;
        let security = if config.insecure { Security::Trust } else { Security::Password };
        let door = PgServer::start(server.clone(), &config.listen, security)?;
        let console = match &config.http {
            Some(address) => Some(Console::start(runtime.handle(), address, server.clone())?),
            None => None,
        };
        let store = config.store.clone();
        let stuck_since = Mutex::new(None);
        let node =
            Node { server, door, console, caretaker, scheduler, store, stuck_since, runtime };
        if let Some(path) = &config.ready_file {
            ready::write(path, &node)?;
        }
        tracing::info!(
            address = %node.address(),
            store = %config.store.display(),
            cluster = %node.server.catalog.cluster_id(),
            "serving"
        );
        Ok(node)
    }

    /// Where PostgreSQL clients connect.
    pub fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// Where the console is, if it is.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.console.as_ref().map(Console::address)
    }

    /// The services.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The runtime, for whoever starts the node and waits for something itself.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The connection URL of `root`, without a password.
    pub fn url(&self) -> String {
        format!("postgresql://root@{}/defaultdb", reachable(self.address()))
    }

    /// Whether the store takes no writes after one that failed, and its disk works again: a node
    /// started anew on the store would serve. To be asked about once a second.
    pub fn should_start_anew(&self) -> bool {
        let mvcc = &self.server.mvcc;
        let disk_is_well = || disk::has_room(&self.store) && disk::works(&self.store);
        if mvcc.needs_reopening() {
            return disk_is_well();
        }
        // The engine goes on by itself once there is space, unless it was full in a bad moment.
        let stuck = !mvcc.takes_writes() && disk_is_well();
        let mut since = self.stuck_since.lock();
        if !stuck {
            *since = None;
            return false;
        }
        since.get_or_insert_with(Instant::now).elapsed() > STUCK
    }

    /// Takes everything down in order: no new sessions, the old ones are given `grace`, jobs stop
    /// at a checkpoint, the store is flushed and released.
    pub fn shutdown(self, grace: Duration) -> Result<()> {
        tracing::info!("shutting down");
        self.door.shutdown(grace);
        if let Some(console) = self.console {
            console.shutdown();
        }
        self.scheduler.stop();
        self.server.jobs.shutdown(grace);
        self.caretaker.stop();
        // Both are tried, whatever the other says: the second makes what was committed cheap to find.
        let sequences = self.server.catalog.flush_sequences();
        // The store's clock starts again behind every id that was handed out.
        self.server.clock.observe(self.server.ids.reached());
        let store = self.server.mvcc.shutdown();
        drop(self.scheduler);
        drop(self.server);
        self.runtime.shutdown_timeout(grace);
        sequences.and(store)?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// The address as a client on the same machine can use it.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(a) if a.ip().is_unspecified() => {
            SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), a.port())
        }
        SocketAddr::V6(a) if a.ip().is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), a.port())
        }
        other => other,
    }
}

fn open_store(
    config: &Config,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
) -> Result<Arc<Mvcc>> {
    make_private(&config.store)?;
    let engine: SharedEngine =
        Arc::new(RocksEngine::open(&config.engine_dir(), &engine_options(config))?);
    let options = mvcc::Options {
        watched: catalog::watched_spans(),
        read_only: false,
        max_offset: config.max_offset,
        settings,
    };
    Mvcc::open(engine, clock, options)
}

/// The engine as the operator wants it.
fn engine_options(config: &Config) -> rocksdb::Options {
    rocksdb::Options {
        cache_bytes: config.cache_bytes,
        format: mvcc::newest_format(),
        discard_damaged_log: config.discard_damaged_log,
        ..rocksdb::Options::default()
    }
}

/// Makes the store's directory, readable by nobody else: it holds everyone's rows.
fn make_private(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| Error::from(e).context(format!("creating {}", dir.display())))
}

fn cloud(config: &Config, runtime: &Runtime, settings: &Arc<Settings>) -> Result<Cloud> {
    let mut cloud = Cloud::new(runtime.handle().clone(), settings.clone());
    if let Some(dir) = &config.external_io_dir {
        make_private(dir)?;
    }
    cloud.external_io_dir = config.external_io_dir.clone();
    cloud.locality = config.locality.clone();
    cloud.restrictions = Restrictions {
        allow_http: !config.disable_external_http,
        allow_implicit: !config.disable_implicit_credentials,
    };
    Ok(cloud)
}

#[cfg(test)]
mod tests;
