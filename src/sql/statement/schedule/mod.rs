//! Schedules of backups: CREATE SCHEDULE, what shows and controls them, and what runs them.
//!
//! One statement makes one schedule, or two: one of full backups and one of the incrementals in
//! between, which waits for the first full. All of it is for administrators.

pub(super) mod control;
pub(super) mod create;
mod launch;
mod options;
pub(super) mod show;

#[cfg(test)]
mod tests;

pub use launch::BackupLaunch;

use serde::{Deserialize, Serialize};

use crate::archive::Secret;
use crate::cloud::Cloud;
use crate::error::Result;
use crate::task::Interrupt;

/// What a schedule's statement must not show; kept beside the secrets of jobs.
#[derive(Serialize, Deserialize)]
struct Secrets {
    /// The collection's URI in full.
    uri: String,
    #[serde(default)]
    passphrase: Option<String>,
    /// URIs of master keys.
    #[serde(default)]
    kms: Vec<String>,
}

impl Secrets {
    /// What encrypts the backups.
    fn secret(&self, cloud: &Cloud, interrupt: &Interrupt) -> Result<Option<Secret>> {
        if self.kms.is_empty() {
            return Ok(self.passphrase.as_deref().map(Secret::passphrase));
        }
        let keys = self.kms.iter().map(|uri| cloud.open_kms(uri, interrupt));
        Ok(Some(Secret::Kms(keys.collect::<Result<_>>()?)))
    }
}
