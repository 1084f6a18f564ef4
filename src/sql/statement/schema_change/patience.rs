//! Holding a table without keeping its writers waiting behind one that takes long.
//!
//! Locks are granted first come, first served: whoever asks to hold a table makes all later
//! writers wait for the oldest transaction that still uses it. So the question is asked for a
//! moment, taken back, and asked again later, each time for a little longer.

use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::catalog::descriptor::DescriptorId;
use crate::error::{Result, sqlstate};
use crate::mvcc::{Txn, WaitPolicy};
use crate::task::Interrupt;

/// How long writers wait behind the first attempt; it doubles.
const MOMENT: Duration = Duration::from_millis(20);

/// How long they wait behind an attempt at most.
const MOMENT_MAX: Duration = Duration::from_secs(2);

/// The pause after an attempt, in its length.
const PAUSE: u32 = 3;

/// As [`Catalog::hold`], with the transaction's limit for waiting counted over all attempts.
pub fn hold(
    catalog: &Catalog,
    txn: &mut Txn,
    id: DescriptorId,
    interrupt: &Interrupt,
) -> Result<()> {
    let limit = txn.lock_timeout();
    let until = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut moment = MOMENT;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        txn.set_lock_timeout(Some(left.map_or(moment, |left| left.min(moment))));
        let held = catalog.hold(txn, id, WaitPolicy::Wait);
        txn.set_lock_timeout(limit);
        match held {
            Err(e) if e.code() == sqlstate::LOCK_NOT_AVAILABLE => {
                if left.is_some_and(|left| left <= moment) {
                    return Err(e);
                }
            }
            held => return held,
        }
        interrupt.wait(moment * PAUSE)?;
        moment = (moment * 2).min(MOMENT_MAX);
    }
}
