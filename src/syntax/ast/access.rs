//! Roles and privileges.

use sqlparser::ast::{Ident, ObjectName};

use super::{SetVariable, StringArg, TablePattern};

/// `CREATE {USER | ROLE | GROUP}`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateRole {
    /// Spelled USER: may log in unless an option says otherwise.
    pub user: bool,
    /// Do not mind its presence.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// Options in order.
    pub options: Vec<RoleOption>,
}

/// An option of CREATE or ALTER ROLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleOption {
    /// `NAME` or `NONAME`.
    Flag(RoleFlag, bool),
    /// `[ENCRYPTED] PASSWORD {'..' | NULL}`.
    Password(Option<StringArg>),
    /// `VALID UNTIL {'..' | NULL}`.
    ValidUntil(Option<StringArg>),
    /// `CONNECTION LIMIT n`.
    ConnectionLimit(i64),
    /// `IN ROLE a, b`.
    InRole(Vec<Ident>),
    /// `ROLE a, b`, `USER a, b`: these become members.
    Members(Vec<Ident>),
    /// `ADMIN a, b`: these become members with the admin option.
    Admins(Vec<Ident>),
    /// `SYSID n`, ignored as in PostgreSQL.
    SysId(u64),
}

/// A yes-or-no property of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleFlag {
    /// `SUPERUSER`.
    Superuser,
    /// `CREATEDB`.
    CreateDb,
    /// `CREATEROLE`.
    CreateRole,
    /// `LOGIN`.
    Login,
    /// `INHERIT`.
    Inherit,
    /// `REPLICATION`.
    Replication,
    /// `BYPASSRLS`.
    BypassRls,
    /// `CONTROLJOB`.
    ControlJob,
    /// `VIEWJOB`.
    ViewJob,
    /// `CANCELQUERY`.
    CancelQuery,
    /// `CONTROLCHANGEFEED`.
    ControlChangefeed,
    /// `CREATELOGIN`.
    CreateLogin,
    /// `VIEWACTIVITY`.
    ViewActivity,
    /// `VIEWACTIVITYREDACTED`.
    ViewActivityRedacted,
    /// `MODIFYCLUSTERSETTING`.
    ModifyClusterSetting,
    /// `VIEWCLUSTERSETTING`.
    ViewClusterSetting,
    /// `SQLLOGIN`.
    SqlLogin,
}

/// `ALTER {USER | ROLE}`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterRole {
    /// Do not mind its absence.
    pub if_exists: bool,
    /// Its name; `None` for `ALL`.
    pub name: Option<Ident>,
    /// What to change.
    pub action: AlterRoleAction,
}

/// A change of a role.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterRoleAction {
    /// `[WITH] option ...`.
    Options(Vec<RoleOption>),
    /// `RENAME TO`.
    Rename(Ident),
    /// `[IN DATABASE db] SET var = value` or `RESET var`.
    Set {
        /// Only in this database.
        database: Option<Ident>,
        /// What to set.
        set: SetVariable,
    },
    /// `[IN DATABASE db] RESET ALL`.
    ResetAll {
        /// Only in this database.
        database: Option<Ident>,
    },
}

/// `DROP {USER | ROLE}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropRole {
    /// Do not mind the absence of any.
    pub if_exists: bool,
    /// Which.
    pub names: Vec<Ident>,
}

/// One privilege of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    /// Its name in upper case: `SELECT`, `USAGE`, `BACKUP` ...
    pub name: String,
    /// Only these columns; empty for all.
    pub columns: Vec<Ident>,
}

/// Privileges of a GRANT or REVOKE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privileges {
    /// `ALL [PRIVILEGES]`.
    All,
    /// A list.
    List(Vec<Privilege>),
}

/// What privileges are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantObjects {
    /// `[TABLE] a, b`.
    Tables(Vec<TablePattern>),
    /// `ALL {TABLES | SEQUENCES | FUNCTIONS ..} IN SCHEMA a, b`.
    AllInSchemas(ObjectKind, Vec<ObjectName>),
    /// `SEQUENCE a, b`.
    Sequences(Vec<ObjectName>),
    /// `DATABASE a, b`.
    Databases(Vec<Ident>),
    /// `SCHEMA a, b`.
    Schemas(Vec<ObjectName>),
    /// `TYPE a, b`, `DOMAIN a, b`.
    Types(Vec<ObjectName>),
    /// `{FUNCTION | PROCEDURE | ROUTINE} a(..), b`; the argument types are dropped.
    Functions(Vec<ObjectName>),
    /// `LANGUAGE a, b`.
    Languages(Vec<Ident>),
    /// `EXTERNAL CONNECTION a, b`.
    ExternalConnections(Vec<Ident>),
    /// `SYSTEM`: privileges on the whole cluster.
    System,
}

/// A kind of object in `ALL kinds IN SCHEMA` and in default privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `TABLES`.
    Tables,
    /// `SEQUENCES`.
    Sequences,
    /// `FUNCTIONS`, `ROUTINES`, `PROCEDURES`.
    Functions,
    /// `TYPES`.
    Types,
    /// `SCHEMAS`.
    Schemas,
}

/// `GRANT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is given.
    pub what: Granted,
    /// To whom; `public`, `current_user` and `session_user` are ordinary names here.
    pub grantees: Vec<Ident>,
    /// `WITH GRANT OPTION` or `WITH ADMIN OPTION`.
    pub with_option: bool,
}

/// What a GRANT gives or a REVOKE takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// Privileges on objects.
    Privileges(Privileges, GrantObjects),
    /// Membership in roles.
    Roles(Vec<Ident>),
}

/// `REVOKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// `{GRANT | ADMIN} OPTION FOR`: take the option only.
    pub option_only: bool,
    /// What is taken.
    pub what: Granted,
    /// From whom.
    pub grantees: Vec<Ident>,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `ALTER DEFAULT PRIVILEGES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterDefaultPrivileges {
    /// `FOR ROLE a, b`; empty for the current one.
    pub roles: Vec<Ident>,
    /// `FOR ALL ROLES`.
    pub all_roles: bool,
    /// `IN SCHEMA a, b`.
    pub schemas: Vec<ObjectName>,
    /// GRANT, not REVOKE.
    pub grant: bool,
    /// Which.
    pub privileges: Privileges,
    /// On what new objects.
    pub objects: ObjectKind,
    /// To or from whom.
    pub grantees: Vec<Ident>,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`.
    pub grant_option: bool,
}

/// `REASSIGN OWNED BY a, b TO c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReassignOwned {
    /// The owners until now.
    pub from: Vec<Ident>,
    /// The owner from now on.
    pub to: Ident,
}

/// `DROP OWNED BY a, b [CASCADE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropOwned {
    /// The owners.
    pub roles: Vec<Ident>,
    /// `CASCADE`.
    pub cascade: bool,
}
