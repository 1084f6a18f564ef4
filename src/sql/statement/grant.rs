//! GRANT and REVOKE.

use sqlparser::ast::Ident;

use super::{Outcome, Work, object, role};
use crate::catalog::descriptor::{DescriptorId, GrantSet};
use crate::catalog::names;
use crate::catalog::privilege::{self, ObjectKind, Privilege};
use crate::catalog::role::{self as roles, PUBLIC};
use crate::catalog::{CatalogSnapshot, ObjectRef, system, system_grant};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{
    Grant, GrantObjects, Granted, ObjectKind as Plural, Privileges, Revoke, TablePattern,
};
use crate::types::Datum;

/// What is done to privileges.
#[derive(Clone, Copy)]
enum Change {
    Grant { with_option: bool },
    Revoke { option_only: bool },
}

/// Runs GRANT.
pub fn grant(stmt: &Grant, work: &mut Work<'_>) -> Result<Outcome> {
    let grantees = grantees(work, &stmt.grantees)?;
    match &stmt.what {
        Granted::Privileges(privileges, objects) => {
            if stmt.with_option && grantees.iter().any(|name| name == PUBLIC) {
                return Err(Error::new(
                    sqlstate::INVALID_GRANT_OPERATION,
                    "grant options can only be granted to roles",
                ));
            }
            let change = Change::Grant { with_option: stmt.with_option };
            apply(work, privileges, objects, &grantees, change)?;
            Outcome::done("GRANT")
        }
        Granted::Roles(groups) => {
            for group in groups {
                role::may_add(work, &group.value)?;
                for member in &grantees {
                    let catalog = work.catalog()?;
                    let known = catalog.roles().direct_roles(member);
                    let known = known.into_iter().find(|(name, _)| *name == group.value);
                    if let Some((name, admin)) = known
                        && (admin || !stmt.with_option)
                    {
                        work.notice(format!(
                            "role \"{member}\" is already a member of role \"{name}\""
                        ))?;
                        continue;
                    }
                    role::join(work, &group.value, member, stmt.with_option)?;
                }
            }
            Outcome::done("GRANT ROLE")
        }
    }
}

/// Runs REVOKE.
pub fn revoke(stmt: &Revoke, work: &mut Work<'_>) -> Result<Outcome> {
    let grantees = grantees(work, &stmt.grantees)?;
    match &stmt.what {
        Granted::Privileges(privileges, objects) => {
            let change = Change::Revoke { option_only: stmt.option_only };
            apply(work, privileges, objects, &grantees, change)?;
            Outcome::done("REVOKE")
        }
        Granted::Roles(groups) => {
            for group in groups {
                role::may_add(work, &group.value)?;
                for member in &grantees {
                    leave(work, &group.value, member, stmt.option_only)?;
                }
            }
            Outcome::done("REVOKE ROLE")
        }
    }
}

fn leave(work: &mut Work<'_>, group: &str, member: &str, option_only: bool) -> Result<()> {
    let catalog = work.catalog()?;
    let known = catalog.roles().direct_roles(member).any(|(name, _)| name == group);
    if !known {
        return work.warning(&Error::new(
            sqlstate::WARNING,
            format!("role \"{member}\" is not a member of role \"{group}\""),
        ));
    }
    if roles::revoke(work.txn, group, member)? && option_only {
        let row = [Datum::text(group), Datum::text(member), Datum::Bool(false)];
        system::ROLE_MEMBERS.upsert(work.txn, &row)?;
    }
    Ok(())
}

/// The roles that a statement names; all must exist.
pub(super) fn grantees(work: &mut Work<'_>, idents: &[Ident]) -> Result<Vec<String>> {
    let catalog = work.catalog()?;
    idents
        .iter()
        .map(|ident| {
            let name = object::role_name(work, ident);
            if name != PUBLIC {
                object::require_role(&catalog, &name)?;
            }
            Ok(name)
        })
        .collect()
}

/// The bits that a list of privileges means for a kind of object.
pub(super) fn bits(privileges: &Privileges, kind: ObjectKind) -> Result<u32> {
    let Privileges::List(list) = privileges else { return Ok(kind.all()) };
    let mut bits = 0;
    for item in list {
        if !item.columns.is_empty() {
            return Err(Error::unsupported("privileges on columns"));
        }
        if item.name == "ALL" || item.name == "ALL PRIVILEGES" {
            bits |= kind.all();
            continue;
        }
        let privilege = Privilege::from_name(&item.name).ok_or_else(|| {
            Error::syntax(format!("unrecognized privilege type \"{}\"", item.name.to_lowercase()))
        })?;
        kind.validate(privilege)?;
        bits |= privilege.bit();
    }
    Ok(bits)
}

fn apply(
    work: &mut Work<'_>,
    privileges: &Privileges,
    objects: &GrantObjects,
    grantees: &[String],
    change: Change,
) -> Result<()> {
    match objects {
        GrantObjects::System => {
            let bits = bits(privileges, ObjectKind::System)?;
            at_path(work, system_grant::GLOBAL, bits, grantees, change)
        }
        GrantObjects::ExternalConnections(names) => {
            let bits = bits(privileges, ObjectKind::ExternalConnection)?;
            for name in names {
                let known = system::EXTERNAL_CONNECTIONS
                    .get(work.txn, &[Datum::text(&name.value)])?
                    .is_some();
                if !known {
                    return Err(names::undefined("external connection", &[&name.value]));
                }
                let path = system_grant::external_connection(&name.value);
                at_path(work, &path, bits, grantees, change)?;
            }
            Ok(())
        }
        GrantObjects::Functions(_) => Err(Error::unsupported("privileges on functions")),
        GrantObjects::Languages(_) => Err(Error::unsupported("privileges on languages")),
        _ => {
            for id in targets(work, objects)? {
                on_object(work, id, privileges, grantees, change)?;
            }
            Ok(())
        }
    }
}

/// The objects that a statement names.
fn targets(work: &mut Work<'_>, objects: &GrantObjects) -> Result<Vec<DescriptorId>> {
    let catalog = work.catalog()?;
    let mut ids = Vec::new();
    match objects {
        GrantObjects::Tables(patterns) => {
            for pattern in patterns {
                tables(work, &catalog, pattern, &mut ids)?;
            }
        }
        GrantObjects::Sequences(list) => {
            for name in list {
                let table = object::relation(work, name)?;
                crate::catalog::sequence::options(&table)?;
                ids.push(table.id);
            }
        }
        GrantObjects::AllInSchemas(kind, list) => {
            for name in list {
                let words = object::words(name)?;
                let schema = object::scoped(work, &catalog, |scope| {
                    names::resolve_schema(&catalog, scope, &words)
                })?;
                let relations = catalog.tables_in(schema.id);
                match kind {
                    Plural::Tables => {
                        ids.extend(relations.filter(|t| t.sequence().is_none()).map(|t| t.id));
                    }
                    Plural::Sequences => {
                        ids.extend(relations.filter(|t| t.sequence().is_some()).map(|t| t.id));
                    }
                    Plural::Types => ids.extend(catalog.types_in(schema.id).map(|t| t.id)),
                    // There are none in any schema.
                    Plural::Functions => {}
                    Plural::Schemas => return Err(Error::syntax("a schema has no schemas")),
                }
            }
        }
        GrantObjects::Databases(list) => {
            for name in list {
                ids.push(names::resolve_database(&catalog, &name.value)?.id);
            }
        }
        GrantObjects::Schemas(list) => {
            for name in list {
                let words = object::words(name)?;
                let schema = object::scoped(work, &catalog, |scope| {
                    names::resolve_schema(&catalog, scope, &words)
                })?;
                ids.push(schema.id);
            }
        }
        GrantObjects::Types(list) => {
            for name in list {
                let words = object::words(name)?;
                let found =
                    object::scoped(work, &catalog, |s| names::find_type(&catalog, s, &words))?;
                ids.push(found.ok_or_else(|| names::undefined("type", &words))?.id);
            }
        }
        GrantObjects::Functions(_)
        | GrantObjects::Languages(_)
        | GrantObjects::ExternalConnections(_)
        | GrantObjects::System => {}
    }
    ids.dedup();
    Ok(ids)
}

/// The relations that a pattern matches: one, or `*` for all of a schema or database.
fn tables(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    pattern: &TablePattern,
    ids: &mut Vec<DescriptorId>,
) -> Result<()> {
    let mut words: Vec<&str> = object::values(&pattern.prefix);
    if let Some(table) = &pattern.table {
        words.push(&table.value);
        let found =
            object::scoped(work, catalog, |scope| names::resolve_relation(catalog, scope, &words))?;
        ids.push(found.id);
        return Ok(());
    }
    let schemas = match words.as_slice() {
        [] => vec![object::scoped(work, catalog, |scope| {
            names::resolve_schema_for_create(catalog, scope, &["*"]).map(|(schema, _)| schema)
        })?],
        [name] => {
            let own = object::scoped(work, catalog, |scope| {
                names::resolve_schema(catalog, scope, &words)
            });
            match own {
                Ok(schema) => vec![schema],
                Err(_) => {
                    let database = names::resolve_database(catalog, name)?;
                    catalog.schemas(database.id).cloned().collect()
                }
            }
        }
        words => vec![object::scoped(work, catalog, |scope| {
            names::resolve_schema(catalog, scope, words)
        })?],
    };
    for schema in schemas {
        ids.extend(catalog.tables_in(schema.id).map(|t| t.id));
    }
    Ok(())
}

fn on_object(
    work: &mut Work<'_>,
    id: DescriptorId,
    privileges: &Privileges,
    grantees: &[String],
    change: Change,
) -> Result<()> {
    let catalog = work.catalog()?;
    let Some(target) = catalog.descriptor(id) else { return Ok(()) };
    names::check_online(target)?;
    object::refuse_system(id, target.name())?;
    let asked = bits(privileges, target.kind())?;
    let allowed = allowed(work, &catalog, target, asked)?;
    let mut descriptor = target.to_descriptor();
    for grantee in grantees {
        match change {
            Change::Grant { with_option } => {
                descriptor.privileges_mut().grant(grantee, allowed, with_option);
            }
            Change::Revoke { option_only } => {
                descriptor.privileges_mut().revoke(grantee, allowed, option_only);
            }
        }
    }
    work.server.catalog.write(work.txn, &descriptor)
}

/// Those of some privileges that the role in force may pass on; 42501 if none, a warning if not
/// all.
fn allowed(
    work: &mut Work<'_>,
    catalog: &CatalogSnapshot,
    target: ObjectRef<'_>,
    asked: u32,
) -> Result<u32> {
    let user = work.session.current_user.clone();
    let mut allowed = 0;
    for privilege in Privilege::all().filter(|p| asked & p.bit() != 0) {
        if privilege::may_grant(catalog, &user, target, privilege) {
            allowed |= privilege.bit();
        }
    }
    if asked != 0 && allowed == 0 {
        return Err(Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("permission denied for {} {}", target.noun(), target.name()),
        ));
    }
    if allowed != asked {
        work.warning(&Error::new(
            sqlstate::WARNING,
            format!("not all privileges were granted for \"{}\"", target.name()),
        ))?;
    }
    Ok(allowed)
}

/// Changes what roles hold on something without a descriptor.
fn at_path(
    work: &mut Work<'_>,
    path: &str,
    bits: u32,
    grantees: &[String],
    change: Change,
) -> Result<()> {
    let catalog = work.catalog()?;
    let user = work.session.current_user.clone();
    let held: Vec<(String, GrantSet)> =
        catalog.path_grants(path).map(|(role, set)| (role.to_owned(), set)).collect();
    let passes_on = held
        .iter()
        .filter(|(role, _)| *role == *user || catalog.is_member(&user, role))
        .fold(0, |all, (_, set)| all | set.grantable);
    if !catalog.is_admin(&user) && bits & !passes_on != 0 {
        return Err(Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            "only users with the admin role or the grant option may pass these privileges on",
        ));
    }
    for grantee in grantees {
        let before = held.iter().find(|(role, _)| role == grantee).map(|(_, set)| *set);
        let mut set = before.unwrap_or_default();
        match change {
            Change::Grant { with_option } => set.add(bits, with_option),
            Change::Revoke { option_only } => set.remove(bits, option_only),
        }
        system_grant::write(work.txn, grantee, path, set)?;
    }
    Ok(())
}
