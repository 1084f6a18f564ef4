//! Runs of schedules: the stored BACKUP, as of the time it was due, as the schedule's owner.

use std::sync::Arc;

use super::super::backup::Asker;
use super::Secrets;
use crate::backup::{Elsewhere, Into, Names, Request};
use crate::clock::Timestamp;
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::{CREATED_BY, Launch, Schedule};
use crate::jobs::{CreatedBy, JobId, secret};
use crate::mvcc::Txn;
use crate::sql::server::Server;
use crate::syntax::{self, Backup, BackupInto, Statement, StringArg, Subdirectory};
use crate::task::Interrupt;

/// Runs the backups of schedules.
pub struct BackupLaunch {
    server: Arc<Server>,
}

impl BackupLaunch {
    /// What a node's scheduler runs backups with.
    pub fn new(server: Arc<Server>) -> BackupLaunch {
        BackupLaunch { server }
    }

    fn secrets(&self, schedule: &Schedule, stmt: &Backup) -> Result<Secrets> {
        if schedule.arguments.has_secrets {
            return secret::find(&self.server.mvcc, schedule.id)?.ok_or_else(|| {
                Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("the secrets of schedule {} are not in this cluster", schedule.id),
                )
                .with_hint("A backup of a cluster does not hold them; create the schedule anew.")
            });
        }
        let (BackupInto::New(to) | BackupInto::Append(_, to)) = &stmt.into else {
            return Err(corrupt(schedule));
        };
        match to.uris.as_slice() {
            [StringArg::Text(uri)] => {
                Ok(Secrets { uri: uri.clone(), passphrase: None, kms: Vec::new() })
            }
            _ => Err(corrupt(schedule)),
        }
    }
}

impl Launch for BackupLaunch {
    fn launch(
        &self,
        txn: &mut Txn,
        schedule: &Schedule,
        at: Timestamp,
        interrupt: &Interrupt,
    ) -> Result<JobId> {
        let stmt = statement(schedule)?;
        if self.server.catalog.snapshot(txn)?.role(&schedule.owner).is_none() {
            return Err(Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("role \"{}\" does not exist", schedule.owner),
            ));
        }
        let secrets = self.secrets(schedule, &stmt)?;
        let uri = ExternalUri::parse(&secrets.uri)?;
        let request = Request {
            targets: stmt.targets,
            into: match stmt.into {
                BackupInto::New(_) => Into::New(uri),
                BackupInto::Append(Subdirectory::Latest, _) => Into::Latest(uri),
                _ => return Err(corrupt(schedule)),
            },
            elsewhere: Elsewhere::default(),
            end: Some(at),
            revision_history: stmt.options.revision_history == Some(true),
            secret: secrets.secret(&self.server.cloud, interrupt)?,
            detached: true,
        };
        let asker = Asker {
            server: &self.server,
            role: &schedule.owner,
            // Every name of the statement is qualified.
            names: Names { database: "", search_path: &[] },
            interrupt,
        };
        let by = CreatedBy { kind: CREATED_BY.to_owned(), id: schedule.id };
        asker.create(txn, &request, Some(by))
    }
}

/// The BACKUP that a schedule runs, without its secrets.
pub(super) fn statement(schedule: &Schedule) -> Result<Backup> {
    let parsed = syntax::parse(&schedule.arguments.backup_statement)?;
    match parsed.into_iter().next().map(|parsed| parsed.statement) {
        Some(Statement::Backup(stmt)) => Ok(stmt),
        _ => Err(corrupt(schedule)),
    }
}

fn corrupt(schedule: &Schedule) -> Error {
    Error::corrupt(format!("the statement of schedule {} is no scheduled backup", schedule.id))
}
