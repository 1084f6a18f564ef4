//! Cluster settings that were changed: from rows of `system.settings` into force.

use crate::catalog::system;
use crate::error::Result;
use crate::mvcc::Mvcc;
use crate::settings::{ALL, Settings};
use crate::types::Datum;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Puts what the store says in force; what it does not mention returns to its default. A row that
/// this version does not know, or whose value it does not take, is passed over with a warning: an
/// older or newer version may have written it.
pub(super) fn load(mvcc: &Arc<Mvcc>, settings: &Settings) -> Result<()> {
    let mut snapshot = mvcc.snapshot(mvcc.visible())?;
    let mut stored: BTreeMap<String, String> = BTreeMap::new();
    for row in system::SETTINGS.scan(&mut snapshot, &[])? {
        if let [Datum::Text(name), Datum::Text(value), ..] = row.as_slice() {
            stored.insert(name.to_string(), value.to_string());
        }
    }
    for setting in ALL {
        let value = stored.remove(setting.name).and_then(|value| {
            Settings::validate(setting, &value)
                .inspect_err(|e| tracing::warn!(error = %e, "a stored cluster setting is ignored"))
                .ok()
        });
        settings.apply(setting, value);
    }
    for name in stored.keys() {
        tracing::warn!(name, "a stored cluster setting is unknown to this version");
    }
    Ok(())
}
