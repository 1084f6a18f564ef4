//! Cluster settings that differ from their defaults: rows of `system.settings`.

use std::collections::BTreeMap;

use super::system::{self, Reader};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::mvcc::Txn;
use crate::settings::{self, Setting, Settings};
use crate::types::Datum;

/// Puts what the store says in force; what it does not mention returns to its default. A row that
/// this version does not know, or whose value it does not take, is passed over with a warning: an
/// older or newer version may have written it.
pub fn load(from: &mut impl Reader, settings: &Settings) -> Result<()> {
    let mut stored: BTreeMap<String, String> = BTreeMap::new();
    for row in system::SETTINGS.scan(from, &[])? {
        if let [Datum::Text(name), Datum::Text(value), ..] = row.as_slice() {
            stored.insert(name.to_string(), value.to_string());
        }
    }
    for setting in settings::ALL {
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

/// Stores a validated value, or takes the stored one away.
pub fn write(txn: &mut Txn, setting: &Setting, value: Option<&str>, now: Timestamp) -> Result<()> {
    let name = Datum::text(setting.name);
    match value {
        None => system::SETTINGS.delete(txn, &[name]).map(|_| ()),
        Some(value) => {
            let row = [
                name,
                Datum::text(value),
                Datum::Timestamp(now.sql_micros()),
                Datum::text(setting.kind.letter()),
            ];
            system::SETTINGS.upsert(txn, &row)
        }
    }
}
