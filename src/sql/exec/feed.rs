//! Rows that come from outside of the statement: COPY FROM.

use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{Operator, Run};

/// A source of rows for an INSERT.
pub trait Feed {
    /// The next rows, never an empty batch; `None` at the end.
    fn next(&mut self) -> Result<Option<Batch>>;
    /// Whether rows may go past the transaction into the store.
    fn stores(&self) -> bool;
    /// Takes the only entry of a row whose constraints were checked, and stores it past the
    /// transaction. False if the row must go through the transaction.
    fn store(&mut self, key: &Key, value: &[u8]) -> Result<bool>;
}

/// Reads the feed of the statement.
pub struct FeedScan;

impl Operator for FeedScan {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        run.check()?;
        match &mut run.ctx.feed {
            Some(feed) => feed.next(),
            None => Err(Error::internal("a feed without rows")),
        }
    }
}
