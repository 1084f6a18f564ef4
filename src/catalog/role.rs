//! Roles: users, groups, what they may do outside any one object, and who is a member of whom.
//!
//! A *user* is a role that may log in. `root` and `admin` always exist and cannot be dropped;
//! `public` is everybody and has no row. Rights flow from a role to its members, through any
//! number of steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::snapshot::CatalogSnapshot;
use super::system;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::Txn;
use crate::types::Datum;

/// The first administrator.
pub const ROOT: &str = "root";
/// The role whose members are administrators.
pub const ADMIN: &str = "admin";
/// Everybody.
pub const PUBLIC: &str = "public";

/// The number of `root` (system tables show roles by number).
pub const ROOT_ID: u32 = 1;
/// The number of `admin`.
pub const ADMIN_ID: u32 = 2;
/// The number of `public`.
pub const PUBLIC_ID: u32 = 4;

/// A switch of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleOption {
    /// May log in. On by default for users, off for roles.
    Login,
    /// May create databases and restore them.
    CreateDb,
    /// May create, change and drop roles.
    CreateRole,
    /// May set other roles' passwords and login.
    CreateLogin,
    /// May see and control other people's jobs.
    ControlJob,
    /// May see other people's sessions.
    ViewActivity,
    /// May cancel other people's statements.
    CancelQuery,
    /// May change cluster settings.
    ModifyClusterSetting,
}

impl RoleOption {
    /// Every option.
    pub const ALL: [RoleOption; 8] = [
        RoleOption::Login,
        RoleOption::CreateDb,
        RoleOption::CreateRole,
        RoleOption::CreateLogin,
        RoleOption::ControlJob,
        RoleOption::ViewActivity,
        RoleOption::CancelQuery,
        RoleOption::ModifyClusterSetting,
    ];

    /// Its name in SQL, in capitals; `NO` before it turns it off.
    pub fn name(self) -> &'static str {
        match self {
            RoleOption::Login => "LOGIN",
            RoleOption::CreateDb => "CREATEDB",
            RoleOption::CreateRole => "CREATEROLE",
            RoleOption::CreateLogin => "CREATELOGIN",
            RoleOption::ControlJob => "CONTROLJOB",
            RoleOption::ViewActivity => "VIEWACTIVITY",
            RoleOption::CancelQuery => "CANCELQUERY",
            RoleOption::ModifyClusterSetting => "MODIFYCLUSTERSETTING",
        }
    }

    /// Reads an option as it stands in SQL: the option and whether it is turned on.
    pub fn from_name(name: &str) -> Option<(RoleOption, bool)> {
        let name = name.to_ascii_uppercase();
        let find = |n: &str| RoleOption::ALL.into_iter().find(|o| o.name() == n);
        match find(&name) {
            Some(option) => Some((option, true)),
            None => name.strip_prefix("NO").and_then(find).map(|option| (option, false)),
        }
    }
}

/// The switches of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleOptions {
    on: BTreeSet<RoleOption>,
    /// Until when the password may be used, as SQL typed it in UTC (`2030-01-01 00:00:00+00`).
    pub valid_until: Option<String>,
}

impl RoleOptions {
    /// Whether an option is on.
    pub fn has(&self, option: RoleOption) -> bool {
        self.on.contains(&option)
    }

    /// Turns an option on or off.
    pub fn set(&mut self, option: RoleOption, on: bool) {
        if on {
            self.on.insert(option);
        } else {
            self.on.remove(&option);
        }
    }

    /// The options that are on.
    pub fn iter(&self) -> impl Iterator<Item = RoleOption> {
        self.on.iter().copied()
    }
}

/// A user or role.
#[derive(Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its number, also its OID.
    pub id: u32,
    /// The stored verifier (see `scram`), if it has a password.
    pub password: Option<String>,
    /// Made by CREATE ROLE rather than CREATE USER.
    pub is_role: bool,
    /// Its switches.
    pub options: RoleOptions,
}

impl Role {
    /// A user (who may log in) or a role (which may not), without a password.
    pub fn new(id: u32, name: impl Into<String>, is_role: bool) -> Role {
        let mut options = RoleOptions::default();
        options.set(RoleOption::Login, !is_role);
        Role { name: name.into(), id, password: None, is_role, options }
    }

    /// Whether it may log in.
    pub fn can_login(&self) -> bool {
        self.options.has(RoleOption::Login)
    }
}

impl std::fmt::Debug for Role {
    /// Leaves the verifier out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Role")
            .field("name", &self.name)
            .field("is_role", &self.is_role)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Roles and memberships as a snapshot holds them.
#[derive(Clone, Debug, Default)]
pub struct RoleGraph {
    roles: BTreeMap<String, Role>,
    /// member -> role -> with admin option.
    direct: BTreeMap<String, BTreeMap<String, bool>>,
    /// member -> every role it is a member of, through any number of steps.
    closure: BTreeMap<String, Arc<BTreeSet<String>>>,
    nothing: Arc<BTreeSet<String>>,
}

impl RoleGraph {
    /// The graph of roles and of edges `(role, member, with admin option)`.
    pub fn new(roles: Vec<Role>, edges: Vec<(String, String, bool)>) -> RoleGraph {
        let mut graph = RoleGraph::default();
        graph.roles.extend(roles.into_iter().map(|r| (r.name.clone(), r)));
        for (role, member, with_admin) in edges {
            graph.direct.entry(member).or_default().insert(role, with_admin);
        }
        for member in graph.direct.keys() {
            let mut reached = BTreeSet::new();
            let mut open: Vec<&str> = vec![member];
            while let Some(at) = open.pop() {
                for role in graph.direct.get(at).into_iter().flat_map(BTreeMap::keys) {
                    if reached.insert(role.clone()) {
                        open.push(role);
                    }
                }
            }
            graph.closure.insert(member.clone(), Arc::new(reached));
        }
        graph
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// Every role, by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// Every role that a role is a member of, through any number of steps.
    pub fn member_of(&self, name: &str) -> &Arc<BTreeSet<String>> {
        self.closure.get(name).unwrap_or(&self.nothing)
    }

    /// The roles that a role is a direct member of, each with whether it may add members itself.
    pub fn direct_roles(&self, name: &str) -> impl Iterator<Item = (&str, bool)> {
        self.direct.get(name).into_iter().flatten().map(|(role, admin)| (role.as_str(), *admin))
    }

    /// Every edge `(role, member, with admin option)`.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.direct
            .iter()
            .flat_map(|(member, roles)| roles.iter().map(move |(r, a)| (r.as_str(), &**member, *a)))
    }
}

/// Writes a role's row and options; for a new role and for a changed one.
pub fn write(txn: &mut Txn, role: &Role) -> Result<()> {
    let verifier = role.password.as_deref().map(|p| Datum::bytes(p.as_bytes()));
    system::USERS.upsert(
        txn,
        &[
            Datum::text(&role.name),
            Datum::from(verifier),
            Datum::Bool(role.is_role),
            Datum::Oid(role.id),
        ],
    )?;
    clear_options(txn, &role.name)?;
    let mut rows: Vec<(&str, Option<&str>)> = Vec::new();
    for option in RoleOption::ALL {
        match option {
            // The row says the exception, as in CockroachDB: logging in is the rule.
            RoleOption::Login if !role.options.has(option) => rows.push(("NOLOGIN", None)),
            RoleOption::Login => {}
            _ if role.options.has(option) => rows.push((option.name(), None)),
            _ => {}
        }
    }
    if let Some(until) = &role.options.valid_until {
        rows.push(("VALID UNTIL", Some(until)));
    }
    for (option, value) in rows {
        let value = Datum::from(value.map(Datum::text));
        let row = [Datum::text(&role.name), Datum::text(option), value];
        system::ROLE_OPTIONS.upsert(txn, &row)?;
    }
    Ok(())
}

/// Removes a role, its options and its memberships. What it owns is the caller's concern (2BP01).
pub fn delete(txn: &mut Txn, snapshot: &CatalogSnapshot, name: &str) -> Result<()> {
    if [ROOT, ADMIN, PUBLIC].contains(&name) {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop role \"{name}\" because it is required by the database system"),
        ));
    }
    system::USERS.delete(txn, &[Datum::text(name)])?;
    clear_options(txn, name)?;
    let edges: Vec<(String, String)> = snapshot
        .roles()
        .edges()
        .filter(|(role, member, _)| *role == name || *member == name)
        .map(|(role, member, _)| (role.to_owned(), member.to_owned()))
        .collect();
    for (role, member) in edges {
        revoke(txn, &role, &member)?;
    }
    Ok(())
}

/// Makes `member` a member of `role`. A circle is refused with 0LP01.
pub fn grant(
    txn: &mut Txn,
    snapshot: &CatalogSnapshot,
    role: &str,
    member: &str,
    with_admin: bool,
) -> Result<()> {
    if role == member || snapshot.is_member(role, member) {
        return Err(Error::new(
            sqlstate::INVALID_GRANT_OPERATION,
            format!("role \"{role}\" is a member of role \"{member}\""),
        ));
    }
    let row = [Datum::text(role), Datum::text(member), Datum::Bool(with_admin)];
    system::ROLE_MEMBERS.upsert(txn, &row)
}

/// Ends a membership. Returns whether there was one.
pub fn revoke(txn: &mut Txn, role: &str, member: &str) -> Result<bool> {
    if role == ADMIN && member == ROOT {
        return Err(Error::new(
            sqlstate::OBJECT_IN_USE,
            "role/user root cannot be removed from role admin or lose the ADMIN OPTION",
        ));
    }
    system::ROLE_MEMBERS.delete(txn, &[Datum::text(role), Datum::text(member)])
}

fn clear_options(txn: &mut Txn, name: &str) -> Result<()> {
    for row in system::ROLE_OPTIONS.scan(txn, &[Datum::text(name)])? {
        system::ROLE_OPTIONS.delete(txn, row.get(..2).unwrap_or_default())?;
    }
    Ok(())
}

/// Reads an option row into a role.
pub(super) fn apply_option(role: &mut Role, option: &str, value: Option<&str>) {
    if option == "VALID UNTIL" {
        role.options.valid_until = value.map(str::to_owned);
    } else if let Some((option, on)) = RoleOption::from_name(option) {
        role.options.set(option, on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_reaches_through_roles_and_survives_a_circle() {
        let edge = |r: &str, m: &str| (r.to_owned(), m.to_owned(), false);
        let graph = RoleGraph::new(
            vec![Role::new(1, "a", false)],
            vec![edge("b", "a"), edge("c", "b"), edge("b", "c")],
        );
        let of_a: Vec<&String> = graph.member_of("a").iter().collect();
        assert_eq!(of_a, ["b", "c"]);
        assert!(graph.member_of("nobody").is_empty());
    }

    #[test]
    fn options_have_two_names() {
        assert_eq!(RoleOption::from_name("nologin"), Some((RoleOption::Login, false)));
        assert_eq!(RoleOption::from_name("CREATEDB"), Some((RoleOption::CreateDb, true)));
        assert_eq!(RoleOption::from_name("NOTHING"), None);
    }
}
