//! ALTER DEFAULT PRIVILEGES, REASSIGN OWNED and DROP OWNED.

use super::grant::{bits, grantees};
use super::{Outcome, Work, drop, object};
use crate::catalog::descriptor::{
    DatabaseDescriptor, DefaultPrivilege, Descriptor, DescriptorId, GrantSet,
};
use crate::catalog::names;
use crate::catalog::privilege::{self, ObjectKind};
use crate::catalog::role::ROOT;
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{AlterDefaultPrivileges, DropOwned, ObjectKind as Plural, ReassignOwned};

/// Runs ALTER DEFAULT PRIVILEGES, which holds for the current database.
pub fn default_privileges(stmt: &AlterDefaultPrivileges, work: &mut Work<'_>) -> Result<Outcome> {
    if stmt.all_roles {
        return Err(Error::unsupported("default privileges FOR ALL ROLES"));
    }
    let kind = match stmt.objects {
        Plural::Tables => ObjectKind::Table,
        Plural::Sequences => ObjectKind::Sequence,
        Plural::Types => ObjectKind::Type,
        Plural::Schemas => ObjectKind::Schema,
        Plural::Functions => return Err(Error::unsupported("privileges on functions")),
    };
    if kind == ObjectKind::Schema && !stmt.schemas.is_empty() {
        return Err(Error::new(
            sqlstate::INVALID_GRANT_OPERATION,
            "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS",
        ));
    }
    let bits = bits(&stmt.privileges, kind)?;
    let grantees = grantees(work, &stmt.grantees)?;
    let catalog = work.catalog()?;
    let mut creators = Vec::new();
    for ident in &stmt.roles {
        creators.push(object::role_name(work, ident));
    }
    if creators.is_empty() {
        creators.push(work.session.current_user.to_string());
    }
    for creator in &creators {
        object::require_role(&catalog, creator)?;
        privilege::require_membership(&catalog, &work.session.current_user, creator)?;
    }
    let mut schemas: Vec<Option<DescriptorId>> = Vec::new();
    for name in &stmt.schemas {
        let words = object::words(name)?;
        let schema =
            object::scoped(work, &catalog, |scope| names::resolve_schema(&catalog, scope, &words))?;
        schemas.push(Some(schema.id));
    }
    if schemas.is_empty() {
        schemas.push(None);
    }
    let database = names::resolve_database(&catalog, &work.session.database)?;
    object::refuse_system(database.id, &database.name)?;
    let mut database = database.as_ref().clone();
    for creator in &creators {
        for schema in &schemas {
            for grantee in &grantees {
                let rule = rule(&mut database, creator, *schema, kind, grantee);
                if stmt.grant {
                    rule.add(bits, stmt.grant_option);
                } else {
                    rule.remove(bits, stmt.grant_option);
                }
            }
        }
    }
    database.default_privileges.retain(|rule| !rule.grant.is_empty());
    work.server.catalog.write(work.txn, &Descriptor::Database(database))?;
    Outcome::done("ALTER DEFAULT PRIVILEGES")
}

/// What a rule grants; an empty rule if there is none yet.
fn rule<'d>(
    database: &'d mut DatabaseDescriptor,
    creator: &str,
    schema: Option<DescriptorId>,
    kind: ObjectKind,
    grantee: &str,
) -> &'d mut GrantSet {
    let known = database.default_privileges.iter().position(|rule| {
        rule.creator == creator
            && rule.schema == schema
            && rule.kind == kind.plural()
            && rule.grantee == grantee
    });
    let at = known.unwrap_or_else(|| {
        database.default_privileges.push(DefaultPrivilege {
            creator: creator.to_owned(),
            schema,
            kind: kind.plural().to_owned(),
            grantee: grantee.to_owned(),
            grant: GrantSet::default(),
        });
        database.default_privileges.len() - 1
    });
    &mut database.default_privileges[at].grant
}

/// The roles whose things are given away or dropped; the role in force must be able to act as each.
fn owners(
    work: &mut Work<'_>,
    idents: &[sqlparser::ast::Ident],
    action: &str,
) -> Result<Vec<String>> {
    let catalog = work.catalog()?;
    let mut names = Vec::new();
    for ident in idents {
        let name = object::role_name(work, ident);
        object::require_role(&catalog, &name)?;
        privilege::require_membership(&catalog, &work.session.current_user, &name)?;
        if name == ROOT {
            return Err(Error::new(
                sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot {action} objects owned by role {name} because they are required by \
                     the database system"
                ),
            ));
        }
        names.push(name);
    }
    Ok(names)
}

/// Whether an object is in the current database, or a database itself.
fn is_here(catalog: &CatalogSnapshot, work: &Work<'_>, target: ObjectRef<'_>) -> bool {
    let current = catalog.database_named_any_state(&work.session.database).map(|d| d.id);
    match target {
        ObjectRef::Database(_) => true,
        ObjectRef::Schema(d) => Some(d.database) == current,
        ObjectRef::Table(d) => Some(d.database) == current,
        ObjectRef::Type(d) => Some(d.database) == current,
    }
}

/// Runs REASSIGN OWNED: what roles own in the current database, and databases, gets a new owner.
pub fn reassign(stmt: &ReassignOwned, work: &mut Work<'_>) -> Result<Outcome> {
    let from = owners(work, &stmt.from, "reassign ownership of")?;
    let to = object::role_name(work, &stmt.to);
    let catalog = work.catalog()?;
    object::require_role(&catalog, &to)?;
    privilege::require_membership(&catalog, &work.session.current_user, &to)?;
    for owner in &from {
        for target in
            catalog.owned_by(owner).filter(|o| is_here(&catalog, work, *o)).collect::<Vec<_>>()
        {
            let mut descriptor = target.to_descriptor();
            to.clone_into(&mut descriptor.privileges_mut().owner);
            work.server.catalog.write(work.txn, &descriptor)?;
        }
    }
    Outcome::done("REASSIGN OWNED")
}

/// Runs DROP OWNED: what roles own in the current database goes, and what they were granted.
pub fn drop_owned(stmt: &DropOwned, work: &mut Work<'_>) -> Result<Outcome> {
    let roles = owners(work, &stmt.roles, "drop")?;
    let catalog = work.catalog()?;
    let (mut objects, mut schemas) = (Vec::new(), Vec::new());
    for role in &roles {
        for target in catalog.owned_by(role) {
            match target {
                // A database is never dropped this way, as in PostgreSQL.
                ObjectRef::Database(_) => {}
                _ if !is_here(&catalog, work, target) => {}
                ObjectRef::Schema(schema) => schemas.push(schema.id),
                other => objects.push(other.id()),
            }
        }
    }
    drop::remove(work, &objects, stmt.cascade, None)?;
    for id in schemas {
        let catalog = work.catalog()?;
        let Some(schema) = catalog.schema_any_state(id) else { continue };
        if catalog.tables_in_any_state(id).next().is_some() && !stmt.cascade {
            let reasons = [format!("objects in it depend on schema {}", schema.name)];
            return Err(drop::blocked(&format!("schema {}", schema.name), &reasons));
        }
        drop::schema_with_contents(work, schema)?;
    }
    let catalog = work.catalog()?;
    for target in catalog.descriptors() {
        let named = roles.iter().any(|role| target.privileges().grants.contains_key(role));
        let mut descriptor = target.to_descriptor();
        if !named || !is_here(&catalog, work, target) {
            continue;
        }
        for role in &roles {
            descriptor.privileges_mut().grants.remove(role);
        }
        if let Descriptor::Database(database) = &mut descriptor {
            database
                .default_privileges
                .retain(|r| !roles.contains(&r.creator) && !roles.contains(&r.grantee));
        }
        work.server.catalog.write(work.txn, &descriptor)?;
    }
    Outcome::done("DROP OWNED")
}
