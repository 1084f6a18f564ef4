//! RESTORE: creates a job and, unless DETACHED, waits for it.

use std::sync::Arc;

use super::{Outcome, Work, job_result, userfile};
use crate::archive::Secret;
use crate::catalog::privilege::{self, Privilege};
use crate::cloud::MasterKey;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::NewJob;
use crate::restore::{self, PlanContext, RestoreRequest, Services, SourceFrom, Subdir};
use crate::settings;
use crate::sql::client::Field;
use crate::sql::server::Server;
use crate::syntax::{Destination, Restore, RestoreFrom, RestoreOptions, StringArg, Subdirectory};

const TAG: &str = "RESTORE";

/// Runs a RESTORE.
pub fn run(stmt: &Restore, work: &mut Work<'_>) -> Result<Outcome> {
    if !work.server.settings.bool(settings::FEATURE_RESTORE) {
        return Err(Error::new(
            sqlstate::OPERATOR_INTERVENTION,
            "feature RESTORE was disabled by the database administrator",
        ));
    }
    let detached = stmt.options.detached == Some(true);
    if work.explicit && !detached {
        return Err(Error::new(
            sqlstate::ACTIVE_SQL_TRANSACTION,
            "RESTORE cannot be used inside a transaction without DETACHED option",
        ));
    }
    let request = request(stmt, work)?;
    let server = Arc::clone(work.server);
    let services = services(&server);
    let snapshot = work.catalog()?;
    let job_id = server.jobs.next_id();
    let plan = restore::plan(
        &mut PlanContext {
            services: &services,
            txn: work.txn,
            snapshot,
            user: &work.session.current_user,
            database: &work.session.database,
            search_path: &work.session.search_path,
            job_id,
            interrupt: work.interrupt,
        },
        &request,
    )?;
    server.jobs.create(
        work.txn,
        NewJob {
            kind: restore::JOB_KIND,
            description: plan.description,
            user: work.session.current_user.to_string(),
            descriptor_ids: plan.descriptor_ids,
            details: plan.details,
            created_by: None,
            id: Some(job_id),
        },
    )?;
    Ok(job_result::outcome(TAG, job_id, detached))
}

/// The statement with everything in it evaluated.
pub(super) fn request(stmt: &Restore, work: &mut Work<'_>) -> Result<RestoreRequest> {
    check_options(&stmt.options)?;
    Ok(RestoreRequest {
        targets: stmt.targets.clone(),
        renames: stmt.renames.clone(),
        from: match &stmt.from {
            RestoreFrom::Collection(subdir, destination) => collection(subdir, destination, work)?,
            RestoreFrom::Chain(bases) => {
                let bases = bases.iter().map(|base| uris(base, work));
                SourceFrom::Chain(bases.collect::<Result<_>>()?)
            }
        },
        as_of: stmt.as_of.as_ref().map(|expr| work.timestamp(expr)).transpose()?,
        secret: secret(&stmt.options.encryption_passphrase, &stmt.options.kms, work)?,
        options: options(&stmt.options, work)?,
    })
}

/// The columns of a RESTORE's row.
pub fn fields(stmt: &Restore) -> Vec<Field> {
    job_result::fields(stmt.options.detached == Some(true))
}

/// What a restore works with.
pub fn services(server: &Server) -> Services {
    Services {
        mvcc: Arc::clone(&server.mvcc),
        catalog: Arc::clone(&server.catalog),
        cloud: Arc::clone(&server.cloud),
        settings: Arc::clone(&server.settings),
    }
}

/// Where in a collection to look.
pub(super) fn collection(
    subdir: &Subdirectory,
    destination: &Destination,
    work: &Work<'_>,
) -> Result<SourceFrom> {
    let subdir = match subdir {
        Subdirectory::Latest => Subdir::Latest,
        Subdirectory::Named(name) => Subdir::Named(work.string(name)?),
    };
    Ok(SourceFrom::Collection(subdir, uris(destination, work)?))
}

/// The URIs of a destination.
pub(super) fn uris(destination: &Destination, work: &Work<'_>) -> Result<Vec<String>> {
    let uris = destination.uris.iter();
    uris.map(|uri| userfile::readable(work.string(uri)?, work)).collect()
}

/// What encrypts or opens a backup.
pub(super) fn secret(
    passphrase: &Option<StringArg>,
    kms: &[StringArg],
    work: &mut Work<'_>,
) -> Result<Option<Secret>> {
    if kms.is_empty() {
        let text = passphrase.as_ref().map(|text| work.string(text)).transpose()?;
        return Ok(text.map(Secret::passphrase));
    }
    if passphrase.is_some() {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "cannot have both encryption_passphrase and kms option set",
        ));
    }
    Ok(Some(Secret::Kms(master_keys(kms, work)?)))
}

/// The master keys that URIs name. A user may not have the server's own credentials used.
pub(super) fn master_keys(
    uris: &[StringArg],
    work: &mut Work<'_>,
) -> Result<Vec<Arc<dyn MasterKey>>> {
    let catalog = work.catalog()?;
    let me = &work.session.current_user;
    let mut keys = Vec::with_capacity(uris.len());
    for uri in uris {
        let key = work.server.cloud.open_kms(&work.string(uri)?, work.interrupt)?;
        let lent = Privilege::ExternalIoImplicitAccess;
        let lifted = key.is_implicit() && privilege::holds_system(&catalog, me, lent);
        if key.requires_admin() && !lifted {
            privilege::require_admin(&catalog, me, "use the specified kms URI")?;
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Refuses what cannot be done here. Options that change nothing on one node are accepted.
fn check_options(options: &RestoreOptions) -> Result<()> {
    let unsupported = [
        (!options.incremental_location.is_empty(), "incremental_location"),
        (options.debug_pause_on.is_some(), "debug_pause_on"),
        (options.execution_locality.is_some(), "execution locality"),
        (options.unsafe_restore_incompatible_version, "unsafe_restore_incompatible_version"),
        (options.virtual_cluster_name.is_some(), "virtual_cluster_name"),
        (options.virtual_cluster.is_some(), "virtual_cluster"),
        (options.include_all_virtual_clusters == Some(true), "include_all_virtual_clusters"),
        (options.experimental_deferred_copy, "experimental deferred copy"),
        (options.experimental_copy, "experimental copy"),
    ];
    match unsupported.iter().find(|(given, _)| *given) {
        Some((_, name)) => Err(Error::unsupported(format!("RESTORE with the option {name}"))),
        None => Ok(()),
    }
}

fn options(options: &RestoreOptions, work: &Work<'_>) -> Result<restore::RestoreOptions> {
    let text = |arg: &Option<StringArg>| arg.as_ref().map(|arg| work.string(arg)).transpose();
    Ok(restore::RestoreOptions {
        into_db: text(&options.into_db)?,
        into_schema: text(&options.into_schema)?,
        new_db_name: text(&options.new_db_name)?,
        skip_missing_foreign_keys: options.skip_missing_foreign_keys,
        skip_missing_sequences: options.skip_missing_sequences,
        skip_missing_sequence_owners: options.skip_missing_sequence_owners,
        skip_missing_views: options.skip_missing_views,
        schema_only: options.schema_only,
        verify_backup_table_data: options.verify_backup_table_data,
        grants: options.grants,
        detached: options.detached == Some(true),
    })
}

#[cfg(test)]
mod tests;
