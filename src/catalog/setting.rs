//! Cluster settings that differ from their defaults: rows of `system.settings`.

use super::system::{self, Reader};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::mvcc::Txn;
use crate::settings::{self, Setting, Settings};
use crate::types::Datum;

/// Puts the stored settings in force, and those that are not stored at their defaults. Rows of
/// settings that this version does not know, or whose value it does not take, are passed over.
pub fn load(from: &mut impl Reader, settings: &Settings) -> Result<()> {
    let rows = system::SETTINGS.scan(from, &[])?;
    let stored = |setting: &Setting| {
        rows.iter().find_map(|row| match (row.first(), row.get(1)) {
            (Some(Datum::Text(name)), Some(Datum::Text(value))) if **name == *setting.name => {
                Settings::validate(setting, value).ok()
            }
            _ => None,
        })
    };
    for setting in settings::ALL {
        settings.apply(setting, stored(setting));
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
