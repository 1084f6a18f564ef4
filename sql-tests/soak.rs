//! Everything at once on a real disk: clients with invariants, a server that is killed under them.
//!
//! ```text
//!   round:  start ─▶ clients work · history is read · schema changes · backups, restores, jobs
//!             ▲                       │ enough transactions were acknowledged
//!             │                       ▼
//!           check everything ◀─ start ◀─ kill -9 or SIGTERM, in the middle of it all
//! ```
//!
//! In `./dev test` it is a few rounds; `./dev soak [MINUTES]` is the same function for an hour, on
//! a release build, with its figures at the end. What is wrong ends it at once: the store is kept
//! and named, with the journal of what was done to it (`soak.log`) and the server's log (`log`).
//!
//! CAIRN_SOAK_MINUTES: how long; CAIRN_SOAK_SEED: what the choices are made from.

mod append;
mod backups;
mod bank;
mod counter;
mod cycles;
mod family;
mod figures;
mod fork;
mod history;
mod round;
mod schema;
mod sequential;
mod set;

use std::time::{Duration, Instant};

use crate::process::Home;
use crate::wire::Session;
use figures::Figures;
use round::{Dice, Round, Target, Workload};

/// Rounds of the short run.
const SHORT_ROUNDS: u64 = 4;

/// Acknowledged transactions after which a round may end, in the short run.
const SHORT_TARGET: u64 = 250;

/// The same in the long one.
const LONG_TARGET: u64 = 6_000;

/// Of this many rounds of the long run one is long, so that jobs and sweeps get to their end.
const LONG_ROUND_EVERY: u64 = 12;

/// Rounds after which the whole store is looked through once.
const CHECK_EVERY: u64 = 4;

/// Seconds of history that the long run keeps, so that garbage is collected under it.
const GC_TTL_SECONDS: u64 = 90;

/// Seconds between two rounds of garbage collection then.
const GC_SWEEP_SECONDS: u64 = 5;

/// How long and from which seed it runs.
struct Course {
    seed: u64,
    until: Option<Instant>,
}

impl Course {
    fn from_environment() -> Course {
        let number = |name: &str| {
            std::env::var(name).ok().map(|text| {
                text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
            })
        };
        let minutes = number("CAIRN_SOAK_MINUTES");
        let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
        let by_clock = || match until {
            Some(_) => std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs()),
            None => 1,
        };
        Course { seed: number("CAIRN_SOAK_SEED").unwrap_or_else(by_clock), until }
    }

    fn is_long(&self) -> bool {
        self.until.is_some()
    }

    fn goes_on(&self, round: u64) -> bool {
        match self.until {
            Some(until) => Instant::now() < until,
            None => round < SHORT_ROUNDS,
        }
    }

    /// After how many acknowledged transactions a round's server is stopped.
    fn target(&self, round: u64, dice: &mut Dice) -> u64 {
        match self.until {
            None => dice.between(SHORT_TARGET / 2, SHORT_TARGET),
            Some(_) if round % LONG_ROUND_EVERY == LONG_ROUND_EVERY - 1 => 8 * LONG_TARGET,
            Some(_) => dice.between(1, LONG_TARGET),
        }
    }
}

/// Keeps the store if the test fails, and says where it is.
struct Evidence {
    home: Home,
    seed: u64,
}

impl Drop for Evidence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The directory is removed with its last owner, which this one never gives up.
            std::mem::forget(self.home.clone());
            eprintln!(
                "soak: something is WRONG; CAIRN_SOAK_SEED={}; the store, the journal soak.log and \
                 the server's log are kept in {}",
                self.seed,
                self.home.path().display()
            );
        }
    }
}

#[test]
fn every_invariant_holds_under_load_kills_backups_and_changes() {
    let course = Course::from_environment();
    let home = Home::new();
    let evidence = Evidence { home: home.clone(), seed: course.seed };
    let figures = Figures::new(home.path());
    if course.is_long() {
        println!("soak: seed {}, store in {}", course.seed, home.path().display());
    }
    let workloads: Vec<Box<dyn Workload>> = vec![
        Box::new(bank::Bank::new()),
        Box::new(set::Set::new()),
        Box::new(sequential::Sequential::new()),
        Box::new(fork::Fork::new()),
        Box::new(counter::Counter::new()),
        Box::new(append::Append::new()),
        Box::new(family::Family::new()),
    ];
    let backups = backups::Backups::new(home.nodelocal());
    let history = history::History::new(if course.is_long() { GC_TTL_SECONDS } else { u64::MAX });
    let mut server = home.start();
    create(&Session::open(&server.url), &workloads, course.is_long());
    let mut dice = Dice::new(course.seed);
    let mut number = 0;
    while course.goes_on(number) {
        let target = course.target(number, &mut dice);
        let round = Round {
            number,
            url: server.url.clone(),
            seed: dice.next(),
            target: Target::new(target, !course.is_long() && number % 2 == 0),
            figures: &figures,
            workloads: &workloads,
            backups: &backups,
            history: &history,
        };
        let in_order = dice.one_in(5);
        round.run(server, in_order);
        figures.stopped(in_order);
        figures.note(&format!(
            "round {number}: stopped {}",
            if in_order { "by SIGTERM" } else { "by kill -9" }
        ));
        if number % CHECK_EVERY == 1 {
            check(&home, &figures);
        }
        let begun = Instant::now();
        server = home.start();
        let db = Session::open(&server.url);
        figures.recovered(begun.elapsed());
        figures.note(&format!("round {number}: serving again at {}", server.url));
        for workload in &workloads {
            workload.check(&db, &figures);
        }
        history.check(&db, &workloads, &figures, &mut dice);
        number += 1;
        if course.is_long() && number % 20 == 0 {
            println!("soak: {}", figures.line());
        }
    }
    let db = Session::open(&server.url);
    backups.finish(&db, &history, &workloads, &figures, &mut dice);
    let (home, status) = server.terminate();
    assert!(status.success(), "{status}:\n{}", home.log());
    check(&home, &figures);
    if course.is_long() {
        println!("{}", figures.table(course.seed));
    }
    figures.assert_everything_was_tried(course.is_long());
    drop(evidence);
}

/// Has every row, index and constraint of the store looked at while no server has it open.
fn check(home: &Home, figures: &Figures) {
    crate::check::clean(home);
    figures.done("stores looked through by cairn debug check");
}

/// Makes the databases and tables of all workloads.
fn create(db: &Session, workloads: &[Box<dyn Workload>], is_long: bool) {
    db.run("CREATE DATABASE soak");
    for workload in workloads {
        workload.create(db);
    }
    if is_long {
        db.run(&format!(
            "ALTER DATABASE soak CONFIGURE ZONE USING gc.ttlseconds = {GC_TTL_SECONDS}"
        ));
        db.run(&format!("SET CLUSTER SETTING gc.sweep_interval = '{GC_SWEEP_SECONDS}s'"));
    }
}
