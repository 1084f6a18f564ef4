//! The state of one session that expressions and statements read: who, where, and its variables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::DescriptorId;
use crate::sql::pg_catalog::CatalogNames;
use crate::types::Type;
use crate::types::text::SessionFormat;

/// What the catalogue says of a prepared statement or a cursor.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// The text that made it.
    pub statement: String,
    /// When: microseconds since 2000-01-01 UTC.
    pub since: i64,
    /// Whether PREPARE made it, and not the protocol.
    pub from_sql: bool,
    /// Types of a prepared statement's parameters.
    pub types: Vec<Type>,
    /// Whether a cursor outlives its transaction.
    pub is_holdable: bool,
    /// Whether a cursor's rows are sent in binary.
    pub is_binary: bool,
    /// Whether a cursor can go back.
    pub is_scrollable: bool,
}

/// Notes by name, shared by a session's copies of its state.
pub type Notes = Arc<Mutex<BTreeMap<String, Note>>>;

/// What a commit does to a temporary table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitAction {
    /// Its rows go.
    DeleteRows,
    /// It goes itself.
    Drop,
}

/// One session's surroundings.
#[derive(Clone)]
pub struct SessionState {
    /// The role that logged in.
    pub session_user: Arc<str>,
    /// The role in force (`SET ROLE`).
    pub current_user: Arc<str>,
    /// The current database's name.
    pub database: Arc<str>,
    /// Schemas searched for unqualified names, in order (`"$user"` already expanded or skipped).
    pub search_path: Vec<String>,
    /// How values are read and printed (time zone, styles).
    pub format: SessionFormat,
    /// The process number that the client was told, for cancel and `pg_backend_pid()`.
    pub backend_pid: i32,
    /// Values of `currval`, by sequence, and the sequence of `lastval`.
    pub sequence_values: HashMap<DescriptorId, i64>,
    /// The last sequence that `nextval` was called on.
    pub last_sequence: Option<DescriptorId>,
    /// Variables that `set_config` set for the transaction only, with their values before.
    pub local_values: Vec<(String, String)>,
    /// Its prepared statements.
    pub prepared: Notes,
    /// Its cursors.
    pub cursors: Notes,
    /// Temporary tables to which a commit does something.
    pub on_commit: Vec<(DescriptorId, CommitAction)>,
    /// All other variables as text, by lower-case name (`application_name`, `statement_timeout`, …).
    pub variables: HashMap<String, String>,
}

impl SessionState {
    /// A role's surroundings in a database, with nothing set and no schema searched.
    pub fn of(role: Arc<str>, database: Arc<str>) -> Self {
        SessionState {
            session_user: role.clone(),
            current_user: role,
            database,
            search_path: Vec::new(),
            format: SessionFormat::default(),
            backend_pid: 0,
            sequence_values: HashMap::new(),
            last_sequence: None,
            local_values: Vec::new(),
            prepared: Notes::default(),
            cursors: Notes::default(),
            on_commit: Vec::new(),
            variables: HashMap::new(),
        }
    }

    /// Lets names in values (`'t'::regclass`) mean what they mean in a snapshot.
    pub fn see(&mut self, catalog: &Arc<CatalogSnapshot>) {
        self.format.names = Some(Arc::new(CatalogNames::new(catalog, self)));
    }
}
