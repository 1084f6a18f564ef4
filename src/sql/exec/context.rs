//! What an expression or operator may ask of its surroundings.

use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::clock::Timestamp;
use crate::mvcc::Txn;
use crate::sql::exec::feed::Feed;
use crate::sql::server::Server;
use crate::sql::variables::SessionState;
use crate::task::Interrupt;
use crate::types::Datum;

/// The surroundings of an expression.
pub struct EvalContext<'a> {
    /// The node's services.
    pub server: &'a Arc<Server>,
    /// The session; sequence functions and `set_config` change it.
    pub session: &'a mut SessionState,
    /// What exists, as the transaction sees it.
    pub catalog: &'a Arc<CatalogSnapshot>,
    /// Values of the statement's parameters.
    pub params: &'a [Datum],
    /// `statement_timestamp()`: microseconds since 2000-01-01 UTC.
    pub statement_time: i64,
    /// `now()`: microseconds since 2000-01-01 UTC.
    pub transaction_time: i64,
    /// The transaction's read timestamp.
    pub read_at: Timestamp,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}

/// The surroundings of an operator: an expression's, and the transaction.
pub struct ExecContext<'a> {
    /// The transaction.
    pub txn: &'a mut Txn,
    /// What expressions see.
    pub eval: EvalContext<'a>,
    /// Where the rows of a feed come from, if the statement has one.
    pub feed: Option<&'a mut dyn Feed>,
    /// Memory that the statement may hold, in bytes.
    pub memory_max: usize,
}
