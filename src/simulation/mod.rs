//! # simulation: what happens to a database in a thousand lives
//!
//! Clients run transactions against the real code, over a disk, a clock and a scheduler that follow
//! from one seed: who goes next, what the machine's clock shows, when the power fails and what of
//! the unsynced writes is left. Then it is judged whether what the clients saw could have happened
//! in a database that keeps its promises. The same seed goes the same way every time.
//!
//! ```text
//!    seed ─▶ chance ─┬─▶ turns    exactly one thread runs; every wait gives the turn away
//!                    ├─▶ disk     kv::Engine that knows what is synced; crashes, full, failing
//!                    ├─▶ clock    skews and jumps, also over restarts
//!                    └─▶ store/   transactions on mvcc: what each client does and sees
//!                                    │
//!                                 history ─▶ checker/   circles of dependencies, and their names
//!                                    └─────▶ model      every read against the commits' times
//! ```
//!
//! Words: a *seed* is one number and one life; a *start* is what lies between two crashes of it; a
//! *moment* is a point at which the machine may go down or somebody else go on; a *finding* is what
//! a judge has to say.
//!
//! A seed that fails prints the command that runs it again. Two variables choose the seeds of all
//! tests here:
//!
//! - `CAIRN_SIMULATION_SEEDS`: how many each test takes, instead of its own number;
//! - `CAIRN_SIMULATION_FIRST`: the first one, instead of 0.
//!
//! ```text
//!    CAIRN_SIMULATION_FIRST=1000000 CAIRN_SIMULATION_SEEDS=200000 cargo test --lib simulation
//! ```
//!
//! Invariants:
//! - Nothing depends on real time, on addresses, on the hash of anything: only on the seed.
//! - The disk breaks no promise of `kv`, unless a test says so; nor does anything below `mvcc`.
//! - Each judge is shown faults that it must find: hand-made histories for the checker, levels
//!   weaker than promised, a disk that lies and a clock that forgets for all of it.
//!
//! What it is not: a test of RocksDB or of a real disk; `sql-tests` kills real servers.

mod chance;
mod checker;
mod clock;
mod disk;
mod history;
mod store;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seeds each test takes, instead of its own number.
const SEEDS: &str = "CAIRN_SIMULATION_SEEDS";
/// The first seed.
const FIRST: &str = "CAIRN_SIMULATION_FIRST";

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// Runs a test's seeds and gives back what came of them. The first that fails ends the test, and
/// says how to run it again.
fn seeds<T>(test: &str, count: u64, run: impl Fn(u64) -> Result<T, String>) -> Vec<T> {
    let first = number(FIRST).unwrap_or(0);
    let mut results = Vec::new();
    for seed in first..first + number(SEEDS).unwrap_or(count) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(seed)));
        let finding = match outcome {
            Ok(Ok(result)) => {
                results.push(result);
                continue;
            }
            Ok(Err(finding)) => finding,
            Err(_) => "it panicked; the message is above".to_owned(),
        };
        panic!(
            "seed {seed}: {finding}\nagain with\n  {FIRST}={seed} {SEEDS}=1 cargo test --lib \
             simulation::{test} -- --nocapture"
        );
    }
    results
}
