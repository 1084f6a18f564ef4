//! How the first administrator gets in.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::role::{self, ROOT};
use crate::catalog::scram::{SALT_BYTES, Verifier};
use crate::config::{Config, ROOT_PASSWORD_VARIABLE};
use crate::error::{Error, Result};
use crate::mvcc::{Mvcc, TxnOptions};

/// Sets root's password if the operator gave one, and says in the log who can log in how.
pub(super) fn prepare(config: &Config, mvcc: &Arc<Mvcc>, catalog: &Catalog) -> Result<()> {
    if config.insecure {
        tracing::warn!("every client is believed without a password (--insecure)");
    }
    let mut txn = mvcc.begin(TxnOptions::default())?;
    let snapshot = catalog.snapshot(&mut txn)?;
    let mut root =
        snapshot.role(ROOT).cloned().ok_or_else(|| Error::corrupt("the store has no user root"))?;
    match &config.root_password {
        Some(password) => {
            let stored = root.password.as_deref().and_then(Verifier::parse);
            // A verifier is salted, so writing it anew at every start would change it every time.
            if stored.is_some_and(|v| v.matches(password.reveal())) {
                return Ok(());
            }
            let salt: [u8; SALT_BYTES] = rand::random();
            root.password = Some(Verifier::new(password.reveal(), salt).to_string());
            role::write(&mut txn, &root)?;
            txn.commit()?;
            tracing::info!("root's password was set from {ROOT_PASSWORD_VARIABLE}");
        }
        None if !config.insecure && root.password.is_none() => {
            tracing::warn!(
                "root has no password and cannot log in: start once with {ROOT_PASSWORD_VARIABLE} \
                 set, or with --insecure"
            );
        }
        None => {}
    }
    Ok(())
}
