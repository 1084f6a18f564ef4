//! The state of one session that expressions and statements read: who, where, and its variables.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::DescriptorId;
use crate::sql::pg_catalog::CatalogNames;
use crate::types::text::SessionFormat;

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
    /// All other variables as text, by lower-case name (`application_name`, `statement_timeout`, …).
    pub variables: HashMap<String, String>,
}

impl SessionState {
    /// Lets names in values (`'t'::regclass`) mean what they mean in a snapshot.
    pub fn see(&mut self, catalog: &Arc<CatalogSnapshot>) {
        self.format.names = Some(Arc::new(CatalogNames::new(catalog, self)));
    }
}
