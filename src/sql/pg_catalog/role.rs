//! `pg_roles`, `pg_authid`, `pg_user`, `pg_auth_members` and the like: roles. Passwords are never
//! shown, not even as what is stored of them.

use super::notation::{Definition, NULL, list, row, table, view};
use super::scene::Scene;
use crate::catalog::privilege;
use crate::catalog::role::{ROOT_ID, Role, RoleOption};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::session::SessionFormat;
use crate::types::{Datum, Type, text};

pub(super) const TABLES: &[Definition] = &[
    table(
        1260,
        "pg_authid",
        "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, \
         rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolbypassrls bool, \
         rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz",
        authids,
    ),
    table(
        1261,
        "pg_auth_members",
        "roleid oid, member oid, grantor oid, admin_option bool",
        members,
    ),
    view(
        12000,
        "pg_roles",
        "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, \
         rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolconnlimit int4, \
         rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool, rolconfig _text, \
         oid oid",
        roles,
    ),
    view(
        12005,
        "pg_shadow",
        "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, \
         usebypassrls bool, passwd text, valuntil timestamptz, useconfig _text",
        shadow,
    ),
    view(12010, "pg_group", "groname name, grosysid oid, grolist _oid", groups),
    view(
        12014,
        "pg_user",
        "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, \
         usebypassrls bool, passwd text, valuntil timestamptz, useconfig _text",
        users,
    ),
];

/// What stands where a password would.
const HIDDEN: &str = "********";

/// A role's switches as PostgreSQL has them.
struct Switches {
    superuser: bool,
    create_role: bool,
    create_db: bool,
    login: bool,
    until: Datum,
}

fn switches(scene: &Scene<'_>, role: &Role) -> Switches {
    let superuser = scene.catalog.is_admin(&role.name);
    let has = |option| superuser || role.options.has(option);
    let until =
        role.options.valid_until.as_deref().and_then(|until| {
            text::parse(&Type::Timestamptz, until, &SessionFormat::default()).ok()
        });
    Switches {
        superuser,
        create_role: has(RoleOption::CreateRole),
        create_db: has(RoleOption::CreateDb),
        login: role.can_login(),
        until: until.unwrap_or(Datum::Null),
    }
}

fn authids(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let me = &scene.session.current_user;
    privilege::require_admin(scene.catalog, me, "read pg_authid")?;
    let rows = scene.catalog.roles().roles().map(|role| {
        let s = switches(&scene, role);
        row![
            role.id,
            &role.name,
            s.superuser,
            true,
            s.create_role,
            s.create_db,
            s.login,
            false,
            s.superuser,
            -1i32,
            role.password.as_ref().map(|_| HIDDEN),
            s.until,
        ]
    });
    Ok(rows.collect())
}

fn roles(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let rows = scene.catalog.roles().roles().map(|role| {
        let s = switches(&scene, role);
        row![
            &role.name,
            s.superuser,
            true,
            s.create_role,
            s.create_db,
            s.login,
            false,
            -1i32,
            HIDDEN,
            s.until,
            s.superuser,
            NULL,
            role.id,
        ]
    });
    Ok(rows.collect())
}

fn user_row(scene: &Scene<'_>, role: &Role, password: Datum) -> Vec<Datum> {
    let s = switches(scene, role);
    let name = &role.name;
    row![name, role.id, s.create_db, s.superuser, false, s.superuser, password, s.until, NULL]
}

fn users(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let users = scene.catalog.roles().roles().filter(|role| role.can_login());
    Ok(users.map(|role| user_row(&scene, role, Datum::text(HIDDEN))).collect())
}

fn shadow(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let me = &scene.session.current_user;
    privilege::require_admin(scene.catalog, me, "read pg_shadow")?;
    let users = scene.catalog.roles().roles().filter(|role| role.can_login());
    let rows = users.map(|role| {
        let password = Datum::from(role.password.as_ref().map(|_| Datum::text(HIDDEN)));
        user_row(&scene, role, password)
    });
    Ok(rows.collect())
}

fn members(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let edges = scene.catalog.roles().edges();
    let rows = edges.map(|(role, member, with_admin)| {
        row![scene.role(role), scene.role(member), ROOT_ID, with_admin]
    });
    Ok(rows.collect())
}

fn groups(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let groups = scene.catalog.roles().roles().filter(|role| !role.can_login());
    let rows = groups.map(|group| {
        let edges = scene.catalog.roles().edges();
        let members = edges.filter(|(role, _, _)| *role == group.name);
        let members: Vec<u32> = members.map(|(_, member, _)| scene.role(member)).collect();
        row![&group.name, group.id, list(Type::Oid, members)]
    });
    Ok(rows.collect())
}
