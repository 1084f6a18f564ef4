//! Building a snapshot from stored rows.

use std::sync::Arc;

use super::comment::CommentKind;
use super::descriptor::{Descriptor, DescriptorId, GrantSet};
use super::role::{self, Role, RoleGraph};
use super::snapshot::{CatalogSnapshot, Object, Stored};
use super::system::{self, Reader};
use super::user_type;
use super::zone::ZoneConfig;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::types::Datum;

/// Reads the catalogue as `from` sees it. Objects whose bytes `like` has too are taken from there.
pub(super) fn load(
    from: &mut impl Reader,
    version: Timestamp,
    like: Option<&CatalogSnapshot>,
) -> Result<CatalogSnapshot> {
    let mut snapshot = CatalogSnapshot { version, ..CatalogSnapshot::default() };
    system::DESCRIPTOR.for_each(from, &[], &mut |row| {
        let (id, bytes) = match row.as_slice() {
            [id, Datum::Bytea(bytes)] => (object_id(id)?, bytes),
            _ => return Err(damaged("descriptor")),
        };
        let hash = *blake3::hash(bytes).as_bytes();
        let known = like.and_then(|l| l.objects.get(&id)).filter(|stored| stored.hash == hash);
        let stored = match known {
            Some(stored) => Arc::clone(stored),
            None => Arc::new(Stored { hash, object: Object::from(parse(id, bytes)?) }),
        };
        snapshot.objects.insert(id, stored);
        Ok(true)
    })?;
    load_roles(from, &mut snapshot)?;
    system::COMMENTS.for_each(from, &[], &mut |row| {
        let [Datum::Int8(kind), object, part, Datum::Text(text)] = row.as_slice() else {
            return Err(damaged("comments"));
        };
        // A kind from a later version of Cairn is passed over.
        if let Some(kind) = CommentKind::from_number(*kind) {
            let key = (kind, object_id(object)?, object_id(part)?);
            snapshot.comments.insert(key, text.to_string());
        }
        Ok(true)
    })?;
    system::ZONES.for_each(from, &[], &mut |row| {
        let [id, Datum::Bytea(config)] = row.as_slice() else { return Err(damaged("zones")) };
        let config: ZoneConfig =
            serde_json::from_slice(config).map_err(|e| damaged("zones").with_source(e))?;
        snapshot.zones.insert(object_id(id)?, config);
        Ok(true)
    })?;
    system::PRIVILEGES.for_each(from, &[], &mut |row| {
        let [Datum::Text(role), Datum::Text(path), held, grantable] = row.as_slice() else {
            return Err(damaged("privileges"));
        };
        let set = GrantSet { held: object_id(held)?, grantable: object_id(grantable)? };
        snapshot.system_grants.insert((role.to_string(), path.to_string()), set);
        Ok(true)
    })?;
    user_type::fill_in(&mut snapshot, like);
    snapshot.index();
    Ok(snapshot)
}

fn load_roles(from: &mut impl Reader, snapshot: &mut CatalogSnapshot) -> Result<()> {
    let mut roles: Vec<Role> = Vec::new();
    system::USERS.for_each(from, &[], &mut |row| {
        let [Datum::Text(name), password, Datum::Bool(is_role), Datum::Oid(id)] = row.as_slice()
        else {
            return Err(damaged("users"));
        };
        let mut role = Role::new(*id, name.as_ref(), *is_role);
        // Logging in is the rule; a NOLOGIN row says otherwise.
        role.options.set(role::RoleOption::Login, true);
        role.password = match password {
            Datum::Bytea(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        roles.push(role);
        Ok(true)
    })?;
    system::ROLE_OPTIONS.for_each(from, &[], &mut |row| {
        let [Datum::Text(name), Datum::Text(option), value] = row.as_slice() else {
            return Err(damaged("role_options"));
        };
        let value = match value {
            Datum::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        if let Some(role) = roles.iter_mut().find(|r| r.name == **name) {
            role::apply_option(role, option, value);
        }
        Ok(true)
    })?;
    let mut edges = Vec::new();
    system::ROLE_MEMBERS.for_each(from, &[], &mut |row| {
        let [Datum::Text(role), Datum::Text(member), Datum::Bool(admin)] = row.as_slice() else {
            return Err(damaged("role_members"));
        };
        edges.push((role.to_string(), member.to_string(), *admin));
        Ok(true)
    })?;
    snapshot.roles = RoleGraph::new(roles, edges);
    Ok(())
}

/// Reads a stored descriptor.
pub(super) fn parse(id: DescriptorId, bytes: &[u8]) -> Result<Descriptor> {
    let descriptor: Descriptor = serde_json::from_slice(bytes)
        .map_err(|e| Error::corrupt(format!("descriptor {id} cannot be read")).with_source(e))?;
    if descriptor.id() != id {
        return Err(Error::corrupt(format!("descriptor {id} says that it is another")));
    }
    Ok(descriptor)
}

fn object_id(datum: &Datum) -> Result<u32> {
    match datum {
        Datum::Int8(n) => u32::try_from(*n).map_err(|_| damaged("descriptor")),
        _ => Err(damaged("descriptor")),
    }
}

fn damaged(table: &str) -> Error {
    Error::corrupt(format!("system table {table} has a row that cannot be read"))
}
