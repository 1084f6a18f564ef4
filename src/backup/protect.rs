//! Keeping the history that a backup reads from being removed while its job lives, paused or not.
//!
//! A full backup reads as of its end time; with `revision_history` it reads back to the GC line. An
//! incremental reads what happened since the layer before it, so its *start* must be kept, not only
//! its end; only for keys that the layer before lacks does the end suffice.

use crate::archive::{Manifest, MvccFilter};
use crate::catalog::watched_spans;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::jobs::JobId;
use crate::keys::Span;
use crate::mvcc::{Mvcc, ProtectedRecord};

const PREFIX: &str = "backup-";
const INTRODUCED: &str = "-introduced";

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

/// Takes back what a server that died left protected for jobs that never came to be. To be called
/// before statements run: `is_unfinished` knows only jobs whose creation has committed.
pub fn release_orphans(
    mvcc: &Mvcc,
    is_unfinished: &mut dyn FnMut(JobId) -> Result<bool>,
) -> Result<()> {
    for record in mvcc.protected() {
        if let Some(job) = owner(&record.id)
            && !is_unfinished(job)?
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
