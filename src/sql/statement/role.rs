//! CREATE, ALTER and DROP of roles and users.

use sqlparser::ast::{Expr, Ident, Value};

use super::{Outcome, Work, object};
use crate::catalog::CatalogSnapshot;
use crate::catalog::privilege;
use crate::catalog::role::{self, ADMIN, PUBLIC, Role, RoleOption as Switch};
use crate::catalog::scram::{self, SALT_BYTES};
use crate::catalog::system;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::Schedule;
use crate::syntax::{
    AlterRole, AlterRoleAction, CreateRole, DropRole, RoleFlag, RoleOption, StringArg,
};
use crate::types::text::{SessionFormat, to_string};
use crate::types::{ColumnType, Datum, Type};

fn denied(message: &str) -> Error {
    Error::new(sqlstate::INSUFFICIENT_PRIVILEGE, message)
}

fn undefined(name: &str) -> Error {
    Error::new(sqlstate::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
}

/// Runs CREATE ROLE and CREATE USER.
pub fn create(stmt: &CreateRole, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("CREATE ROLE");
    let catalog = work.catalog()?;
    let user = &work.session.current_user;
    privilege::require_option(&catalog, user, Switch::CreateRole, "create role")?;
    let name = stmt.name.value.as_str();
    if name == PUBLIC || name == "none" {
        return Err(Error::new(
            sqlstate::RESERVED_NAME,
            format!("role name \"{name}\" is reserved"),
        ));
    }
    if name.starts_with("pg_") {
        return Err(Error::new(
            sqlstate::RESERVED_NAME,
            format!("role name \"{name}\" is reserved"),
        )
        .with_detail("Role names starting with \"pg_\" are reserved."));
    }
    if catalog.role(name).is_some() {
        if stmt.if_not_exists {
            work.notice(format!("role \"{name}\" already exists, skipping"))?;
            return done();
        }
        return Err(Error::new(
            sqlstate::DUPLICATE_OBJECT,
            format!("role \"{name}\" already exists"),
        ));
    }
    let id = work.server.catalog.allocate_id()?;
    let mut new = Role::new(id, name, !stmt.user);
    let mut admin = None;
    for option in &stmt.options {
        apply(work, &catalog, &mut new, &mut admin, option)?;
    }
    role::write(work.txn, &new)?;
    if admin == Some(true) {
        join(work, ADMIN, name, false)?;
    }
    for option in &stmt.options {
        match option {
            RoleOption::InRole(roles) => {
                for group in roles {
                    may_add(work, &group.value)?;
                    join(work, &group.value, name, false)?;
                }
            }
            RoleOption::Members(members) | RoleOption::Admins(members) => {
                let with_admin = matches!(option, RoleOption::Admins(_));
                for member in members {
                    join(work, name, &object::role_name(work, member), with_admin)?;
                }
            }
            _ => {}
        }
    }
    done()
}

/// Makes one role a member of another; both must exist.
pub(super) fn join(work: &mut Work<'_>, group: &str, member: &str, with_admin: bool) -> Result<()> {
    let catalog = work.catalog()?;
    for name in [group, member] {
        object::require_role(&catalog, name)?;
    }
    role::grant(work.txn, &catalog, group, member, with_admin)
}

/// Fails with 42501 unless the role in force may add members to a role.
pub(super) fn may_add(work: &mut Work<'_>, group: &str) -> Result<()> {
    let catalog = work.catalog()?;
    object::require_role(&catalog, group)?;
    let user = work.session.current_user.as_ref();
    if catalog.is_admin(user) {
        return Ok(());
    }
    let has_admin_option =
        |name: &str| catalog.roles().direct_roles(name).any(|(role, admin)| role == group && admin);
    let through = catalog.member_of(user);
    if has_admin_option(user) || through.iter().any(|name| has_admin_option(name)) {
        return Ok(());
    }
    let over_admins = group == ADMIN || catalog.is_admin(group);
    if !over_admins && privilege::has_option(&catalog, user, Switch::CreateRole) {
        return Ok(());
    }
    Err(denied(&format!("must have admin option on role \"{group}\"")))
}

/// Applies an option to a role. `admin` becomes what SUPERUSER or NOSUPERUSER says.
fn apply(
    work: &mut Work<'_>,
    catalog: &CatalogSnapshot,
    role: &mut Role,
    admin: &mut Option<bool>,
    option: &RoleOption,
) -> Result<()> {
    match option {
        RoleOption::Flag(flag, on) => match switch(*flag) {
            Some(switch) => role.options.set(switch, *on),
            None => match (flag, on) {
                (RoleFlag::Superuser, on) => {
                    if *on {
                        privilege::require_admin(
                            catalog,
                            &work.session.current_user,
                            "make other administrators",
                        )?;
                    }
                    *admin = Some(*on);
                }
                // What every role does anyway.
                (RoleFlag::Inherit | RoleFlag::SqlLogin, true)
                | (
                    RoleFlag::Replication
                    | RoleFlag::BypassRls
                    | RoleFlag::ViewJob
                    | RoleFlag::ControlChangefeed
                    | RoleFlag::ViewActivityRedacted
                    | RoleFlag::ViewClusterSetting,
                    false,
                ) => {}
                (flag, on) => {
                    let word = format!("{flag:?}").to_uppercase();
                    let no = if *on { "" } else { "NO" };
                    return Err(Error::unsupported(format!("the role option {no}{word}")));
                }
            },
        },
        RoleOption::Password(None) => role.password = None,
        RoleOption::Password(Some(text)) => role.password = password(work, text)?,
        RoleOption::ValidUntil(None) => role.options.valid_until = None,
        RoleOption::ValidUntil(Some(text)) => {
            role.options.valid_until = valid_until(work, text)?;
        }
        RoleOption::ConnectionLimit(-1) | RoleOption::SysId(_) => {}
        RoleOption::ConnectionLimit(_) => {
            return Err(Error::unsupported("connection limits of roles"));
        }
        RoleOption::InRole(_) | RoleOption::Members(_) | RoleOption::Admins(_) => {}
    }
    Ok(())
}

fn switch(flag: RoleFlag) -> Option<Switch> {
    Some(match flag {
        RoleFlag::Login => Switch::Login,
        RoleFlag::CreateDb => Switch::CreateDb,
        RoleFlag::CreateRole => Switch::CreateRole,
        RoleFlag::CreateLogin => Switch::CreateLogin,
        RoleFlag::ControlJob => Switch::ControlJob,
        RoleFlag::CancelQuery => Switch::CancelQuery,
        RoleFlag::ViewActivity => Switch::ViewActivity,
        RoleFlag::ModifyClusterSetting => Switch::ModifyClusterSetting,
        _ => return None,
    })
}

/// The verifier to store for a password.
fn password(work: &mut Work<'_>, text: &StringArg) -> Result<Option<String>> {
    let text = work.string(text)?;
    if text.is_empty() {
        work.notice("empty string is not a valid password, clearing password")?;
        return Ok(None);
    }
    let salt: [u8; SALT_BYTES] = rand::random();
    scram::prepare(&text, salt).map(Some)
}

/// A time limit as it is stored; `infinity` is none.
fn valid_until(work: &mut Work<'_>, text: &StringArg) -> Result<Option<String>> {
    let text = work.string(text)?;
    let tree = Expr::Value(Value::SingleQuotedString(text).into());
    let ty = ColumnType::plain(Type::Timestamptz);
    match work.constant(&tree, Some(&ty))? {
        Datum::Timestamptz(i64::MAX) => Ok(None),
        value => Ok(Some(to_string(&value, &ty.ty, &SessionFormat::default()))),
    }
}

/// Runs ALTER ROLE and ALTER USER.
pub fn alter(stmt: &AlterRole, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("ALTER ROLE");
    let catalog = work.catalog()?;
    let Some(ident) = &stmt.name else { return Err(Error::unsupported("ALTER ROLE ALL")) };
    let name = object::role_name(work, ident);
    let Some(known) = catalog.role(&name) else {
        if stmt.if_exists {
            work.notice(format!("role \"{name}\" does not exist, skipping"))?;
            return done();
        }
        return Err(undefined(&name));
    };
    let AlterRoleAction::Options(options) = &stmt.action else {
        return Err(Error::unsupported(match &stmt.action {
            AlterRoleAction::Rename(_) => "renaming a role",
            _ => "variables of a role",
        }));
    };
    may_alter(work, &catalog, &name, options)?;
    let mut role = known.clone();
    let mut admin = None;
    for option in options {
        if let RoleOption::InRole(_) | RoleOption::Members(_) | RoleOption::Admins(_) = option {
            return Err(
                Error::unsupported("memberships in ALTER ROLE").with_hint("Use GRANT and REVOKE.")
            );
        }
        apply(work, &catalog, &mut role, &mut admin, option)?;
    }
    role::write(work.txn, &role)?;
    let member = catalog.is_member(&name, ADMIN);
    match admin {
        Some(true) if !member => join(work, ADMIN, &name, false)?,
        Some(false) if member => {
            privilege::require_admin(
                &catalog,
                &work.session.current_user,
                "unmake administrators",
            )?;
            role::revoke(work.txn, ADMIN, &name)?;
        }
        _ => {}
    }
    done()
}

/// Everybody may change their own password; CREATEROLE changes anybody but administrators.
fn may_alter(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    name: &str,
    options: &[RoleOption],
) -> Result<()> {
    let user = work.session.current_user.as_ref();
    if catalog.is_admin(user) {
        return Ok(());
    }
    let own_password =
        name == user && options.iter().all(|option| matches!(option, RoleOption::Password(_)));
    if own_password {
        return Ok(());
    }
    if catalog.is_admin(name) {
        return Err(denied(
            "must be superuser to alter superuser roles or change superuser attribute",
        ));
    }
    let login = |option: &RoleOption| {
        matches!(
            option,
            RoleOption::Password(_)
                | RoleOption::ValidUntil(_)
                | RoleOption::Flag(RoleFlag::Login, _)
        )
    };
    if options.iter().all(login) && privilege::has_option(catalog, user, Switch::CreateLogin) {
        return Ok(());
    }
    match privilege::has_option(catalog, user, Switch::CreateRole) {
        true => Ok(()),
        false => Err(denied("permission denied")),
    }
}

/// Runs DROP ROLE and DROP USER.
pub fn drop(stmt: &DropRole, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let user = work.session.current_user.to_string();
    privilege::require_option(&catalog, &user, Switch::CreateRole, "drop role")?;
    for ident in &stmt.names {
        drop_one(work, ident, stmt.if_exists, &user)?;
    }
    Outcome::done("DROP ROLE")
}

fn drop_one(work: &mut Work<'_>, ident: &Ident, if_exists: bool, user: &str) -> Result<()> {
    let catalog = work.catalog()?;
    let name = object::role_name(work, ident);
    if catalog.role(&name).is_none() {
        if if_exists {
            return work.notice(format!("role \"{name}\" does not exist, skipping"));
        }
        return Err(undefined(&name));
    }
    let in_use = |what: &str| Error::new(sqlstate::OBJECT_IN_USE, what);
    if name == user {
        return Err(in_use("current user cannot be dropped"));
    }
    if *name == *work.session.session_user {
        return Err(in_use("session user cannot be dropped"));
    }
    if catalog.is_admin(&name) && !catalog.is_admin(user) {
        return Err(denied("must be superuser to drop superusers"));
    }
    let mut reasons = reasons(&catalog, &name);
    let schedules = Schedule::list(work.txn)?.into_iter().filter(|s| s.owner == name);
    reasons.extend(schedules.map(|s| format!("owner of schedule {}", s.id)));
    if !reasons.is_empty() {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("role \"{name}\" cannot be dropped because some objects depend on it"),
        )
        .with_detail(reasons.join("\n")));
    }
    // Nobody who gets the name later inherits what was granted on things without descriptors.
    for row in system::PRIVILEGES.scan(work.txn, &[Datum::text(&name)])? {
        system::PRIVILEGES.delete(work.txn, row.get(..2).unwrap_or_default())?;
    }
    role::delete(work.txn, &catalog, &name)
}

/// What still depends on a role.
fn reasons(catalog: &CatalogSnapshot, name: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for object in catalog.descriptors() {
        let what = format!("{} {}", object.noun(), object.name());
        if object.privileges().owner == name {
            reasons.push(format!("owner of {what}"));
        } else if object.privileges().grants.contains_key(name) {
            reasons.push(format!("privileges for {what}"));
        }
    }
    for database in catalog.databases_any_state() {
        for rule in &database.default_privileges {
            if rule.creator == name || rule.grantee == name {
                reasons.push(format!(
                    "privileges for default privileges on new {} belonging to role {}",
                    rule.kind, rule.creator
                ));
            }
        }
    }
    reasons
}
