//! Advisory locks: numbers that sessions lock among themselves (`pg_advisory_lock` and kin).
//!
//! A lock belongs to a session and is counted: it is free again after as many unlocks as locks, or
//! when the session ends. A session has a thread of its own, so its locks live in a thread-local
//! that gives them back when the thread ends. Locks that end with the transaction are not offered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::args::{i4, i8};
use super::row::{Row, f};
use crate::error::{Error, Result};
use crate::sql::exec::context::EvalContext;
use crate::types::Datum;

/// What is locked: a database's name and one or two numbers, which never meet each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    database: String,
    number: i64,
    of_two: bool,
}

/// How often each session holds a lock, exclusively and shared.
#[derive(Default)]
struct Holders(HashMap<u64, (u32, u32)>);

impl Holders {
    /// Whether a session may take the lock now.
    fn admits(&self, session: u64, shared: bool) -> bool {
        let mut others = self.0.iter().filter(|(holder, _)| **holder != session);
        others.all(|(_, (exclusive, _))| shared && *exclusive == 0)
    }
}

/// The locks of the process.
struct Table {
    locks: Mutex<HashMap<Target, Holders>>,
    released: Condvar,
}

static TABLE: std::sync::LazyLock<Table> =
    std::sync::LazyLock::new(|| Table { locks: Mutex::default(), released: Condvar::new() });

/// Numbers the sessions that ever locked something.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// A session's identity among lock holders; its end is the end of its locks.
struct Session(u64);

impl Drop for Session {
    fn drop(&mut self) {
        release_all(self.0);
    }
}

thread_local! {
    static SESSION: RefCell<Session> =
        RefCell::new(Session(SESSIONS.fetch_add(1, Ordering::Relaxed)));
}

fn session() -> u64 {
    SESSION.with_borrow(|session| session.0)
}

macro_rules! locks {
    ($($name:literal $one:literal $two:literal $result:literal $body:expr;)*) => {
        pub(super) const FUNCTIONS: &[Row] = &[
            $(
                f($one, $name, "int8", $result, |context, a| {
                    let body: fn(&EvalContext<'_>, Target) -> Result<Datum> = $body;
                    body(context, target(context, a)?)
                })
                .volatile(),
                f($two, $name, "int4 int4", $result, |context, a| {
                    let body: fn(&EvalContext<'_>, Target) -> Result<Datum> = $body;
                    body(context, target(context, a)?)
                })
                .volatile(),
            )*
            f(2892, "pg_advisory_unlock_all", "", "void", |_, _| {
                release_all(session());
                Ok(Datum::text(""))
            })
            .volatile(),
        ];
    };
}

locks! {
    "pg_advisory_lock" 2880 2886 "void" |context, t| lock(context, t, false);
    "pg_advisory_lock_shared" 2881 2887 "void" |context, t| lock(context, t, true);
    "pg_try_advisory_lock" 2882 2888 "bool" |_, t| try_lock(t, false);
    "pg_try_advisory_lock_shared" 2883 2889 "bool" |_, t| try_lock(t, true);
    "pg_advisory_unlock" 2884 2890 "bool" |_, t| unlock(t, false);
    "pg_advisory_unlock_shared" 2885 2891 "bool" |_, t| unlock(t, true);
    "pg_advisory_xact_lock" 3089 3093 "void" |_, _| until_commit();
    "pg_advisory_xact_lock_shared" 3090 3094 "void" |_, _| until_commit();
    "pg_try_advisory_xact_lock" 3091 3095 "bool" |_, _| until_commit();
    "pg_try_advisory_xact_lock_shared" 3092 3096 "bool" |_, _| until_commit();
}

fn target(context: &EvalContext<'_>, a: &[Datum]) -> Result<Target> {
    let of_two = a.len() == 2;
    let number = match of_two {
        // Two numbers are the halves of one.
        true => (i64::from(i4(a, 0)?) << 32) | i64::from(i4(a, 1)? as u32),
        false => i8(a, 0)?,
    };
    Ok(Target { database: context.session.database.to_string(), number, of_two })
}

/// Takes a lock, waiting for it until the statement is told to stop.
fn lock(context: &EvalContext<'_>, target: Target, shared: bool) -> Result<Datum> {
    let mut locks = TABLE.locks.lock();
    while !take(&mut locks, &target, shared) {
        context.interrupt.wait_on(&TABLE.released, &mut locks, Duration::from_secs(60))?;
    }
    Ok(Datum::text(""))
}

/// Takes a lock if that is possible at once.
fn try_lock(target: Target, shared: bool) -> Result<Datum> {
    Ok(Datum::Bool(take(&mut TABLE.locks.lock(), &target, shared)))
}

fn take(locks: &mut HashMap<Target, Holders>, target: &Target, shared: bool) -> bool {
    let holders = locks.entry(target.clone()).or_default();
    let me = session();
    if !holders.admits(me, shared) {
        return false;
    }
    let (exclusive_count, shared_count) = holders.0.entry(me).or_default();
    let count = if shared { shared_count } else { exclusive_count };
    *count = count.saturating_add(1);
    true
}

/// Gives one lock back; false if the session does not hold it.
fn unlock(target: Target, shared: bool) -> Result<Datum> {
    let mut locks = TABLE.locks.lock();
    let me = session();
    let mut held = false;
    if let Some(holders) = locks.get_mut(&target) {
        if let Some((exclusive_count, shared_count)) = holders.0.get_mut(&me) {
            let count = if shared { shared_count } else { exclusive_count };
            held = *count > 0;
            *count = count.saturating_sub(1);
        }
        holders.0.retain(|_, counts| *counts != (0, 0));
        if holders.0.is_empty() {
            locks.remove(&target);
        }
    }
    TABLE.released.notify_all();
    Ok(Datum::Bool(held))
}

fn release_all(session: u64) {
    let mut locks = TABLE.locks.lock();
    locks.retain(|_, holders| {
        holders.0.remove(&session);
        !holders.0.is_empty()
    });
    TABLE.released.notify_all();
}

fn until_commit() -> Result<Datum> {
    Err(Error::unsupported("an advisory lock that ends with the transaction"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(number: i64) -> Target {
        Target { database: "advisory tests".into(), number, of_two: false }
    }

    fn taken(target: Target, shared: bool) -> bool {
        matches!(try_lock(target, shared), Ok(Datum::Bool(true)))
    }

    fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn a_lock_is_counted_and_excludes_others() {
        assert!(taken(on(1), false) && taken(on(1), false));
        assert!(!elsewhere(|| taken(on(1), false)) && !elsewhere(|| taken(on(1), true)));
        assert!(matches!(unlock(on(1), false), Ok(Datum::Bool(true))));
        assert!(!elsewhere(|| taken(on(1), true)));
        assert!(matches!(unlock(on(1), false), Ok(Datum::Bool(true))));
        assert!(elsewhere(|| taken(on(1), true)));
        assert!(matches!(unlock(on(1), false), Ok(Datum::Bool(false))));
    }

    #[test]
    fn shared_locks_go_together_and_two_numbers_are_no_one_number() {
        assert!(taken(on(2), true) && elsewhere(|| taken(on(2), true)));
        assert!(!elsewhere(|| taken(on(2), false)));
        let pair = Target { of_two: true, ..on(2) };
        assert!(elsewhere(|| taken(pair, false)));
        release_all(session());
        assert!(elsewhere(|| taken(on(2), false)));
    }

    #[test]
    fn the_end_of_a_session_frees_its_locks() {
        assert!(elsewhere(|| taken(on(3), false)));
        assert!(taken(on(3), false));
        release_all(session());
    }
}
