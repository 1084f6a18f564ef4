//! A server over memory, sessions and the surroundings of a statement on it, for the room's tests.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::{Catalog, watched_spans};
use crate::clock::{Clock, SystemClock};
use crate::cloud::Cloud;
use crate::error::{Error, Result};
use crate::ids::IdSource;
use crate::jobs::Registry;
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Mvcc, Options, TxnOptions};
use crate::settings::Settings;
use crate::sql::client::{Client, CopyShape, Field, Format, Severity};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::context::{EvalContext, ExecContext};
use crate::sql::server::Server;
use crate::sql::session::{Login, Session};
use crate::sql::sessions::Sessions;
use crate::sql::statistics::Statistics;
use crate::sql::variables::{Notes, SessionState};
use crate::task::Interrupt;
use crate::types::{Datum, SessionFormat};

/// A server whose store is memory.
pub(crate) fn server() -> Arc<Server> {
    server_at(Arc::new(SystemClock::new()))
}

/// A server whose store is memory, on a clock of the test's.
pub(crate) fn server_at(clock: Arc<dyn Clock>) -> Arc<Server> {
    let settings = Arc::new(Settings::new());
    let options =
        Options { watched: watched_spans(), settings: settings.clone(), ..Options::default() };
    let mvcc = Mvcc::open(Arc::new(MemoryEngine::new()), clock.clone(), options).unwrap();
    let catalog = Catalog::open(mvcc.clone()).unwrap();
    let ids = Arc::new(IdSource::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let cloud = Arc::new(Cloud::new(runtime.handle().clone(), settings.clone()));
    let jobs =
        Registry::new(mvcc.clone(), catalog.clone(), settings.clone(), clock.clone(), ids.clone());
    let sessions = Arc::new(Sessions::new());
    Arc::new(Server {
        mvcc,
        catalog,
        jobs,
        cloud,
        settings,
        clock,
        ids,
        sessions,
        statistics: Statistics::new(),
    })
}

/// The state of a session of root's in `defaultdb`.
pub(crate) fn session() -> SessionState {
    SessionState {
        session_user: "root".into(),
        current_user: "root".into(),
        database: "defaultdb".into(),
        search_path: vec!["public".into()],
        format: SessionFormat::default(),
        backend_pid: 1,
        sequence_values: HashMap::new(),
        last_sequence: None,
        local_values: Vec::new(),
        prepared: Notes::default(),
        cursors: Notes::default(),
        on_commit: Vec::new(),
        variables: HashMap::new(),
    }
}

/// Runs something in a transaction of its own on a server.
pub(crate) fn within(
    server: &Arc<Server>,
    state: &mut SessionState,
    test: impl FnOnce(&mut ExecContext<'_>),
) {
    let mut txn = server.mvcc.begin(TxnOptions::default()).unwrap();
    let catalog = server.catalog.snapshot(&mut txn).unwrap();
    state.see(&catalog);
    let interrupt = Interrupt::new();
    let read_at = txn.read_timestamp();
    let eval = EvalContext {
        server,
        session: state,
        catalog: &catalog,
        params: &[],
        statement_time: 0,
        transaction_time: 0,
        read_at,
        interrupt: &interrupt,
    };
    test(&mut ExecContext { eval, txn: &mut txn, memory_max: 1 << 30, feed: None });
}

/// A session of a role's in `defaultdb`.
pub(crate) fn login(server: &Arc<Server>, user: &str) -> Session {
    let login = Login { user: user.into(), database: "defaultdb".into(), ..Login::default() };
    Session::start(server, login, Interrupt::new()).unwrap()
}

/// What a session said.
#[derive(Default)]
pub(crate) struct Answer {
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Datum>>,
    /// The tags of the statements.
    pub(crate) tags: Vec<String>,
    /// Notices and warnings.
    pub(crate) notices: Vec<String>,
    /// How many rows, tags and notices there were when the current statement began.
    marked: (usize, usize, usize),
}

/// Runs a text in a session.
pub(crate) fn ask(session: &mut Session, text: &str) -> Result<Answer> {
    let mut answer = Answer::default();
    session.simple_query(text, &mut answer)?;
    Ok(answer)
}

impl Client for Answer {
    fn columns(&mut self, fields: &[Field], _: &[Format]) -> Result<()> {
        self.columns = fields.iter().map(|field| field.name.clone()).collect();
        Ok(())
    }

    fn rows(&mut self, batch: &Batch, _: &[Field], _: &[Format], _: &SessionFormat) -> Result<()> {
        self.rows.extend((0..batch.rows).map(|row| batch.row(row)));
        Ok(())
    }

    fn complete(&mut self, tag: &str) -> Result<()> {
        self.tags.push(tag.to_owned());
        Ok(())
    }

    fn suspended(&mut self) -> Result<()> {
        Ok(())
    }

    fn empty(&mut self) -> Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: Severity, notice: &Error) -> Result<()> {
        self.notices.push(notice.message().to_owned());
        Ok(())
    }

    fn parameter(&mut self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    fn copy_in(&mut self, _: &CopyShape) -> Result<()> {
        Err(Error::unsupported("COPY FROM STDIN in these tests"))
    }

    fn copy_read(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn copy_out(&mut self, _: &CopyShape) -> Result<()> {
        Err(Error::unsupported("COPY TO STDOUT in these tests"))
    }

    fn copy_write(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn copy_end(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self) {
        self.marked = (self.rows.len(), self.tags.len(), self.notices.len());
    }

    fn rewind(&mut self) -> bool {
        let (rows, tags, notices) = self.marked;
        self.rows.truncate(rows);
        self.tags.truncate(tags);
        self.notices.truncate(notices);
        true
    }

    fn sync_follows(&mut self) -> bool {
        false
    }
}
