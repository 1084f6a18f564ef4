//! The patrol: the one thread that looks at jobs whose rows have changed, and now and then at all
//! unfinished ones, and hands to workers what should run.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::agenda::Told;
use super::registry::{Board, Registry};
use super::state::State;
use super::table::Row;
use super::{JobId, table, worker};
use crate::error::{Error, Result, sqlstate};
use crate::settings;

/// The states of jobs that somebody should be working on.
const UNFINISHED: [State; 4] =
    [State::Running, State::Reverting, State::PauseRequested, State::CancelRequested];

/// The shortest time between two looks at all unfinished jobs, whatever the setting says.
const ROUND_MIN: Duration = Duration::from_millis(100);

/// Time between two sweeps of old jobs.
const SWEEP: Duration = Duration::from_secs(3_600);

/// How long the patrol waits for a row that somebody else has locked. A transaction that is left
/// open must not keep it from all other jobs.
const PATIENCE: Option<Duration> = Some(Duration::from_millis(100));

/// When the patrol comes back to a row that was locked.
const COME_BACK: Duration = Duration::from_secs(1);

/// Old jobs that one transaction removes.
const SWEEP_ROWS: usize = 100;

/// Starts the thread.
pub(super) fn start(registry: &Arc<Registry>) -> Result<JoinHandle<()>> {
    let board = Arc::clone(&registry.board);
    let registry = Arc::downgrade(registry);
    thread::Builder::new().name("jobs".into()).spawn(move || walk(&registry, &board)).map_err(|e| {
        Error::io("the thread of the job registry could not be started").with_source(e)
    })
}

/// Takes unfinished jobs from processes that can no longer be running them.
pub(super) fn release_foreign_claims(registry: &Registry) -> Result<()> {
    registry.transact(|txn| {
        for state in UNFINISHED {
            for found in table::in_state(txn, state)? {
                if found.claim().is_none_or(|claim| claim == *registry.claim()) {
                    continue;
                }
                let Some(old) = table::lock(txn, found.id()?)? else { continue };
                let mut row = old.clone();
                row.set_claim(None);
                row.replace(txn, &old)?;
            }
        }
        Ok(())
    })
}

fn walk(registry: &Weak<Registry>, board: &Board) {
    let mut next_round = Instant::now();
    let mut next_sweep = next_round;
    let mut locked = BTreeSet::new();
    loop {
        let until = match locked.is_empty() {
            true => next_round,
            false => next_round.min(Instant::now() + COME_BACK),
        };
        let mut ids = {
            let mut agenda = board.agenda.lock();
            while !agenda.stopping && !agenda.has_changed() {
                if board.bell.wait_until(&mut agenda, until).timed_out() {
                    break;
                }
            }
            if agenda.stopping {
                return;
            }
            agenda.take_changed()
        };
        let Some(registry) = registry.upgrade() else { return };
        let now = Instant::now();
        if now >= next_round {
            let interval = registry.settings().duration(settings::JOBS_ADOPT_INTERVAL);
            next_round = now + interval.clamp(ROUND_MIN, SWEEP);
            match unfinished(&registry) {
                Ok(all) => ids.extend(all),
                Err(e) => tracing::warn!(error = %e, "unfinished jobs could not be listed"),
            }
        }
        ids.append(&mut locked);
        for id in ids {
            match consider(&registry, id) {
                Ok(()) => {}
                Err(e) if e.code() == sqlstate::LOCK_NOT_AVAILABLE => {
                    locked.insert(id);
                }
                // The next round looks again.
                Err(e) => tracing::warn!(job = id, error = %e, "a job could not be looked at"),
            }
        }
        if now >= next_sweep {
            next_sweep = now + SWEEP;
            if let Err(e) = sweep(&registry) {
                tracing::warn!(error = %e, "old jobs could not be removed");
            }
        }
    }
}

fn unfinished(registry: &Registry) -> Result<Vec<JobId>> {
    let mut txn = registry.reader()?;
    let mut ids = Vec::new();
    for state in UNFINISHED {
        for row in table::in_state(&mut txn, state)? {
            ids.push(row.id()?);
        }
    }
    Ok(ids)
}

/// Sees to it that somebody does what a job's row says.
fn consider(registry: &Arc<Registry>, id: JobId) -> Result<()> {
    let row = loop {
        let epoch = registry.board.agenda.lock().epoch(id);
        let Some(row) = table::get(&mut registry.reader()?, id)? else { return Ok(()) };
        let state = row.state()?;
        if !UNFINISHED.contains(&state) {
            return Ok(());
        }
        match registry.board.agenda.lock().tell(id, epoch, worker::is_wish(state)) {
            Told::Worker => return Ok(()),
            Told::Nobody => break row,
            Told::TooLate => {}
        }
    };
    let mut state = row.state()?;
    match row.claim() {
        Some(claim) if claim != *registry.claim() => return Ok(()),
        // Nobody runs it, so nobody must be waited for: not even a free worker.
        None if worker::is_wish(state) => match worker::fulfil(registry, id, PATIENCE)? {
            Some(next) => state = next,
            None => return Ok(()),
        },
        _ => {}
    }
    if !UNFINISHED.contains(&state) || !is_known(registry, &row)? {
        return Ok(());
    }
    if registry.board.agenda.lock().enqueue(id) {
        worker::spawn(registry);
    }
    Ok(())
}

fn is_known(registry: &Registry, row: &Row) -> Result<bool> {
    let kind = row.payload()?.kind;
    let known = registry.resumer(&kind).is_some();
    if !known {
        tracing::warn!(job = row.id()?, kind, "nothing here can run a job of this type");
    }
    Ok(known)
}

/// Removes jobs that ended longer ago than the setting keeps them.
pub(super) fn sweep(registry: &Registry) -> Result<()> {
    let keep = registry.settings().duration(settings::JOBS_RETENTION_TIME);
    let keep = u64::try_from(keep.as_nanos()).unwrap_or(u64::MAX);
    let line = registry.clock().now().minus_nanos(keep);
    let mut old = Vec::new();
    table::for_each(&mut registry.reader()?, &mut |row| {
        if row.state()?.is_terminal() && row.payload()?.finished.is_some_and(|at| at < line) {
            old.push(row.id()?);
        }
        Ok(true)
    })?;
    for ids in old.chunks(SWEEP_ROWS) {
        registry.transact_within(PATIENCE, |txn| {
            ids.iter().try_for_each(|id| table::delete(txn, *id))
        })?;
    }
    Ok(())
}
