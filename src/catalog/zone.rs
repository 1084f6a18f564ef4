//! Zone configurations: what CONFIGURE ZONE set for the cluster, a database or a table.
//!
//! Only `gc.ttlseconds` has an effect; a table without one takes its database's, and a database
//! without one the cluster's. The other variables describe replicas, which Cairn does not have:
//! they are kept and shown, so that scripts written for CockroachDB run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::descriptor::DescriptorId;
use super::system;
use crate::error::{Error, Result};
use crate::mvcc::Txn;
use crate::types::Datum;

/// The row of `system.zones` that holds the cluster's own configuration (`RANGE default`).
pub const DEFAULT_ZONE: DescriptorId = 0;

/// What one CONFIGURE ZONE set; what is absent is inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneConfig {
    /// `gc.ttlseconds`: how long versions are kept after they were overwritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_ttl_seconds: Option<i64>,
    /// Variables without effect, as they were typed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// Sets the configuration of a database, a table or [`DEFAULT_ZONE`].
pub fn write(txn: &mut Txn, id: DescriptorId, config: &ZoneConfig) -> Result<()> {
    let json = serde_json::to_vec(config)
        .map_err(|e| Error::internal("zone configuration cannot be encoded").with_source(e))?;
    system::ZONES.upsert(txn, &[Datum::Int8(i64::from(id)), Datum::bytes(json)])
}

/// Removes a configuration (CONFIGURE ZONE DISCARD). Returns whether there was one.
pub fn delete(txn: &mut Txn, id: DescriptorId) -> Result<bool> {
    system::ZONES.delete(txn, &[Datum::Int8(i64::from(id))])
}
