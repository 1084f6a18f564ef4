//! The states of a job and the two pure functions that move it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::error::{Error, Result, sqlstate};

/// Where a job stands. The words are those of `SHOW JOBS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Created, not yet runnable.
    Pending,
    /// Somebody runs it, or will soon.
    Running,
    /// A pause is wished; the registry stops the run.
    PauseRequested,
    /// Stopped until RESUME.
    Paused,
    /// A cancel is wished; the registry stops the run and reverts.
    CancelRequested,
    /// Its effects are being undone.
    Reverting,
    /// Done.
    Succeeded,
    /// Undone after an error.
    Failed,
    /// Undone after CANCEL.
    Canceled,
}

/// What a statement may wish of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// PAUSE JOB
    Pause,
    /// RESUME JOB
    Resume,
    /// CANCEL JOB
    Cancel,
}

/// How a run of the resumer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Completed,
    /// The work failed for good; it must be undone.
    Failed,
    /// The run stopped because somebody wished it.
    Stopped,
}

impl State {
    /// Every state.
    pub const ALL: [State; 9] = [
        State::Pending,
        State::Running,
        State::PauseRequested,
        State::Paused,
        State::CancelRequested,
        State::Reverting,
        State::Succeeded,
        State::Failed,
        State::Canceled,
    ];

    /// The word that `SHOW JOBS` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::PauseRequested => "pause-requested",
            State::Paused => "paused",
            State::CancelRequested => "cancel-requested",
            State::Reverting => "reverting",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Canceled => "canceled",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Canceled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        State::ALL
            .into_iter()
            .find(|state| state.as_str() == s)
            .ok_or_else(|| Error::corrupt(format!("unknown job status \"{s}\"")))
    }
}

/// What a statement's wish makes of a job: `Ok(None)` when there is nothing to do.
///
/// `failed` tells whether a failure is recorded, that is, whether the job has begun to revert.
/// Refusals are 55000.
pub fn request(id: JobId, state: State, failed: bool, request: Request) -> Result<Option<State>> {
    use State::*;
    let refuse = |what: &str| {
        Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("job with status {state} cannot be {what}"),
        )
        .with_detail(format!("The job's ID is {id}.")))
    };
    match (request, state) {
        (Request::Pause, Pending | Running | Reverting) => Ok(Some(PauseRequested)),
        (Request::Pause, PauseRequested | Paused) => Ok(None),
        (Request::Pause, _) => refuse("requested to be paused"),

        (Request::Resume, Paused) => Ok(Some(if failed { Reverting } else { Running })),
        (Request::Resume, Running | Reverting) => Ok(None),
        (Request::Resume, _) => refuse("resumed"),

        (Request::Cancel, Paused) if failed => refuse("requested to be canceled").map_err(
            |e: Error| e.with_hint("The job has failed and must be reverted; resume it to let it finish reverting."),
        ),
        (Request::Cancel, Pending | Running | Paused) => Ok(Some(CancelRequested)),
        (Request::Cancel, CancelRequested | Canceled) => Ok(None),
        (Request::Cancel, _) => refuse("requested to be canceled"),
    }
}

/// The state after a run has ended, or `None` if the stored state makes that ending impossible.
///
/// `state` is the state stored now, which a statement may have changed during the run; `failed`
/// tells whether an error (not a cancel) is why the job reverts.
pub fn outcome(state: State, failed: bool, outcome: Outcome) -> Option<State> {
    use State::*;
    match (state, outcome) {
        // A run that was done before it noticed the wish has succeeded.
        (Running | PauseRequested | CancelRequested, Outcome::Completed) => Some(Succeeded),
        (Reverting, Outcome::Completed) => Some(if failed { Failed } else { Canceled }),
        (Running, Outcome::Failed) => Some(Reverting),
        // A revert that fails is tried again; it stays where it is.
        (Reverting, Outcome::Failed) => Some(Reverting),
        (PauseRequested, Outcome::Failed) => Some(if failed { Paused } else { Reverting }),
        (PauseRequested, Outcome::Stopped) => Some(Paused),
        (CancelRequested, Outcome::Failed | Outcome::Stopped) => Some(Reverting),
        // The node shuts down: whoever starts next adopts the job as it is.
        (Running | Reverting, Outcome::Stopped) => Some(state),
        (Pending | Paused | Succeeded | Failed | Canceled, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_follow_the_table_of_the_reference() {
        use State::*;
        // Rows: state, then what PAUSE, RESUME and CANCEL give ("=" no-op, "!" refused).
        let table = [
            (Pending, "pause-requested", "!", "cancel-requested"),
            (Running, "pause-requested", "=", "cancel-requested"),
            (Reverting, "pause-requested", "=", "!"),
            (PauseRequested, "=", "!", "!"),
            (Paused, "=", "running", "cancel-requested"),
            (CancelRequested, "!", "!", "="),
            (Succeeded, "!", "!", "!"),
            (Failed, "!", "!", "!"),
            (Canceled, "!", "!", "="),
        ];
        for (state, pause, resume, cancel) in table {
            for (wish, expected) in
                [(Request::Pause, pause), (Request::Resume, resume), (Request::Cancel, cancel)]
            {
                let got = match request(1, state, false, wish) {
                    Ok(None) => "=",
                    Ok(Some(next)) => next.as_str(),
                    Err(_) => "!",
                };
                assert_eq!(got, expected, "{wish:?} of a job that is {state}");
            }
        }
    }

    #[test]
    fn a_recorded_failure_decides_where_a_paused_job_goes() {
        assert_eq!(
            request(1, State::Paused, true, Request::Resume).unwrap(),
            Some(State::Reverting)
        );
        let e = request(1, State::Paused, true, Request::Cancel).unwrap_err();
        assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
        assert!(e.hint().is_some());
    }

    #[test]
    fn terminal_states_absorb_and_words_round_trip() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
            for failed in [false, true] {
                for ending in [Outcome::Completed, Outcome::Failed, Outcome::Stopped] {
                    if state.is_terminal() {
                        assert_eq!(outcome(state, failed, ending), None);
                    }
                }
            }
        }
    }

    #[test]
    fn a_cancelled_run_reverts_and_ends_canceled_while_a_failed_one_ends_failed() {
        assert_eq!(
            outcome(State::CancelRequested, false, Outcome::Stopped),
            Some(State::Reverting)
        );
        assert_eq!(outcome(State::Reverting, false, Outcome::Completed), Some(State::Canceled));
        assert_eq!(outcome(State::Reverting, true, Outcome::Completed), Some(State::Failed));
    }
}
