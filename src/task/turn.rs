//! Turns: in a simulation threads run one at a time, and whoever would sleep gives its turn away.
//!
//! A test gives its threads a [`Turns`]; on all other threads nothing changes. A wait for a bell
//! then becomes: give the turn away, and look at the condition again when it comes back. So the
//! order of everything follows from one seed, and nobody's sleep is ever real.

use std::cell::RefCell;
use std::sync::Arc;

use parking_lot::MutexGuard;

/// Decides whose turn is next.
pub(crate) trait Turns {
    /// Gives the turn away and comes back when it is the caller's again. Whoever waits for others
    /// is not asked again before one of them has done something.
    fn pass(&self, waits: bool);
}

thread_local! {
    static TURNS: RefCell<Option<Arc<dyn Turns>>> = const { RefCell::new(None) };
}

/// From now on this thread takes turns.
pub(crate) fn sit_down(turns: Arc<dyn Turns>) {
    TURNS.with(|own| *own.borrow_mut() = Some(turns));
}

/// Instead of a sleep: lets the others go on, without the lock. False on an ordinary thread.
pub(super) fn wait<T>(guard: &mut MutexGuard<'_, T>) -> bool {
    let Some(turns) = TURNS.with(|own| own.borrow().clone()) else { return false };
    MutexGuard::unlocked(guard, || turns.pass(true));
    true
}

/// Lets the others go on, perhaps. Nothing on an ordinary thread.
pub(crate) fn step() {
    if let Some(turns) = TURNS.with(|own| own.borrow().clone()) {
        turns.pass(false);
    }
}
