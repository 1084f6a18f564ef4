//! Who may do what, and which roles are in force.

use super::super::notation::{Definition, row, view, yes};
use super::super::scene::Scene;
use crate::catalog::descriptor::{GrantSet, Privileges};
use crate::catalog::privilege::{ObjectKind, Privilege};
use crate::catalog::role::PUBLIC;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    view(
        13241,
        "administrable_role_authorizations",
        "grantee name, role_name name, is_grantable varchar",
        administrable_roles,
    ),
    view(
        13236,
        "applicable_roles",
        "grantee name, role_name name, is_grantable varchar",
        applicable_roles,
    ),
    view(
        13285,
        "column_privileges",
        "grantor name, grantee name, table_catalog name, table_schema name, \
         table_name name, column_name name, privilege_type varchar, is_grantable varchar",
        column_privileges,
    ),
    view(13325, "enabled_roles", "role_name name", enabled_roles),
    view(
        13344,
        "role_column_grants",
        "grantor name, grantee name, table_catalog name, table_schema name, \
         table_name name, column_name name, privilege_type varchar, is_grantable varchar",
        role_column_grants,
    ),
    view(
        13421,
        "role_table_grants",
        "grantor name, grantee name, table_catalog name, table_schema name, \
         table_name name, privilege_type varchar, is_grantable varchar, \
         with_hierarchy varchar",
        role_table_grants,
    ),
    view(
        13416,
        "table_privileges",
        "grantor name, grantee name, table_catalog name, table_schema name, \
         table_name name, privilege_type varchar, is_grantable varchar, \
         with_hierarchy varchar",
        table_privileges,
    ),
];

/// The privileges of tables that PostgreSQL knows.
const ON_TABLES: [Privilege; 7] = [
    Privilege::Insert,
    Privilege::Select,
    Privilege::Update,
    Privilege::Delete,
    Privilege::Truncate,
    Privilege::References,
    Privilege::Trigger,
];

/// Those that columns have, too.
const ON_COLUMNS: [Privilege; 4] =
    [Privilege::Insert, Privilege::Select, Privilege::Update, Privilege::References];

fn enabled_roles(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let roles = scene.catalog.roles().roles().filter(|role| enabled(&scene, &role.name));
    Ok(roles.map(|role| row![&role.name]).collect())
}

/// Whether a role is the current one, or one that it is a member of.
fn enabled(scene: &Scene<'_>, role: &str) -> bool {
    let me = &*scene.session.current_user;
    role == me || scene.catalog.is_admin(me) || scene.catalog.is_member(me, role)
}

fn memberships(context: &mut ExecContext<'_>, only_admin: bool) -> Vec<Vec<Datum>> {
    let scene = Scene::of(context);
    let edges = scene.catalog.roles().edges();
    edges
        .filter(|(_, member, admin)| enabled(&scene, member) && (*admin || !only_admin))
        .map(|(role, member, admin)| row![member, role, yes(admin)])
        .collect()
}

fn applicable_roles(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(memberships(context, false))
}

fn administrable_roles(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(memberships(context, true))
}

/// Grants on an object, the owner's own among them.
fn grants(privileges: &Privileges) -> Vec<(&str, GrantSet)> {
    let all = ObjectKind::Table.all();
    let owner = GrantSet { held: all, grantable: all };
    let others = privileges.grants.iter().filter(|(role, _)| **role != privileges.owner);
    std::iter::once((privileges.owner.as_str(), owner))
        .chain(others.map(|(role, set)| (role.as_str(), *set)))
        .collect()
}

/// Grants that the reader may see: to himself, to a role in force, or by one. Those to everybody
/// are left out of the `role_…` views.
fn visible<'a>(
    scene: &Scene<'_>,
    privileges: &'a Privileges,
    with_public: bool,
) -> Vec<(&'a str, GrantSet)> {
    let mut list = grants(privileges);
    list.retain(|(role, _)| match *role {
        PUBLIC => with_public,
        role => enabled(scene, role) || enabled(scene, &privileges.owner),
    });
    list
}

/// What the standard calls everybody.
fn grantee(role: &str) -> &str {
    if role == PUBLIC { "PUBLIC" } else { role }
}

fn on_tables(context: &mut ExecContext<'_>, with_public: bool) -> Vec<Vec<Datum>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, table) in scene.relations().filter(|(_, t)| t.sequence().is_none()) {
        for (role, set) in visible(&scene, &table.privileges, with_public) {
            for privilege in ON_TABLES.into_iter().filter(|p| set.holds(*p)) {
                rows.push(row![
                    &table.privileges.owner,
                    grantee(role),
                    database,
                    &schema.name,
                    &table.name,
                    privilege.name(),
                    yes(set.may_grant(privilege)),
                    yes(privilege == Privilege::Select),
                ]);
            }
        }
    }
    rows
}

fn role_table_grants(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(on_tables(context, false))
}

fn table_privileges(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(on_tables(context, true))
}

fn on_columns(context: &mut ExecContext<'_>, with_public: bool) -> Vec<Vec<Datum>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, table) in scene.relations().filter(|(_, t)| t.sequence().is_none()) {
        for (role, set) in visible(&scene, &table.privileges, with_public) {
            for column in table.columns.iter().filter(|c| !c.hidden) {
                for privilege in ON_COLUMNS.into_iter().filter(|p| set.holds(*p)) {
                    rows.push(row![
                        &table.privileges.owner,
                        grantee(role),
                        database,
                        &schema.name,
                        &table.name,
                        &column.name,
                        privilege.name(),
                        yes(set.may_grant(privilege)),
                    ]);
                }
            }
        }
    }
    rows
}

fn role_column_grants(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(on_columns(context, false))
}

fn column_privileges(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(on_columns(context, true))
}
