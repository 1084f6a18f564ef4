//! One seed: start the machine, let clients run, take it down, start it again; then judge.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use super::super::chance::Chance;
use super::super::checker;
use super::super::clock::SkewedClock;
use super::super::disk::{Crash, Disk, Fate};
use super::super::turns::{self, Player};
use super::client::{Client, World, jumped, read_everything};
use super::model::{self, Counts};
use super::plan::{Fault, Plan};
use super::record::{Record, all_keys};
use crate::error::{Result, sqlstate};
use crate::mvcc::{Mvcc, Options};
use crate::settings::{self, Settings};
use crate::task::Interrupt;

/// When the machine's clock begins, in nanoseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000_000_000;

/// What came of a seed.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// What is wrong; nothing, if all is well.
    pub(super) findings: Vec<String>,
    /// The names of the checker's findings among them.
    pub(super) anomalies: Vec<&'static str>,
    pub(super) counts: Counts,
    /// The same for two runs that went the same way.
    pub(super) digest: u64,
}

/// Runs a seed.
pub(super) fn run(seed: u64, fault: Fault) -> Verdict {
    let mut chance = Chance::new(seed);
    let plan = Plan::of(&mut chance, fault);
    let record = Mutex::new(Record::default());
    let mut verdict = Verdict::default();
    let fate = plan.fate(&mut chance);
    let mut disk = Disk::empty(fate, chance.branch());
    let mut wall = BEGINNING;
    for _ in 0..plan.starts {
        let clock = Arc::new(SkewedClock::new(wall, plan.fault == Fault::Clock));
        match open(&disk, &clock, &plan) {
            Ok(mvcc) => {
                let interrupts: Vec<Interrupt> =
                    (0..plan.clients).map(|_| Interrupt::new()).collect();
                interrupts.iter().for_each(|interrupt| disk.tell(interrupt));
                let (disk, clock) = (disk.clone(), clock.clone());
                let (plan, record) = (&plan, &record);
                let keeping_house = AtomicBool::new(false);
                let world = World { plan, disk, clock, mvcc, record, interrupts, keeping_house };
                let digest = start(&world, &mut chance);
                verdict.digest = verdict.digest.rotate_left(7) ^ digest;
            }
            // A disk that is full, or failed, may be better next time.
            Err(e)
                if !disk.is_off()
                    && ![sqlstate::DISK_FULL, sqlstate::IO_ERROR].contains(&e.code()) =>
            {
                verdict.findings.push(format!("the store does not open: {e}"));
                return verdict;
            }
            Err(_) => {}
        }
        disk.crash(if chance.percent(50) { Crash::PowerLoss } else { Crash::Kill });
        disk = disk.restart(plan.fate(&mut chance));
        wall = clock.wall();
        if plan.jumps > 0 {
            wall = jumped(wall, &mut chance);
        }
    }
    disk.crash(Crash::Kill);
    let disk = disk.restart(Fate::calm());
    let clock = Arc::new(SkewedClock::new(wall, plan.fault == Fault::Clock));
    if let Err(e) = judge(&disk, &clock, &plan, &record, &mut verdict) {
        verdict.findings.push(format!("the last reading failed: {e}"));
    }
    verdict
}

fn open(disk: &Arc<Disk>, clock: &Arc<SkewedClock>, plan: &Plan) -> Result<Arc<Mvcc>> {
    let settings = Settings::new();
    if plan.spills {
        settings.apply(settings::TRANSACTION_MEMORY, Some("0".into()));
    }
    let options =
        Options { watched: vec![all_keys()], settings: Arc::new(settings), ..Options::default() };
    Mvcc::open(disk.clone(), clock.clone(), options)
}

/// Lets the clients run until they are done or the machine goes down.
fn start(world: &World<'_>, chance: &mut Chance) -> u64 {
    let players = (0..world.plan.clients).map(|number| {
        let client = Client { world, number, chance: chance.branch() };
        Box::new(move || client.run()) as Player<'_>
    });
    let players = players.collect();
    let digest = turns::play(chance.branch(), players);
    if chance.percent(30) && !world.disk.is_off() {
        // An orderly end. A disk that failed refuses it.
        let _ = world.mvcc.shutdown();
    }
    digest
}

fn judge(
    disk: &Arc<Disk>,
    clock: &Arc<SkewedClock>,
    plan: &Plan,
    record: &Mutex<Record>,
    verdict: &mut Verdict,
) -> Result<()> {
    let mvcc = open(disk, clock, plan)?;
    read_everything(&mvcc, plan, record)?;
    let record = record.lock();
    verdict.findings.extend(record.complaints.iter().cloned());
    verdict.counts = model::judge(&record, &mvcc, !plan.spills, &mut verdict.findings)?;
    for anomaly in checker::check(&record.history) {
        verdict.findings.push(anomaly.to_string());
        verdict.anomalies.push(anomaly.name);
    }
    Ok(())
}
