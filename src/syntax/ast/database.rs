//! Databases and schemas.

use sqlparser::ast::{Expr, Ident, ObjectName};

use super::SetVariable;

/// `CREATE DATABASE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateDatabase {
    /// Do not mind its presence.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// `OWNER`, `ENCODING`, `TEMPLATE`, `LC_COLLATE`, `CONNECTION LIMIT` ... by lower-case name, the
    /// words of a name joined with `_`; a bare word is an [`Expr::Identifier`].
    pub options: Vec<(String, Expr)>,
}

/// `ALTER DATABASE`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterDatabase {
    /// Which.
    pub name: Ident,
    /// What to change.
    pub action: AlterDatabaseAction,
}

/// A change of a database.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterDatabaseAction {
    /// `OWNER TO`.
    Owner(Ident),
    /// `RENAME TO`.
    Rename(Ident),
    /// `SET var = value`, `RESET var`.
    Set(SetVariable),
    /// `RESET ALL`.
    ResetAll,
    /// `[WITH] CONNECTION LIMIT n`, `ALLOW_CONNECTIONS b` ...
    Options(Vec<(String, Expr)>),
}

/// `DROP DATABASE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropDatabase {
    /// Do not mind its absence.
    pub if_exists: bool,
    /// Which.
    pub name: Ident,
    /// `CASCADE` or `RESTRICT`, when written.
    pub behavior: Option<DropBehavior>,
    /// `WITH (FORCE)`.
    pub force: bool,
}

/// What becomes of what depends on a dropped object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropBehavior {
    /// It goes too.
    Cascade,
    /// It forbids the drop.
    Restrict,
}

/// `CREATE SCHEMA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSchema {
    /// Do not mind its presence.
    pub if_not_exists: bool,
    /// Its name, perhaps with a database; without one it is called as its owner.
    pub name: Option<ObjectName>,
    /// `AUTHORIZATION role`.
    pub authorization: Option<Ident>,
}

/// `ALTER SCHEMA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterSchema {
    /// Which.
    pub name: ObjectName,
    /// What to change.
    pub action: AlterSchemaAction,
}

/// A change of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterSchemaAction {
    /// `OWNER TO`.
    Owner(Ident),
    /// `RENAME TO`.
    Rename(Ident),
}
