//! Keeping the history that a backup reads from being removed while its job lives, paused or not.
//!
//! A full backup reads as of its end time; with `revision_history` it reads back to the GC line. An
//! incremental reads what happened since the layer before it, so its *start* must be kept, not only
//! its end; only for keys that the layer before lacks does the end suffice.
//!
//! Where a schedule appends to a chain, the history since the chain's last layer is kept from one
//! run to the next, so that the distance of the runs may be longer than `gc.ttlseconds`:
//!
//! ```text
//!   full ────▶ incremental ────▶ incremental ────▶
//!   │ job's    │ job's           │ job's
//!   └──────────┴─────────────────┴──────────────    the schedule's, handed on when a job succeeds
//! ```

use uuid::Uuid;

use crate::archive::{Manifest, MvccFilter};
use crate::catalog::watched_spans;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::jobs::JobId;
use crate::jobs::schedule::ScheduleId;
use crate::keys::Span;
use crate::mvcc::{Mvcc, ProtectedRecord};

const PREFIX: &str = "backup-";
const INTRODUCED: &str = "-introduced";
const SCHEDULED: &str = "schedule-";

fn ids(job: JobId) -> [String; 2] {
    [format!("{PREFIX}{job}"), format!("{PREFIX}{job}{INTRODUCED}")]
}

/// The job that a protection belongs to, if it is a backup's.
fn owner(id: &str) -> Option<JobId> {
    let job = id.strip_prefix(PREFIX)?;
    job.strip_suffix(INTRODUCED).unwrap_or(job).parse().ok()
}

/// Protects what the layer of a job needs; does no harm when repeated. Fails if it is gone.
pub(super) fn lay(mvcc: &Mvcc, job: JobId, layer: &Manifest) -> Result<()> {
    let history = layer.mvcc_filter == MvccFilter::All;
    let from = match (layer.is_full(), history) {
        (true, false) => layer.end_time,
        (true, true) => layer.revision_start_time,
        (false, _) => layer.start_time,
    };
    let mut since = layer.spans.clone();
    let mut new = layer.introduced_spans.clone();
    // The descriptors are read as of the end time, and with history as of the start too.
    if from == layer.end_time || history { &mut since } else { &mut new }.extend(watched_spans());
    let new_from = if history { from.max(threshold(mvcc, &new)) } else { layer.end_time };
    for (id, (at, spans)) in ids(job).into_iter().zip([(from, since), (new_from, new)]) {
        if !spans.is_empty() {
            let purpose = format!("backup job {job}");
            mvcc.protect(ProtectedRecord { id, at, spans, purpose })?;
        }
    }
    Ok(())
}

/// Takes the protection back.
pub(super) fn release(mvcc: &Mvcc, job: JobId) -> Result<()> {
    ids(job).iter().try_for_each(|id| mvcc.release(id))
}

/// What a schedule protects begins with this, up to the id of the chain.
fn scheduled(schedule: ScheduleId) -> String {
    format!("{SCHEDULED}{schedule}-")
}

/// The schedule that a protection belongs to, if it is one's.
fn owning_schedule(id: &str) -> Option<ScheduleId> {
    // A schedule's number may be negative no more than a job's, so the first dash is ours.
    id.strip_prefix(SCHEDULED)?.split_once('-')?.0.parse().ok()
}

/// Keeps the history since a complete layer for the schedule that will append to its chain. A full
/// backup begins a new chain, and the old one is given up; an incremental of a chain that was given
/// up meanwhile keeps nothing. To be called while the layer's own protection stands.
pub(super) fn hand_on(mvcc: &Mvcc, schedule: ScheduleId, layer: &Manifest) -> Result<()> {
    let (ours, id) = (scheduled(schedule), chained(schedule, layer.full_id));
    let before: Vec<String> =
        mvcc.protected().into_iter().map(|r| r.id).filter(|id| id.starts_with(&ours)).collect();
    if !layer.is_full() && !before.is_empty() && !before.contains(&id) {
        return Ok(());
    }
    let mut spans: Vec<Span> = layer.spans.iter().chain(&layer.introduced_spans).cloned().collect();
    spans.extend(watched_spans());
    let purpose = format!("the next incremental backup of schedule {schedule}");
    mvcc.protect(ProtectedRecord { id: id.clone(), at: layer.end_time, spans, purpose })?;
    before.iter().filter(|old| **old != id).try_for_each(|old| mvcc.release(old))
}

fn chained(schedule: ScheduleId, full: Uuid) -> String {
    format!("{}{full}", scheduled(schedule))
}

/// Gives up what a schedule protects.
pub fn release_schedule(mvcc: &Mvcc, schedule: ScheduleId) -> Result<()> {
    release_schedules(mvcc, &mut |id| Ok(id != schedule))
}

/// Gives up what schedules protect that are not kept.
pub fn release_schedules(
    mvcc: &Mvcc,
    is_kept: &mut dyn FnMut(ScheduleId) -> Result<bool>,
) -> Result<()> {
    release_unless(mvcc, owning_schedule, is_kept)
}

/// Takes back what a server that died left protected for jobs that never came to be. To be called
/// before statements run: `is_unfinished` knows only jobs whose creation has committed.
pub fn release_orphans(
    mvcc: &Mvcc,
    is_unfinished: &mut dyn FnMut(JobId) -> Result<bool>,
) -> Result<()> {
    release_unless(mvcc, owner, is_unfinished)
}

/// Releases the protections of a kind of owner that are not kept.
fn release_unless<T>(
    mvcc: &Mvcc,
    owner: fn(&str) -> Option<T>,
    is_kept: &mut dyn FnMut(T) -> Result<bool>,
) -> Result<()> {
    for record in mvcc.protected() {
        if let Some(owner) = owner(&record.id)
            && !is_kept(owner)?
        {
            mvcc.release(&record.id)?;
        }
    }
    Ok(())
}

/// The earliest time that is readable in all of some spans.
pub(super) fn threshold(mvcc: &Mvcc, spans: &[Span]) -> Timestamp {
    spans.iter().map(|span| mvcc.gc_threshold(span)).max().unwrap_or(Timestamp::MIN)
}
