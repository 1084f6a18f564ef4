//! PAUSE, RESUME and DROP of schedules.

use super::super::{Outcome, Work, job};
use crate::backup;
use crate::catalog::privilege;
use crate::error::Result;
use crate::jobs::schedule::Schedule;
use crate::syntax::{ControlSchedules, ScheduleCommand};

/// Runs PAUSE, RESUME and DROP SCHEDULE(S). A number that no schedule has is passed over; the tag
/// counts the others.
pub fn run(stmt: &ControlSchedules, work: &mut Work<'_>) -> Result<Outcome> {
    let (word, action) = match stmt.command {
        ScheduleCommand::Pause => ("PAUSE", "pause schedules"),
        ScheduleCommand::Resume => ("RESUME", "resume schedules"),
        ScheduleCommand::Drop => ("DROP", "drop schedules"),
    };
    let catalog = work.catalog()?;
    privilege::require_admin(&catalog, &work.session.current_user, action)?;
    let mut count = 0;
    for id in job::numbers(&stmt.which, "schedule", work)? {
        let Some(old) = Schedule::lock(work.txn, id)? else { continue };
        count += 1;
        let mut new = old.clone();
        match stmt.command {
            ScheduleCommand::Drop => {
                Schedule::delete(work.txn, id)?;
                let server = std::sync::Arc::clone(work.server);
                work.txn.on_commit(move |_| {
                    // What stays protected now goes at the caretaker's next round.
                    if let Err(e) = backup::release_schedule(&server.mvcc, id) {
                        tracing::warn!(schedule = id, error = %e, "history is still protected");
                    }
                });
                continue;
            }
            ScheduleCommand::Pause => {
                new.next_run = None;
                new.progress.status.clear();
            }
            // An active one may have a first run of its own.
            ScheduleCommand::Resume if old.is_paused() => {
                new.advance(work.server.clock.now())?;
                new.progress.status.clear();
            }
            ScheduleCommand::Resume => {}
        }
        new.replace(work.txn, &old)?;
    }
    Outcome::done(format!("{word} SCHEDULES {count}"))
}
