//! Settings, variables, zones and transactions.

use sqlparser::ast::{Expr, Ident, ObjectName};

/// `SET CLUSTER SETTING name = value`; RESET is the same with the default.
#[derive(Debug, Clone, PartialEq)]
pub struct SetClusterSetting {
    /// Its dotted name.
    pub name: String,
    /// `None` for DEFAULT.
    pub value: Option<Expr>,
}

/// `SET [SESSION | LOCAL] name = value, ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct SetVariable {
    /// For the transaction only.
    pub local: bool,
    /// Its name, lower case. Special spellings have their variable's name: `TIME ZONE` is
    /// `timezone`, `NAMES` `client_encoding`, `SCHEMA` `search_path`, `ROLE` `role`,
    /// `SESSION AUTHORIZATION` `session_authorization`, `USE db` `database`.
    pub name: String,
    /// What to set.
    pub value: VariableValue,
}

/// The value of a SET.
#[derive(Debug, Clone, PartialEq)]
pub enum VariableValue {
    /// `DEFAULT`, `RESET`, `SET TIME ZONE LOCAL`.
    Default,
    /// At least one. A bare word is an [`Expr::Identifier`] and means its own text.
    List(Vec<Expr>),
}

/// Modes of a transaction; `None` means not written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransactionModes {
    /// `ISOLATION LEVEL`.
    pub isolation: Option<Isolation>,
    /// `READ ONLY` or `READ WRITE`.
    pub read_only: Option<bool>,
    /// `[NOT] DEFERRABLE`.
    pub deferrable: Option<bool>,
    /// `PRIORITY`.
    pub priority: Option<Priority>,
    /// `AS OF SYSTEM TIME`.
    pub as_of: Option<Expr>,
}

/// An isolation level as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// `READ UNCOMMITTED`.
    ReadUncommitted,
    /// `READ COMMITTED`.
    ReadCommitted,
    /// `REPEATABLE READ`.
    RepeatableRead,
    /// `SNAPSHOT`.
    Snapshot,
    /// `SERIALIZABLE`.
    Serializable,
}

/// A transaction's priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// `LOW`.
    Low,
    /// `NORMAL`.
    Normal,
    /// `HIGH`.
    High,
}

/// `SET TRANSACTION`, `SET SESSION CHARACTERISTICS AS TRANSACTION`.
#[derive(Debug, Clone, PartialEq)]
pub struct SetTransaction {
    /// For the transactions to come, not the present one.
    pub session: bool,
    /// `SNAPSHOT 'id'`.
    pub snapshot: Option<String>,
    /// Modes.
    pub modes: TransactionModes,
}

/// `ALTER target CONFIGURE ZONE ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigureZone {
    /// Whose zone.
    pub target: ZoneTarget,
    /// What to do.
    pub action: ZoneAction,
}

/// What a zone configuration belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneTarget {
    /// `RANGE default`, `RANGE meta` ...
    Range(Ident),
    /// `DATABASE name`.
    Database(Ident),
    /// `TABLE name`.
    Table(ObjectName),
    /// `INDEX [table@]name`.
    Index {
        /// The table, when written.
        table: Option<ObjectName>,
        /// The index.
        index: ObjectName,
    },
    /// `PARTITION name OF {TABLE | INDEX} object`.
    Partition {
        /// The partition.
        partition: Ident,
        /// Of what.
        of: Box<ZoneTarget>,
    },
}

/// What CONFIGURE ZONE does.
#[derive(Debug, Clone, PartialEq)]
pub enum ZoneAction {
    /// `USING name = value, ...`.
    Using(Vec<(Ident, ZoneValue)>),
    /// `USING DEFAULT`.
    UsingDefault,
    /// `DISCARD`.
    Discard,
}

/// A value in CONFIGURE ZONE USING.
#[derive(Debug, Clone, PartialEq)]
pub enum ZoneValue {
    /// An expression.
    Expr(Expr),
    /// `COPY FROM PARENT`.
    CopyFromParent,
}
