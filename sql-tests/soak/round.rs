//! One life of a server: clients work until enough was acknowledged, then it is stopped.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::backups::Backups;
use super::figures::Figures;
use super::history::History;
use crate::process::Cairn;
use crate::wire::{Refusal, Session};

/// Those who do something else than the workloads: history, schema, backups.
const OTHERS: usize = 3;

/// Small random numbers from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number (splitmix64).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number of a range, ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// An isolation level.
    pub fn level(&mut self) -> &'static str {
        ["SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"][self.below(3) as usize]
    }
}

/// Counts what a round's clients get acknowledged, and rings when it is enough.
pub struct Target {
    state: Mutex<State>,
    bell: Condvar,
    over: AtomicBool,
}

struct State {
    left: u64,
    counted: u64,
    at_work: u64,
    /// Which of the others must have made a step before it is enough.
    awaited: Vec<bool>,
    failed: bool,
}

impl State {
    fn is_enough(&self) -> bool {
        self.left == 0 && !self.awaited.contains(&true)
    }
}

impl Target {
    /// So many transactions; with `all_take_part` also a step of everybody else.
    pub fn new(target: u64, all_take_part: bool) -> Target {
        let state = State {
            left: target,
            counted: 0,
            at_work: 0,
            awaited: vec![all_take_part; OTHERS],
            failed: false,
        };
        Target { state: Mutex::new(state), bell: Condvar::new(), over: AtomicBool::new(false) }
    }

    /// One more transaction was acknowledged.
    pub fn count(&self) {
        let mut state = self.state.lock();
        state.left = state.left.saturating_sub(1);
        state.counted += 1;
        self.bell.notify_all();
    }

    fn took_part(&self, other: usize) {
        self.state.lock().awaited[other] = false;
        self.bell.notify_all();
    }

    /// Waits until it is enough: false if it never will be, because nobody is left at work.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.is_enough() && !state.failed && state.at_work > 0 {
            self.bell.wait(&mut state);
        }
        state.is_enough() || state.failed
    }

    /// Waits until so many more transactions were acknowledged, or the round is over.
    pub fn pause(&self, transactions: u64) {
        let mut state = self.state.lock();
        let until = state.counted + transactions;
        while state.counted < until && !state.failed && !self.is_over() {
            self.bell.wait(&mut state);
        }
    }

    /// Whether the server was stopped.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn set_over(&self) {
        let _state = self.state.lock();
        self.over.store(true, Ordering::Relaxed);
        self.bell.notify_all();
    }
}

/// A thread at work. One that finds something wrong ends the round for all.
struct AtWork<'a>(&'a Target);

impl<'a> AtWork<'a> {
    fn new(target: &'a Target) -> AtWork<'a> {
        target.state.lock().at_work += 1;
        AtWork(target)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.at_work -= 1;
        state.failed |= std::thread::panicking();
        self.0.bell.notify_all();
    }
}

/// What became of an attempt at a transaction that a step does not treat itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was refused and can be tried again: nothing of it counts.
    Again,
    /// The server is gone, or went before it answered: it may or may not count.
    Unknown,
}

/// What a refusal means. Anything that is no conflict and no end of the server is a fault.
#[track_caller]
pub fn fate(refusal: &Refusal, what: &str) -> Fate {
    match refusal.code.as_str() {
        "40001" | "40P01" => Fate::Again,
        "" | "57P01" | "57P02" | "57P03" | "08006" => Fate::Unknown,
        _ => panic!("{what}: {refusal}"),
    }
}

/// The server went while a client worked with it.
#[derive(Debug)]
pub struct Gone;

/// Clients with something that must always be true.
pub trait Workload: Sync + Send {
    /// What it is called in the figures.
    fn name(&self) -> &'static str;

    /// Makes its tables in the database `soak`.
    fn create(&self, db: &Session);

    /// How many clients it has.
    fn clients(&self) -> u64;

    /// Does a few transactions as one of the clients.
    fn step(
        &self,
        client: u64,
        db: &Session,
        dice: &mut Dice,
        round: &Round<'_>,
    ) -> Result<(), Gone>;

    /// After a restart, with no client at work: whether what was acknowledged is there.
    fn check(&self, db: &Session, figures: &Figures);

    /// What holds at every moment, for the tables of a schema as of a clause.
    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal>;
}

/// One life of a server.
pub struct Round<'a> {
    pub number: u64,
    pub url: String,
    pub seed: u64,
    pub target: Target,
    pub figures: &'a Figures,
    pub workloads: &'a [Box<dyn Workload>],
    pub backups: &'a Backups,
    pub history: &'a History,
}

impl Round<'_> {
    /// Counts an acknowledged transaction of a workload.
    pub fn acknowledged(&self, workload: &dyn Workload) {
        self.figures.acknowledged(workload.name());
        self.target.count();
    }

    /// Counts a refusal; an unknown outcome ends the client.
    #[track_caller]
    pub fn refused(
        &self,
        workload: &dyn Workload,
        refusal: &Refusal,
        what: &str,
    ) -> Result<(), Gone> {
        match fate(refusal, what) {
            Fate::Again => {
                self.figures.refused(workload.name());
                Ok(())
            }
            Fate::Unknown => {
                self.figures.unknown(workload.name());
                Err(Gone)
            }
        }
    }

    /// Counts the outcome of a transaction that has to succeed unless the server goes; `why` says
    /// what a refusal would mean.
    #[track_caller]
    pub fn unopposed(
        &self,
        workload: &dyn Workload,
        outcome: Result<(), Refusal>,
        what: &str,
        why: &str,
    ) -> Result<(), Gone> {
        match outcome {
            Ok(()) => self.acknowledged(workload),
            Err(refusal) => {
                self.refused(workload, &refusal, what)?;
                panic!("{why}: {refusal}");
            }
        }
        Ok(())
    }

    /// Lets everything loose on a server and stops it in the middle.
    pub fn run(&self, server: Cairn, in_order: bool) {
        let mut dice = Dice::new(self.seed);
        let others: [Other<'_>; OTHERS] = [
            &|db, dice| self.history.step(db, dice, self),
            &|db, dice| super::schema::step(db, dice, self),
            &|db, dice| self.backups.step(db, dice, self),
        ];
        std::thread::scope(|scope| {
            for workload in self.workloads {
                for client in 0..workload.clients() {
                    let (at_work, mut dice) = (AtWork::new(&self.target), Dice::new(dice.next()));
                    scope.spawn(move || {
                        self.work(at_work, |db| workload.step(client, db, &mut dice, self));
                    });
                }
            }
            for (i, step) in others.into_iter().enumerate() {
                let (at_work, mut dice) = (AtWork::new(&self.target), Dice::new(dice.next()));
                scope.spawn(move || {
                    self.work(at_work, |db| {
                        step(db, &mut dice)?;
                        self.target.took_part(i);
                        Ok(())
                    });
                });
            }
            let enough = self.target.wait();
            if in_order {
                let (home, status) = server.terminate();
                assert!(status.success(), "{status}:\n{}", home.log());
            } else {
                server.kill();
            }
            self.target.set_over();
            assert!(enough, "the server went by itself");
        });
    }

    /// Steps of one client until the server is gone.
    fn work(&self, _at_work: AtWork<'_>, mut step: impl FnMut(&Session) -> Result<(), Gone>) {
        let db = match Session::try_open(&self.url) {
            Ok(db) => db,
            Err(refusal) => {
                assert_eq!(fate(&refusal, "a new session"), Fate::Unknown);
                return;
            }
        };
        let steps = AssertUnwindSafe(|| while !self.target.is_over() && step(&db).is_ok() {});
        // The journal says what was wrong, besides the test.
        if let Err(panic) = catch_unwind(steps) {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            self.figures.note(&format!("round {}: WRONG: {said}", self.number));
            resume_unwind(panic);
        }
    }
}

/// What others than the workloads do again and again.
type Other<'a> = &'a (dyn Fn(&Session, &mut Dice) -> Result<(), Gone> + Sync);
