//! Which code runs which kind of job: the one place that knows both jobs and what they do.

use std::sync::Arc;

use crate::backup::{self, BackupResumer};
use crate::error::{Result, sqlstate};
use crate::restore::{self, RestoreResumer, Services};
use crate::sql::server::Server;
use crate::sql::statement::schema_change::SchemaChangeResumer;

/// Registers a resumer for every kind of job. A job of a kind without one is left alone.
pub(super) fn register(server: &Arc<Server>) -> Result<()> {
    backup::release_orphans(&server.mvcc, &mut |job| match server.jobs.load(job) {
        Ok(record) => Ok(!record.state.is_terminal()),
        Err(e) if e.code() == sqlstate::UNDEFINED_OBJECT => Ok(false),
        Err(e) => Err(e),
    })?;
    let backup = BackupResumer {
        catalog: server.catalog.clone(),
        stores: server.cloud.clone(),
        settings: server.settings.clone(),
    };
    server.jobs.register(backup::KIND, Arc::new(backup));
    let restore = RestoreResumer::new(Services {
        mvcc: server.mvcc.clone(),
        catalog: server.catalog.clone(),
        cloud: server.cloud.clone(),
        settings: server.settings.clone(),
    });
    server.jobs.register(restore::JOB_KIND, Arc::new(restore));
    SchemaChangeResumer::register(server);
    Ok(())
}
