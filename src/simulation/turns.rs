//! Turns: threads of which exactly one runs, and a seed that says which.
//!
//! ```text
//!   client 0 ──run──┐        pass        ┌──run── …
//!   client 1        └──────▶ chance ─────┘
//!   client 2  (waits for a lock: asked again when somebody has done something)
//! ```
//!
//! A turn passes where a client says so (between its steps), where the simulated disk says so (in
//! the middle of a write), and wherever the code under test would sleep. Everyone waiting and
//! nobody running is a deadlock that the code under test did not find, and fails the seed.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::chance::Chance;
use crate::task::turn;

/// Passes before a seed is taken to go in circles.
const PASSES_MAX: u64 = 1_000_000;

/// How long a turn may last before its thread is taken to sleep for real.
const STUCK: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    Ready,
    /// Waits for others; nobody had done anything more than this then.
    Waiting(u64),
    Gone,
}

struct State {
    chance: Chance,
    seats: Vec<Seat>,
    holder: usize,
    /// Counts what was done.
    progress: u64,
    /// How often all were asked again because all waited. Someone may have done something and then
    /// begun to wait; so one who cannot go on is believed only the third time.
    doubts: u64,
    passes: u64,
    /// What stands in the way of going on.
    broken: Option<&'static str>,
    /// Folds every choice, to compare two runs.
    digest: u64,
}

/// The table at which the threads of one simulation sit.
pub(crate) struct Table {
    state: Mutex<State>,
    bells: Vec<Condvar>,
    /// How often, of a hundred, whoever could go on does.
    steadiness: u64,
}

/// One thread's place at the table.
struct Place {
    table: Arc<Table>,
    number: usize,
}

/// What a thread does with its turns.
pub(crate) type Player<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs threads by turns until all are done; gives back a number that two runs have in common if
/// they made the same choices. Panics of a thread go on here.
pub(crate) fn play(mut chance: Chance, players: Vec<Player<'_>>) -> u64 {
    let count = players.len();
    let steadiness = chance.below(90);
    let holder = chance.below(count as u64) as usize;
    let state = State {
        chance,
        seats: vec![Seat::Ready; count],
        holder,
        progress: 0,
        doubts: 0,
        passes: 0,
        broken: None,
        digest: 0,
    };
    let bells = (0..count).map(|_| Condvar::new()).collect();
    let table = Arc::new(Table { state: Mutex::new(state), bells, steadiness });
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(count);
        for (number, player) in players.into_iter().enumerate() {
            let place = Arc::new(Place { table: table.clone(), number });
            threads.push(scope.spawn(move || {
                let _leaves = Leaves(place.clone());
                turn::sit_down(place.clone());
                place.wait_for_turn();
                player();
            }));
        }
        // Not by the scope: it would hide what the panic said.
        let ends: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        if let Some(panic) = ends.into_iter().find_map(Result::err) {
            resume_unwind(panic);
        }
    });
    table.state.lock().digest
}

impl Table {
    /// Chooses who is next and wakes them. False if nobody can go on.
    fn hand_on(&self, state: &mut State) -> bool {
        let waiting = |seat: &Seat| matches!(seat, Seat::Waiting(then) if *then == state.progress);
        if state.seats.iter().all(|seat| *seat == Seat::Gone || waiting(seat)) && state.doubts < 2 {
            state.doubts += 1;
            state.progress += 1;
        }
        let progress = state.progress;
        let can = |seat: &Seat| match seat {
            Seat::Ready => true,
            Seat::Waiting(then) => *then < progress,
            Seat::Gone => false,
        };
        let count = state.seats.iter().filter(|seat| can(seat)).count() as u64;
        if count == 0 {
            return false;
        }
        let place = state.chance.below(count) as usize;
        let able = state.seats.iter().enumerate().filter(|(_, seat)| can(seat));
        let next = able.map(|(number, _)| number).nth(place);
        state.holder = next.expect("a place below the count");
        state.digest = state.digest.wrapping_mul(0x0100_0000_01B3) ^ (state.holder as u64 + 1);
        self.bells[state.holder].notify_one();
        true
    }

    fn break_off(&self, state: &mut State, why: &'static str) {
        state.broken = Some(why);
        for bell in &self.bells {
            bell.notify_one();
        }
    }
}

impl Place {
    fn wait_for_turn(&self) {
        let mut state = self.table.state.lock();
        while state.holder != self.number && state.broken.is_none() {
            let passes = state.passes;
            let late = self.table.bells[self.number].wait_for(&mut state, STUCK).timed_out();
            if late && state.passes == passes && state.broken.is_none() {
                // No panic helps: the thread that has the turn would never end.
                eprintln!("a simulated client waits for something that gives no turns");
                std::process::abort();
            }
        }
        if let Some(why) = state.broken {
            drop(state);
            panic!("{why}");
        }
    }
}

impl turn::Turns for Place {
    fn pass(&self, waits: bool) {
        let table = &self.table;
        let mut state = table.state.lock();
        state.passes += 1;
        if state.passes > PASSES_MAX {
            table.break_off(&mut state, "the clients go in circles");
        } else if waits {
            state.seats[self.number] = Seat::Waiting(state.progress);
        } else {
            state.progress += 1;
            state.doubts = 0;
            state.seats[self.number] = Seat::Ready;
            if state.chance.percent(table.steadiness) {
                return;
            }
        }
        if !table.hand_on(&mut state) {
            table.break_off(&mut state, "everyone waits and nobody runs: a deadlock was not found");
        }
        drop(state);
        self.wait_for_turn();
    }
}

/// Gives the turn away for good, even when the thread panics.
struct Leaves(Arc<Place>);

impl Drop for Leaves {
    fn drop(&mut self) {
        let table = &self.0.table;
        let mut state = table.state.lock();
        state.seats[self.0.number] = Seat::Gone;
        state.progress += 1;
        let left = state.seats.iter().any(|seat| *seat != Seat::Gone);
        if left && state.holder == self.0.number {
            table.hand_on(&mut state);
        }
    }
}
