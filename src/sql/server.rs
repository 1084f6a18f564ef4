//! What every session of a node shares.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::error::Result;
use crate::ids::IdSource;
use crate::jobs::Registry;
use crate::mvcc::Mvcc;
use crate::settings::Settings;
use crate::sql::sessions::Sessions;
use crate::sql::statistics::Statistics;

/// The services of a node, as SQL sees them.
pub struct Server {
    /// Versions and transactions.
    pub mvcc: Arc<Mvcc>,
    /// What exists.
    pub catalog: Arc<Catalog>,
    /// Durable work.
    pub jobs: Arc<Registry>,
    /// External storage.
    pub cloud: Arc<Cloud>,
    /// Cluster settings in force.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unique ids.
    pub ids: Arc<IdSource>,
    /// Who is connected.
    pub sessions: Arc<Sessions>,
    /// What is known of the tables' rows.
    pub statistics: Statistics,
}

impl Server {
    /// The services over a store that is open. No job runs yet and nobody is connected.
    pub fn new(
        mvcc: Arc<Mvcc>,
        catalog: Arc<Catalog>,
        cloud: Arc<Cloud>,
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        ids: Arc<IdSource>,
    ) -> Arc<Server> {
        let jobs = Registry::new(
            mvcc.clone(),
            catalog.clone(),
            settings.clone(),
            clock.clone(),
            ids.clone(),
        );
        Arc::new(Server {
            mvcc,
            catalog,
            jobs,
            cloud,
            settings,
            clock,
            ids,
            sessions: Arc::new(Sessions::new()),
            statistics: Statistics::new(),
        })
    }

    /// The stored password verifier of a role that may log in with one.
    pub fn password_verifier(&self, user: &str) -> Result<Option<String>> {
        let catalog = self.catalog.current()?;
        Ok(catalog.role(&user.to_lowercase()).and_then(|role| role.password.clone()))
    }
}
