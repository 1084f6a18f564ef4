//! Tables and sequences, and statements that tend relations.

use sqlparser::ast::{Ident, IndexColumn, ObjectName, SequenceOptions};

use super::DropBehavior;

/// `CREATE TABLE`: sqlparser's tree, and what it has no room for.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// Columns, constraints, options, `AS query`.
    pub table: sqlparser::ast::CreateTable,
    /// `INDEX [name] (a, b) ...` among the columns.
    pub indexes: Vec<TableIndex>,
    /// `FAMILY [name] (a, b)`, `a INT FAMILY name`.
    pub families: Vec<ColumnFamily>,
    /// `INTERLEAVE IN PARENT table (a)`.
    pub interleave: Option<Interleave>,
    /// `{INCLUDING | EXCLUDING} what`, of `LIKE table`, in order.
    pub like_options: Vec<LikeOption>,
    /// `WITH NO DATA`, of `AS query`.
    pub with_no_data: bool,
}

/// What `LIKE table` takes over besides columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikeOption {
    /// INCLUDING, not EXCLUDING.
    pub including: bool,
    /// The word in upper case: `ALL`, `DEFAULTS`, `CONSTRAINTS`, `INDEXES` ...
    pub what: String,
}

/// An index declared inside CREATE TABLE.
#[derive(Debug, Clone, PartialEq)]
pub struct TableIndex {
    /// Its name, when written.
    pub name: Option<Ident>,
    /// `UNIQUE INDEX`.
    pub unique: bool,
    /// `INVERTED INDEX`, or `USING gin`.
    pub inverted: bool,
    /// Its columns.
    pub columns: Vec<IndexColumn>,
    /// `STORING (a, b)`.
    pub storing: Vec<Ident>,
    /// `WHERE`.
    pub predicate: Option<sqlparser::ast::Expr>,
}

/// A column family: how columns are grouped, which here changes nothing but is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFamily {
    /// Its name, when written.
    pub name: Option<Ident>,
    /// Its columns.
    pub columns: Vec<Ident>,
}

/// `INTERLEAVE IN PARENT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interleave {
    /// The parent table.
    pub parent: ObjectName,
    /// The shared prefix.
    pub columns: Vec<Ident>,
}

/// `ALTER SEQUENCE`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterSequence {
    /// Do not mind its absence.
    pub if_exists: bool,
    /// Which.
    pub name: ObjectName,
    /// New options, of which RESTART is the commonest.
    pub options: Vec<SequenceChange>,
}

/// An option of ALTER SEQUENCE.
#[derive(Debug, Clone, PartialEq)]
pub enum SequenceChange {
    /// One that CREATE SEQUENCE knows too.
    Option(SequenceOptions),
    /// `AS type`.
    DataType(sqlparser::ast::DataType),
    /// `OWNED BY table.column`; `None` for `OWNED BY NONE`.
    OwnedBy(Option<ObjectName>),
    /// `RESTART [WITH n]`.
    Restart(Option<sqlparser::ast::Expr>),
}

/// A kind of object, in ALTER, DROP and COMMENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the SQL word")]
pub enum RelationKind {
    Table,
    ForeignTable,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Type,
    Domain,
    Collation,
    Extension,
    Statistics,
}

/// `ALTER kind [IF EXISTS] name {RENAME TO | OWNER TO | SET SCHEMA} ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterObject {
    /// What it is.
    pub kind: RelationKind,
    /// Do not mind its absence.
    pub if_exists: bool,
    /// Which.
    pub name: ObjectName,
    /// What to change.
    pub action: AlterObjectAction,
}

/// A change that all objects share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterObjectAction {
    /// `RENAME TO`; CockroachDB allows a qualified name.
    Rename(ObjectName),
    /// `OWNER TO`.
    Owner(Ident),
    /// `SET SCHEMA`.
    Schema(Ident),
}

/// `DROP kind [IF EXISTS] a, b [CASCADE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// What they are.
    pub kind: RelationKind,
    /// `DROP INDEX CONCURRENTLY`.
    pub concurrently: bool,
    /// Do not mind the absence of any.
    pub if_exists: bool,
    /// Which; `table@index` of an index has the table in `on`.
    pub names: Vec<DropName>,
    /// `CASCADE` or `RESTRICT`, when written.
    pub behavior: Option<DropBehavior>,
}

/// One object to drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropName {
    /// The table of an index written `table@index`.
    pub on: Option<ObjectName>,
    /// The object.
    pub name: ObjectName,
}

/// `COMMENT ON object IS {'..' | NULL}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// On what.
    pub on: CommentObject,
    /// The text; `None` removes it.
    pub text: Option<String>,
}

/// What a comment is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommentObject {
    /// A relation, schema, type ...
    Object(RelationKind, ObjectName),
    /// A column: the last name is the column's.
    Column(ObjectName),
    /// A constraint of a table.
    Constraint {
        /// Its name.
        name: Ident,
        /// Its table.
        table: ObjectName,
    },
    /// A database.
    Database(Ident),
    /// A role.
    Role(Ident),
    /// A function; the argument types are dropped.
    Function(ObjectName),
}

/// `VACUUM`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuum {
    /// `FULL`.
    pub full: bool,
    /// `FREEZE`.
    pub freeze: bool,
    /// `VERBOSE`.
    pub verbose: bool,
    /// `ANALYZE`.
    pub analyze: bool,
    /// Tables with columns; empty for all.
    pub tables: Vec<(ObjectName, Vec<Ident>)>,
}

/// `ANALYZE`, `CREATE STATISTICS name [ON columns] FROM table`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analyze {
    /// The name in CREATE STATISTICS.
    pub name: Option<ObjectName>,
    /// `VERBOSE`.
    pub verbose: bool,
    /// Tables with columns; empty for all.
    pub tables: Vec<(ObjectName, Vec<Ident>)>,
}

/// Statements that rebuild something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maintain {
    /// `REINDEX {INDEX | TABLE | SCHEMA | DATABASE | SYSTEM} [CONCURRENTLY] name`.
    Reindex {
        /// The word, in upper case.
        kind: String,
        /// Of what.
        name: ObjectName,
    },
    /// `CLUSTER [table [USING index]]`.
    Cluster {
        /// Which; all when `None`.
        table: Option<ObjectName>,
        /// By which index.
        index: Option<Ident>,
    },
    /// `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA]`.
    Refresh {
        /// Which.
        view: ObjectName,
        /// Readers go on.
        concurrently: bool,
        /// `WITH NO DATA`.
        no_data: bool,
    },
}

/// `LOCK [TABLE] a, b [IN mode MODE] [NOWAIT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockTable {
    /// Which.
    pub tables: Vec<ObjectName>,
    /// The mode's words in upper case, `ACCESS EXCLUSIVE` when not written.
    pub mode: String,
    /// `NOWAIT`.
    pub nowait: bool,
}

/// `DISCARD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// `ALL`.
    All,
    /// `PLANS`.
    Plans,
    /// `SEQUENCES`.
    Sequences,
    /// `TEMP`, `TEMPORARY`.
    Temp,
}
