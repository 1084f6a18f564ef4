//! A server over memory, sessions and the surroundings of a statement on it, for the room's tests.

use std::sync::Arc;

use crate::catalog::{Catalog, watched_spans};
use crate::clock::{Clock, SystemClock};
use crate::cloud::Cloud;
use crate::error::Result;
use crate::ids::IdSource;
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Mvcc, Options, TxnOptions};
use crate::settings::Settings;
pub(crate) use crate::sql::answer::Answer;
use crate::sql::exec::context::{EvalContext, ExecContext};
use crate::sql::server::Server;
use crate::sql::session::{Login, Session};
use crate::sql::variables::SessionState;
use crate::task::Interrupt;

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
    let server = Server::new(mvcc, catalog, cloud, settings, clock, ids);
    crate::sql::userfile::install(&server);
    server
}

/// The state of a session of root's in `defaultdb`.
pub(crate) fn session() -> SessionState {
    SessionState {
        search_path: vec!["public".into()],
        backend_pid: 1,
        ..SessionState::of("root".into(), "defaultdb".into())
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

/// Runs a text in a session.
pub(crate) fn ask(session: &mut Session, text: &str) -> Result<Answer> {
    let mut answer = Answer::default();
    session.simple_query(text, &mut answer)?;
    Ok(answer)
}
