//! Who may do what: the only place that says yes or no.
//!
//! A role may do something to an object when one of these holds: it is an administrator (root, or
//! a member of `admin` through any chain of roles); it is, or is a member of, the owner; one of
//! the roles it is a member of, or `public`, was granted it. There is no way to take something
//! away from an owner or an administrator.

use serde::{Deserialize, Serialize};

use super::descriptor::{DescriptorId, GrantSet, Privileges};
use super::object::ObjectRef;
use super::role::{ADMIN, PUBLIC, ROOT, RoleOption};
use super::snapshot::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};

/// Something that may be granted. The numbers are bits of [`GrantSet`] and are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Privilege {
    /// Read rows; read a sequence's value; on a database, the older leave to back it up.
    Select = 1 << 0,
    /// Add rows.
    Insert = 1 << 1,
    /// Change rows; set a sequence.
    Update = 1 << 2,
    /// Remove rows.
    Delete = 1 << 3,
    /// Empty a table.
    Truncate = 1 << 4,
    /// Point a foreign key at a table.
    References = 1 << 5,
    /// Make triggers; granted and shown, without effect.
    Trigger = 1 << 6,
    /// Make objects inside.
    Create = 1 << 7,
    /// Connect to a database.
    Connect = 1 << 8,
    /// Make temporary tables.
    Temporary = 1 << 9,
    /// See into a schema; use a type or external connection; call a sequence.
    Usage = 1 << 10,
    /// Call a function; granted and shown, without effect.
    Execute = 1 << 11,
    /// Back up.
    Backup = 1 << 12,
    /// Restore.
    Restore = 1 << 13,
    /// Change zone configurations.
    ZoneConfig = 1 << 14,
    /// Make external connections.
    ExternalConnection = 1 << 15,
    /// Use external storage with the server's own credentials.
    ExternalIoImplicitAccess = 1 << 16,
    /// Control other people's jobs.
    ControlJob = 1 << 17,
    /// See other people's jobs.
    ViewJob = 1 << 18,
    /// Change cluster settings.
    ModifyClusterSetting = 1 << 19,
    /// See other people's sessions and statements.
    ViewActivity = 1 << 20,
    /// Cancel other people's statements.
    CancelQuery = 1 << 21,
}

use Privilege::{
    Backup, CancelQuery, Connect, ControlJob, Create, Delete, Execute, ExternalConnection,
    ExternalIoImplicitAccess, Insert, ModifyClusterSetting, References, Restore, Select, Temporary,
    Trigger, Truncate, Update, Usage, ViewActivity, ViewJob, ZoneConfig,
};

/// Every privilege with its SQL name and the letter PostgreSQL's access lists use for it.
const NAMES: &[(Privilege, &str, Option<char>)] = &[
    (Select, "SELECT", Some('r')),
    (Insert, "INSERT", Some('a')),
    (Update, "UPDATE", Some('w')),
    (Delete, "DELETE", Some('d')),
    (Truncate, "TRUNCATE", Some('D')),
    (References, "REFERENCES", Some('x')),
    (Trigger, "TRIGGER", Some('t')),
    (Create, "CREATE", Some('C')),
    (Connect, "CONNECT", Some('c')),
    (Temporary, "TEMPORARY", Some('T')),
    (Usage, "USAGE", Some('U')),
    (Execute, "EXECUTE", Some('X')),
    (Backup, "BACKUP", None),
    (Restore, "RESTORE", None),
    (ZoneConfig, "ZONECONFIG", None),
    (ExternalConnection, "EXTERNALCONNECTION", None),
    (ExternalIoImplicitAccess, "EXTERNALIOIMPLICITACCESS", None),
    (ControlJob, "CONTROLJOB", None),
    (ViewJob, "VIEWJOB", None),
    (ModifyClusterSetting, "MODIFYCLUSTERSETTING", None),
    (ViewActivity, "VIEWACTIVITY", None),
    (CancelQuery, "CANCELQUERY", None),
];

impl Privilege {
    /// Every privilege.
    pub fn all() -> impl Iterator<Item = Privilege> {
        NAMES.iter().map(|(p, _, _)| *p)
    }

    /// Its bit in [`GrantSet`].
    pub const fn bit(self) -> u32 {
        self as u32
    }

    /// Its name in SQL, in capitals.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(p, _, _)| *p == self).map_or("", |(_, name, _)| name)
    }

    /// The letter for it in PostgreSQL's access lists (`aclitem`), if it has one.
    pub fn acl_letter(self) -> Option<char> {
        NAMES.iter().find(|(p, _, _)| *p == self).and_then(|(_, _, letter)| *letter)
    }

    /// Reads a name; `TEMP` is short for `TEMPORARY`.
    pub fn from_name(name: &str) -> Option<Privilege> {
        let name = name.to_ascii_uppercase();
        let name = if name == "TEMP" { "TEMPORARY" } else { &name };
        NAMES.iter().find(|(_, n, _)| *n == name).map(|(p, _, _)| *p)
    }
}

/// What kind of object a grant is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A database.
    Database,
    /// A schema.
    Schema,
    /// A table, view or materialised view.
    Table,
    /// A sequence.
    Sequence,
    /// A user-defined type.
    Type,
    /// The cluster as a whole (`GRANT SYSTEM …`).
    System,
    /// An external connection.
    ExternalConnection,
}

const fn bits(list: &[Privilege]) -> u32 {
    let mut bits = 0;
    let mut i = 0;
    while i < list.len() {
        bits |= list[i].bit();
        i += 1;
    }
    bits
}

impl ObjectKind {
    /// What `ALL` means for this kind, as bits.
    pub const fn all(self) -> u32 {
        match self {
            ObjectKind::Database => {
                bits(&[Create, Connect, Temporary, Backup, Restore, ZoneConfig])
            }
            ObjectKind::Schema => bits(&[Create, Usage]),
            ObjectKind::Table => bits(&[
                Select, Insert, Update, Delete, Truncate, References, Trigger, Backup, ZoneConfig,
            ]),
            ObjectKind::Sequence => bits(&[Select, Update, Usage]),
            ObjectKind::Type => bits(&[Usage]),
            ObjectKind::System => bits(&[
                Backup,
                Restore,
                ExternalConnection,
                ExternalIoImplicitAccess,
                ControlJob,
                ViewJob,
                ModifyClusterSetting,
                ViewActivity,
                CancelQuery,
            ]),
            ObjectKind::ExternalConnection => bits(&[Usage]),
        }
    }

    /// What can be granted on this kind, as bits: `ALL`, and on databases the older SELECT.
    pub const fn grantable(self) -> u32 {
        match self {
            ObjectKind::Database => self.all() | Select.bit(),
            _ => self.all(),
        }
    }

    /// What PostgreSQL's messages call the kind.
    pub fn noun(self) -> &'static str {
        match self {
            ObjectKind::Database => "database",
            ObjectKind::Schema => "schema",
            ObjectKind::Table => "relation",
            ObjectKind::Sequence => "sequence",
            ObjectKind::Type => "type",
            ObjectKind::System => "system",
            ObjectKind::ExternalConnection => "external connection",
        }
    }

    /// The word for objects of this kind in ALTER DEFAULT PRIVILEGES, as stored.
    pub fn plural(self) -> &'static str {
        match self {
            ObjectKind::Database => "databases",
            ObjectKind::Schema => "schemas",
            ObjectKind::Table => "tables",
            ObjectKind::Sequence => "sequences",
            ObjectKind::Type => "types",
            ObjectKind::System => "system",
            ObjectKind::ExternalConnection => "external connections",
        }
    }

    /// Checks that a privilege makes sense for this kind; 0LP01 otherwise.
    pub fn validate(self, privilege: Privilege) -> Result<()> {
        if self.grantable() & privilege.bit() != 0 {
            return Ok(());
        }
        Err(Error::new(
            sqlstate::INVALID_GRANT_OPERATION,
            format!("invalid privilege type {} for {}", privilege.name(), self.noun()),
        ))
    }
}

impl GrantSet {
    /// A grant of these bits without the right to pass them on.
    pub const fn of(held: u32) -> Self {
        GrantSet { held, grantable: 0 }
    }

    /// Whether a privilege is held.
    pub const fn holds(self, privilege: Privilege) -> bool {
        self.held & privilege.bit() != 0
    }

    /// Whether a privilege may be passed on.
    pub const fn may_grant(self, privilege: Privilege) -> bool {
        self.grantable & privilege.bit() != 0
    }

    /// The privileges held, in the order of [`Privilege::all`].
    pub fn privileges(self) -> impl Iterator<Item = Privilege> {
        Privilege::all().filter(move |p| self.holds(*p))
    }

    /// Nothing held.
    pub const fn is_empty(self) -> bool {
        self.held == 0
    }

    /// Adds bits, with the right to pass them on if asked.
    pub fn add(&mut self, bits: u32, with_grant_option: bool) {
        self.held |= bits;
        if with_grant_option {
            self.grantable |= bits;
        }
    }

    /// Takes bits away, or only the right to pass them on.
    pub fn remove(&mut self, bits: u32, only_grant_option: bool) {
        if !only_grant_option {
            self.held &= !bits;
        }
        self.grantable &= !bits;
    }
}

impl Privileges {
    /// What a new object has when nobody said otherwise: `admin` and `root` everything, the owner
    /// by being it, `public` what PostgreSQL gives it.
    pub fn initial(kind: ObjectKind, owner: impl Into<String>) -> Self {
        let mut privileges = Privileges { owner: owner.into(), ..Privileges::default() };
        for role in [ADMIN, ROOT] {
            privileges.grant(role, kind.all(), true);
        }
        let everybody = match kind {
            ObjectKind::Database => bits(&[Connect, Temporary]),
            ObjectKind::Type => Usage.bit(),
            _ => 0,
        };
        privileges.grant(PUBLIC, everybody, false);
        privileges
    }

    /// The same for a database's schema `public`, where everybody may make tables.
    pub fn initial_public_schema(owner: impl Into<String>) -> Self {
        let mut privileges = Privileges::initial(ObjectKind::Schema, owner);
        privileges.grant(PUBLIC, bits(&[Create, Usage]), false);
        privileges
    }

    /// Adds bits to what a role holds.
    pub fn grant(&mut self, role: &str, bits: u32, with_grant_option: bool) {
        if bits != 0 {
            self.grants.entry(role.to_owned()).or_default().add(bits, with_grant_option);
        }
    }

    /// Takes bits from a role.
    pub fn revoke(&mut self, role: &str, bits: u32, only_grant_option: bool) {
        if let Some(set) = self.grants.get_mut(role) {
            set.remove(bits, only_grant_option);
            if set.is_empty() {
                self.grants.remove(role);
            }
        }
    }
}

/// What a new object gets: the initial privileges and what ALTER DEFAULT PRIVILEGES added.
pub fn for_new_object(
    snapshot: &CatalogSnapshot,
    database: DescriptorId,
    schema: Option<DescriptorId>,
    kind: ObjectKind,
    creator: &str,
) -> Privileges {
    let mut privileges = Privileges::initial(kind, creator);
    let Some(database) = snapshot.database_any_state(database) else {
        return privileges;
    };
    for rule in &database.default_privileges {
        let here = rule.schema.is_none() || rule.schema == schema;
        if here && rule.kind == kind.plural() && rule.creator == creator {
            let grantee = rule.grantee.as_str();
            privileges.grant(grantee, rule.grant.held & kind.grantable(), false);
            privileges.grant(grantee, rule.grant.grantable & kind.grantable(), true);
        }
    }
    privileges
}

/// Whether a role is the owner, or a member of the owner, or an administrator.
pub fn owns<'a>(snapshot: &CatalogSnapshot, role: &str, object: impl Into<ObjectRef<'a>>) -> bool {
    let owner = &object.into().privileges().owner;
    owner == role || snapshot.is_admin(role) || snapshot.is_member(role, owner)
}

/// The union of what a role was granted, directly, through its roles, and as part of `public`.
fn granted(snapshot: &CatalogSnapshot, role: &str, privileges: &Privileges) -> GrantSet {
    let mut union = GrantSet::default();
    for (grantee, set) in &privileges.grants {
        if grantee == PUBLIC || grantee == role || snapshot.is_member(role, grantee) {
            union.held |= set.held;
            union.grantable |= set.grantable;
        }
    }
    union
}

/// Whether a role may do something to an object.
pub fn holds<'a>(
    snapshot: &CatalogSnapshot,
    role: &str,
    object: impl Into<ObjectRef<'a>>,
    privilege: Privilege,
) -> bool {
    let object = object.into();
    owns(snapshot, role, object) || granted(snapshot, role, object.privileges()).holds(privilege)
}

/// Whether a role may pass a privilege on.
pub fn may_grant<'a>(
    snapshot: &CatalogSnapshot,
    role: &str,
    object: impl Into<ObjectRef<'a>>,
    privilege: Privilege,
) -> bool {
    let object = object.into();
    owns(snapshot, role, object)
        || granted(snapshot, role, object.privileges()).may_grant(privilege)
}

/// Fails with 42501 unless a role may do something to an object.
pub fn check<'a>(
    snapshot: &CatalogSnapshot,
    role: &str,
    object: impl Into<ObjectRef<'a>>,
    privilege: Privilege,
) -> Result<()> {
    check_any(snapshot, role, object, &[privilege])
}

/// Fails with 42501 unless a role has at least one of several privileges.
pub fn check_any<'a>(
    snapshot: &CatalogSnapshot,
    role: &str,
    object: impl Into<ObjectRef<'a>>,
    privileges: &[Privilege],
) -> Result<()> {
    let object = object.into();
    if privileges.iter().any(|p| holds(snapshot, role, object, *p)) {
        return Ok(());
    }
    Err(denied(format!("permission denied for {} {}", object.noun(), object.name())))
}

/// Fails with 42501 unless a role owns an object.
pub fn require_owner<'a>(
    snapshot: &CatalogSnapshot,
    role: &str,
    object: impl Into<ObjectRef<'a>>,
) -> Result<()> {
    let object = object.into();
    if owns(snapshot, role, object) {
        return Ok(());
    }
    Err(denied(format!("must be owner of {} {}", object.noun(), object.name())))
}

/// Fails with 42501 unless a role is an administrator; `action` completes "… are allowed to".
pub fn require_admin(snapshot: &CatalogSnapshot, role: &str, action: &str) -> Result<()> {
    if snapshot.is_admin(role) {
        return Ok(());
    }
    Err(denied(format!("only users with the admin role are allowed to {action}")))
}

/// Whether a role has an option: itself, through a role it is a member of, or as administrator.
pub fn has_option(snapshot: &CatalogSnapshot, role: &str, option: RoleOption) -> bool {
    let own = |name: &str| snapshot.role(name).is_some_and(|r| r.options.has(option));
    snapshot.is_admin(role) || own(role) || snapshot.member_of(role).iter().any(|r| own(r))
}

/// Fails with 42501 unless a role has an option; `action` completes "permission denied to".
pub fn require_option(
    snapshot: &CatalogSnapshot,
    role: &str,
    option: RoleOption,
    action: &str,
) -> Result<()> {
    if has_option(snapshot, role, option) {
        return Ok(());
    }
    Err(denied(format!("permission denied to {action}"))
        .with_detail(format!("The role needs the option {}.", option.name())))
}

/// Whether a role holds a privilege on the cluster as a whole.
pub fn holds_system(snapshot: &CatalogSnapshot, role: &str, privilege: Privilege) -> bool {
    snapshot.is_admin(role)
        || snapshot.system_grants().any(|(grantee, set)| {
            (grantee == role || grantee == PUBLIC || snapshot.is_member(role, grantee))
                && set.holds(privilege)
        })
}

/// Fails with 42501 unless a role holds a privilege on the cluster as a whole.
pub fn check_system(snapshot: &CatalogSnapshot, role: &str, privilege: Privilege) -> Result<()> {
    if holds_system(snapshot, role, privilege) {
        return Ok(());
    }
    Err(denied(format!("user {role} does not have {} system privilege", privilege.name())))
}

/// Whether a role may see other people's jobs, except those of administrators.
fn sees_jobs(snapshot: &CatalogSnapshot, role: &str) -> bool {
    has_option(snapshot, role, RoleOption::ControlJob)
        || holds_system(snapshot, role, Privilege::ControlJob)
        || holds_system(snapshot, role, Privilege::ViewJob)
}

/// Whether a role may see a job of `owner`: its own, and with CONTROLJOB or VIEWJOB those of
/// everybody but administrators.
pub fn may_see_job(snapshot: &CatalogSnapshot, role: &str, owner: &str) -> bool {
    role == owner
        || snapshot.is_admin(role)
        || sees_jobs(snapshot, role) && !snapshot.is_admin(owner)
}

/// Fails with 42501 unless a role may pause, resume or cancel a job of `owner`. To own a job is to
/// see it, no more.
pub fn check_control_job(
    snapshot: &CatalogSnapshot,
    role: &str,
    owner: &str,
    job: i64,
) -> Result<()> {
    if snapshot.is_admin(role) {
        return Ok(());
    }
    if !has_option(snapshot, role, RoleOption::ControlJob)
        && !holds_system(snapshot, role, Privilege::ControlJob)
    {
        return Err(denied(format!(
            "user {role} does not have CONTROLJOB privileges for job {job}"
        )));
    }
    if snapshot.is_admin(owner) {
        return Err(denied("only admins can control jobs owned by other admins".to_owned()));
    }
    Ok(())
}

/// Fails with 42501 unless a role may act as another (SET ROLE, giving objects away).
pub fn require_membership(snapshot: &CatalogSnapshot, role: &str, target: &str) -> Result<()> {
    if role == target || snapshot.is_admin(role) || snapshot.is_member(role, target) {
        return Ok(());
    }
    Err(denied(format!("must be member of role \"{target}\"")))
}

fn denied(message: String) -> Error {
    Error::new(sqlstate::INSUFFICIENT_PRIVILEGE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_privilege_has_a_bit_and_a_name_of_its_own() {
        let mut seen = 0;
        for privilege in Privilege::all() {
            assert_eq!(seen & privilege.bit(), 0);
            seen |= privilege.bit();
            assert_eq!(Privilege::from_name(&privilege.name().to_lowercase()), Some(privilege));
        }
        assert_eq!(Privilege::from_name("temp"), Some(Temporary));
        assert_eq!(Privilege::from_name("fly"), None);
    }

    #[test]
    fn revoking_the_grant_option_leaves_the_privilege() {
        let mut privileges = Privileges::initial(ObjectKind::Table, "ann");
        privileges.grant("bob", bits(&[Select, Insert]), true);
        privileges.revoke("bob", Select.bit(), true);
        let bob = privileges.grants["bob"];
        assert!(bob.holds(Select) && !bob.may_grant(Select) && bob.may_grant(Insert));
        privileges.revoke("bob", bits(&[Select, Insert]), false);
        assert!(!privileges.grants.contains_key("bob"), "an empty grant is no grant");
    }

    #[test]
    fn a_privilege_that_makes_no_sense_is_refused() {
        let e = ObjectKind::Sequence.validate(Truncate).unwrap_err();
        assert_eq!(e.message(), "invalid privilege type TRUNCATE for sequence");
        assert!(ObjectKind::Database.validate(Select).is_ok(), "the older leave to back up");
        assert_eq!(ObjectKind::Database.all() & Select.bit(), 0);
    }
}
