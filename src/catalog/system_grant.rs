//! Grants on what has no descriptor: the cluster as a whole (`GRANT SYSTEM …`) and external
//! connections. They are rows of `system.privileges`, found by a path.

use super::descriptor::GrantSet;
use super::system;
use crate::error::Result;
use crate::mvcc::Txn;
use crate::types::Datum;

/// The path of the cluster as a whole.
pub const GLOBAL: &str = "/global/";

/// The path of an external connection.
pub fn external_connection(name: &str) -> String {
    format!("/externalconn/{name}")
}

/// Sets what a role holds at a path; nothing held removes the row.
pub fn write(txn: &mut Txn, role: &str, path: &str, set: GrantSet) -> Result<()> {
    let key = [Datum::text(role), Datum::text(path)];
    if set.is_empty() {
        return system::PRIVILEGES.delete(txn, &key).map(|_| ());
    }
    let [role, path] = key;
    let bits = |bits: u32| Datum::Int8(i64::from(bits));
    system::PRIVILEGES.upsert(txn, &[role, path, bits(set.held), bits(set.grantable)])
}
