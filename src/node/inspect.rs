//! A store that is looked at while no server runs on it.

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::engine_options;
use crate::catalog::{Catalog, watched_spans};
use crate::clock::{Clock, SystemClock};
use crate::cloud::Cloud;
use crate::config::Config;
use crate::error::Result;
use crate::ids::IdSource;
use crate::kv::SharedEngine;
use crate::kv::rocksdb::RocksEngine;
use crate::mvcc::{self, Mvcc};
use crate::settings::Settings;
use crate::sql::server::Server;

/// The services of a node over a store that is open for reading only: no doors, no jobs, no
/// caretaker.
pub struct Inspected {
    /// The services.
    pub server: Arc<Server>,
    // External storage may be asked for, though a check does not.
    _runtime: Runtime,
}

impl Inspected {
    /// Opens the store of a configuration. Nothing in it is changed.
    pub fn open(config: &Config) -> Result<Inspected> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let engine: SharedEngine =
            Arc::new(RocksEngine::open_read_only(&config.engine_dir(), &engine_options(config))?);
        let settings = Arc::new(Settings::new());
        let options = mvcc::Options {
            watched: watched_spans(),
            settings: settings.clone(),
            read_only: true,
            max_offset: None,
        };
        let mvcc = Mvcc::open(engine, clock.clone(), options)?;
        let catalog = Catalog::open(mvcc.clone())?;
        let ids = Arc::new(IdSource::new());
        let cloud = Arc::new(Cloud::new(runtime.handle().clone(), settings.clone()));
        let server = Server::new(mvcc, catalog, cloud, settings, clock, ids);
        Ok(Inspected { server, _runtime: runtime })
    }
}
