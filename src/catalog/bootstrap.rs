//! What a new store contains, and what an older one lacks.

use uuid::Uuid;

use super::descriptor::{DatabaseDescriptor, Descriptor, Privileges, SchemaDescriptor};
use super::names::PUBLIC_SCHEMA;
use super::privilege::{ObjectKind, Privilege};
use super::role::{self, ADMIN, ADMIN_ID, PUBLIC, ROOT, ROOT_ID, Role};
use super::service::{cluster_id_key, next_id_key, write};
use super::system::{self, FIRST_USER_ID, SYSTEM_DATABASE, SYSTEM_SCHEMA};
use crate::error::{Error, Result};
use crate::mvcc::{Mvcc, Txn, TxnOptions};
use crate::types::Datum;

/// The databases that a new store has for its users.
const DATABASES: [&str; 2] = ["defaultdb", "postgres"];

/// Fills an empty store, or adds to one made by an earlier version the system tables and columns
/// that it lacks. Returns the cluster's id.
pub(super) fn run(mvcc: &std::sync::Arc<Mvcc>) -> Result<Uuid> {
    let mut txn = mvcc.begin(TxnOptions::default())?;
    if let Some(bytes) = txn.get(&cluster_id_key())? {
        let id = Uuid::from_slice(&bytes)
            .map_err(|_| Error::corrupt("the cluster's id cannot be read"))?;
        for table in system::all() {
            let stored = system::DESCRIPTOR.get(&mut txn, &[Datum::Int8(i64::from(table.id()))])?;
            if outdated(stored.as_deref(), table) {
                write(&mut txn, &Descriptor::Table(table.descriptor().as_ref().clone()))?;
            }
        }
        if txn.has_writes() {
            txn.commit()?;
        }
        return Ok(id);
    }
    let id = Uuid::new_v4();
    txn.put(cluster_id_key(), id.as_bytes().to_vec())?;
    fill(&mut txn)?;
    txn.commit()?;
    Ok(id)
}

/// Whether a stored system table lacks columns or indexes that this version knows. (One with more
/// was written by a later version, which is not ours to undo.)
fn outdated(stored: Option<&[Datum]>, table: &system::SystemTable) -> bool {
    let Some([_, Datum::Bytea(bytes)]) = stored else { return true };
    match serde_json::from_slice::<Descriptor>(bytes) {
        Ok(Descriptor::Table(old)) => {
            old.columns.len() < table.descriptor().columns.len()
                || old.indexes.len() < table.descriptor().indexes.len()
        }
        _ => true,
    }
}

fn fill(txn: &mut Txn) -> Result<()> {
    let mut privileges = Privileges { owner: ROOT.to_owned(), ..Privileges::default() };
    for role in [ADMIN, ROOT] {
        privileges.grant(role, Privilege::Connect.bit(), true);
    }
    privileges.grant(PUBLIC, Privilege::Connect.bit(), false);
    let system = DatabaseDescriptor::new(SYSTEM_DATABASE, "system", privileges);
    write(txn, &Descriptor::Database(system))?;
    let mut privileges = Privileges { owner: ROOT.to_owned(), ..Privileges::default() };
    privileges.grant(PUBLIC, Privilege::Usage.bit(), false);
    let schema = SchemaDescriptor::new(SYSTEM_SCHEMA, SYSTEM_DATABASE, PUBLIC_SCHEMA, privileges);
    write(txn, &Descriptor::Schema(schema))?;
    for table in system::all() {
        write(txn, &Descriptor::Table(table.descriptor().as_ref().clone()))?;
    }
    let mut next = FIRST_USER_ID;
    for name in DATABASES {
        let privileges = Privileges::initial(ObjectKind::Database, ROOT);
        write(txn, &Descriptor::Database(DatabaseDescriptor::new(next, name, privileges)))?;
        let privileges = Privileges::initial_public_schema(ROOT);
        let schema = SchemaDescriptor::new(next + 1, next, PUBLIC_SCHEMA, privileges);
        write(txn, &Descriptor::Schema(schema))?;
        next += 2;
    }
    txn.put(next_id_key(), next.to_be_bytes().to_vec())?;
    role::write(txn, &Role::new(ROOT_ID, ROOT, false))?;
    let mut admin = Role::new(ADMIN_ID, ADMIN, true);
    for option in [role::RoleOption::CreateDb, role::RoleOption::CreateRole] {
        admin.options.set(option, true);
    }
    role::write(txn, &admin)?;
    let membership = [Datum::text(ADMIN), Datum::text(ROOT), Datum::Bool(true)];
    system::ROLE_MEMBERS.upsert(txn, &membership)
}
