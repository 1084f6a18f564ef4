//! Surroundings for calls in tests.
use std::collections::HashMap;
use std::sync::Arc;
use super::*;
use crate::types::datetime::TimeZone;
pub(super) fn with_context(zone: &str, test: impl FnOnce(&mut EvalContext<'_>)) {
    let clock: Arc<dyn crate::clock::Clock> = Arc::new(crate::clock::SystemClock::new());
    let mvcc = crate::mvcc::Mvcc::open(Arc::new(crate::kv::memory::MemoryEngine::new()), clock.clone(), crate::mvcc::Options { watched: crate::catalog::watched_spans(), ..Default::default() }).unwrap();
    let cat = crate::catalog::Catalog::open(mvcc.clone()).unwrap();
    let catalog = cat.current().unwrap();
    let server = Arc::new(crate::sql::server::Server { clock, ids: Arc::new(crate::ids::IdSource::new()), mvcc, catalog: cat });
    let mut session = crate::sql::variables::SessionState {
        session_user: "root".into(), current_user: "root".into(), database: "defaultdb".into(), search_path: vec!["public".into()],
        format: SessionFormat::default(), backend_pid: 1, sequence_values: HashMap::new(), last_sequence: None, variables: HashMap::new(),
    };
    session.format.time_zone = TimeZone::parse(zone).unwrap();
    let interrupt = crate::task::Interrupt::new();
    test(&mut EvalContext { server: &server, session: &mut session, catalog: &catalog, params: &[], statement_time: 0, transaction_time: 0, read_at: crate::clock::Timestamp::MIN, interrupt: &interrupt });
}
