//! The tree of a statement: sqlparser's where it serves, our own for the rest.
//!
//! Conventions that hold everywhere in these trees:
//! - [`Ident::value`] is the *name*: unquoted identifiers arrive folded to lower case and every
//!   identifier is cut to 63 bytes, so nobody folds again. `quote_style` only says how it was written.
//! - String literals of every spelling (`'..'`, `E'..'`, `U&'..'`, `$$..$$`, `N'..'`, continued over
//!   lines) arrive decoded as [`Value::SingleQuotedString`]. `B'..'` and `X'..'` keep their kind.
//! - `span.start.column` of a token is the one-based *character position in the whole text* that was
//!   given to `parse` (`line` is always 1), which is what an error's position field wants.

mod access;
mod backup;
mod database;
mod job;
mod portal;
mod relation;
mod session;
mod show;

use sqlparser::ast::{Expr, Ident, Query};

pub use access::*;
pub use backup::*;
pub use database::*;
pub use job::*;
pub use portal::*;
pub use relation::*;
pub use session::*;
pub use show::*;

/// One statement of a text, with where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedStatement {
    /// The tree.
    pub statement: Statement,
    /// The statement's own slice of the source, without the semicolon and the blanks around it.
    pub text: String,
    /// Byte offset of `text` in the source.
    pub offset: usize,
    /// `AS OF SYSTEM TIME` of a query, wherever it stood. Statements of our own that have the clause
    /// (BACKUP, RESTORE, BEGIN, SET TRANSACTION) keep it in their own tree.
    pub as_of: Option<Expr>,
    /// The statements written as row sources: the `n`th `[SHOW ...]` of the text stands in the tree as
    /// a call of the table function [`ROW_SOURCE`] with the number `n` as its argument.
    pub row_sources: Vec<Statement>,
    /// What sqlparser's tree has no room for.
    pub extras: Extras,
}

impl ParsedStatement {
    /// The text with its secrets taken out: for logs, lists of sessions and other eyes.
    pub fn redacted_text(&self) -> String {
        super::text::redact_text(&self.text)
    }
}

/// Clauses of general SQL that sqlparser's tree has no room for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extras {
    /// `OVERRIDING {SYSTEM | USER} VALUE` of an INSERT.
    pub overriding: Option<Overriding>,
    /// `WITH NO DATA` of CREATE TABLE AS and CREATE MATERIALIZED VIEW.
    pub with_no_data: bool,
    /// `IF NOT EXISTS` of CREATE TYPE.
    pub if_not_exists: bool,
    /// `WHERE` behind the columns of ON CONFLICT: which partial index is meant.
    pub conflict_predicate: Option<Expr>,
}

/// Whose values win for identity columns of an INSERT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    /// `OVERRIDING SYSTEM VALUE`: the statement's.
    System,
    /// `OVERRIDING USER VALUE`: the sequence's.
    User,
}

/// Name of the table function that stands for a `[SHOW ...]` in FROM: `"[show]"(n)` means
/// `row_sources[n]`. A user can write such a call by hand, so an `n` out of range is their error.
pub const ROW_SOURCE: &str = "[show]";

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Everything that sqlparser's tree says well: queries, INSERT (`replace_into` is UPSERT), UPDATE,
    /// DELETE, MERGE, CREATE INDEX, CREATE VIEW, ALTER TABLE, TRUNCATE, types, functions, LISTEN ...
    Sql(Box<sqlparser::ast::Statement>),

    /// `BACKUP`.
    Backup(Backup),
    /// `RESTORE`.
    Restore(Restore),
    /// `SHOW BACKUPS IN`.
    ShowBackups(ShowBackups),
    /// `SHOW BACKUP`.
    ShowBackup(ShowBackup),
    /// `CHECK EXTERNAL CONNECTION` and `SHOW BACKUP CONNECTION`.
    CheckConnection(CheckConnection),
    /// `VERIFY BACKUP`: reads a backup through and checks every hash.
    VerifyBackup(VerifyBackup),
    /// The rows of a table in a backup; only ever a row source.
    ReadBackup(ReadBackup),
    /// `DROP BACKUP`.
    DropBackup(DropBackup),
    /// `EXPIRE BACKUPS`.
    ExpireBackups(ExpireBackups),
    /// `ALTER BACKUP ... ADD NEW_KMS`.
    AlterBackup(AlterBackup),

    /// `SHOW JOBS`, `SHOW JOB`.
    ShowJobs(ShowJobs),
    /// `PAUSE`, `RESUME`, `CANCEL JOB(S)`.
    ControlJobs(ControlJobs),
    /// `CREATE SCHEDULE ... FOR BACKUP`.
    CreateSchedule(CreateSchedule),
    /// `SHOW SCHEDULES`.
    ShowSchedules(ShowSchedules),
    /// `SHOW CREATE SCHEDULE id` (or `ALL SCHEDULES` when `None`).
    ShowCreateSchedule(Option<Expr>),
    /// `PAUSE`, `RESUME`, `DROP SCHEDULE(S)`.
    ControlSchedules(ControlSchedules),
    /// `ALTER BACKUP SCHEDULE`.
    AlterSchedule(AlterSchedule),
    /// `CANCEL QUERY`, `CANCEL SESSION`.
    CancelWork(CancelWork),

    /// `CREATE EXTERNAL CONNECTION`.
    CreateConnection(CreateConnection),
    /// `DROP EXTERNAL CONNECTION`.
    DropConnection(Ident),

    /// `ALTER ... CONFIGURE ZONE`.
    ConfigureZone(ConfigureZone),
    /// `SHOW ZONE CONFIGURATION(S)`; `None` means all.
    ShowZone(Option<ZoneTarget>),

    /// `SET CLUSTER SETTING`, `RESET CLUSTER SETTING`.
    SetClusterSetting(SetClusterSetting),
    /// `SHOW CLUSTER SETTING name`.
    ShowClusterSetting(String),
    /// `SHOW [ALL] CLUSTER SETTINGS`.
    ShowClusterSettings {
        /// Whether reserved settings are wanted too.
        all: bool,
    },
    /// `SET`, `SET LOCAL`, `RESET name`, `USE`, and the special spellings (`TIME ZONE`, `NAMES` ...).
    SetVariable(SetVariable),
    /// `RESET ALL`.
    ResetAll,
    /// `SHOW name`.
    ShowVariable(String),
    /// `SHOW ALL`.
    ShowAll,
    /// The other `SHOW` forms.
    Show(Show),

    /// `BEGIN`, `START TRANSACTION`.
    Begin(TransactionModes),
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `SET TRANSACTION`, `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    SetTransaction(SetTransaction),
    /// `SAVEPOINT name`.
    Savepoint(Ident),
    /// `RELEASE [SAVEPOINT] name`.
    ReleaseSavepoint(Ident),
    /// `ROLLBACK TO [SAVEPOINT] name`.
    RollbackTo(Ident),

    /// `CREATE USER`, `CREATE ROLE`, `CREATE GROUP`.
    CreateRole(CreateRole),
    /// `ALTER USER`, `ALTER ROLE`.
    AlterRole(AlterRole),
    /// `DROP USER`, `DROP ROLE`.
    DropRole(DropRole),
    /// `GRANT` of privileges or roles.
    Grant(Grant),
    /// `REVOKE` of privileges or roles.
    Revoke(Revoke),
    /// `ALTER DEFAULT PRIVILEGES`.
    AlterDefaultPrivileges(AlterDefaultPrivileges),
    /// `REASSIGN OWNED BY`.
    ReassignOwned(ReassignOwned),
    /// `DROP OWNED BY`.
    DropOwned(DropOwned),

    /// `CREATE DATABASE`.
    CreateDatabase(CreateDatabase),
    /// `ALTER DATABASE`.
    AlterDatabase(AlterDatabase),
    /// `DROP DATABASE`.
    DropDatabase(DropDatabase),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `ALTER SCHEMA`.
    AlterSchema(AlterSchema),

    /// `CREATE TABLE`, every form of it.
    CreateTable(Box<CreateTable>),
    /// `ALTER SEQUENCE`.
    AlterSequence(AlterSequence),
    /// `ALTER {TABLE | VIEW | INDEX | TYPE | ...}` with one of the changes that all objects share:
    /// a new name, owner or schema. (`ALTER TABLE ... RENAME TO` of an ordinary table too.)
    AlterObject(AlterObject),
    /// `DROP {TABLE | VIEW | INDEX | SEQUENCE | SCHEMA | TYPE ...}`.
    Drop(Drop),
    /// `COMMENT ON`.
    Comment(Comment),
    /// `VACUUM`.
    Vacuum(Vacuum),
    /// `ANALYZE`, `CREATE STATISTICS`.
    Analyze(Analyze),
    /// `REINDEX`, `CLUSTER`, `REFRESH MATERIALIZED VIEW` and the like.
    Maintain(Maintain),
    /// `LOCK TABLE`.
    LockTable(LockTable),
    /// `CHECKPOINT`.
    Checkpoint,
    /// `DISCARD`.
    Discard(Discard),

    /// `COPY`.
    Copy(Copy),
    /// `EXPLAIN`.
    Explain(Explain),
    /// `PREPARE`.
    Prepare(Prepare),
    /// `EXECUTE`.
    Execute(Execute),
    /// `DEALLOCATE`; `None` means all.
    Deallocate(Option<Ident>),
    /// `DECLARE ... CURSOR`.
    Declare(Declare),
    /// `FETCH` and `MOVE`.
    Fetch(Fetch),
    /// `CLOSE`; `None` means all.
    CloseCursor(Option<Ident>),
}

/// A place in the grammar where a string stands: a literal (or a bare word, which is read as one) or
/// a parameter that the client sends later.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StringArg {
    /// `'text'`, or a bare word.
    Text(String),
    /// `$n`, one-based.
    Placeholder(usize),
}

impl From<&str> for StringArg {
    fn from(text: &str) -> Self {
        StringArg::Text(text.to_owned())
    }
}

/// Numbers (of jobs, schedules, queries) to act on: `JOB a` or `JOBS <query>`.
#[derive(Debug, Clone, PartialEq)]
pub enum IdSource {
    /// One expression.
    Expr(Expr),
    /// A query with one column.
    Query(Box<Query>),
}
