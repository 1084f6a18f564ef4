//! Jobs, schedules, and the cancelling of queries and sessions.

use sqlparser::ast::Expr;

use super::{BackupOptions, Destination, IdSource, StringArg, Targets};

/// `SHOW JOBS` and its relatives.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowJobs {
    /// Which.
    pub which: ShowJobsWhich,
    /// Wait until all of them have ended.
    pub when_complete: bool,
}

/// Which jobs SHOW JOBS gives.
#[derive(Debug, Clone, PartialEq)]
pub enum ShowJobsWhich {
    /// `SHOW JOBS`.
    All,
    /// `SHOW AUTOMATIC JOBS`.
    Automatic,
    /// `SHOW JOB id`, `SHOW JOBS <query>`.
    Ids(IdSource),
    /// `SHOW JOBS FOR SCHEDULE(S)`.
    Schedules(IdSource),
}

/// `{PAUSE | RESUME | CANCEL} JOB(S)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlJobs {
    /// What to do.
    pub command: JobCommand,
    /// To which.
    pub which: ControlJobsWhich,
    /// `WITH REASON = '..'`, of PAUSE only.
    pub reason: Option<StringArg>,
}

/// What to do to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobCommand {
    /// `PAUSE`.
    Pause,
    /// `RESUME`.
    Resume,
    /// `CANCEL`.
    Cancel,
}

/// Which jobs to control.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlJobsWhich {
    /// `JOB id`, `JOBS <query>`.
    Ids(IdSource),
    /// `JOBS FOR SCHEDULE(S)`.
    Schedules(IdSource),
    /// `ALL {BACKUP | RESTORE | IMPORT | CHANGEFEED} JOBS`; the word in upper case.
    AllOfType(String),
}

/// `CREATE SCHEDULE ... FOR BACKUP`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateSchedule {
    /// Do not mind a schedule of this label.
    pub if_not_exists: bool,
    /// Its name.
    pub label: Option<StringArg>,
    /// What each run backs up.
    pub targets: Targets,
    /// The collection.
    pub destination: Destination,
    /// Options of each run.
    pub backup_options: BackupOptions,
    /// The crontab of the runs.
    pub recurring: StringArg,
    /// When to take fulls; `None` leaves it to the server.
    pub full_backup: Option<FullBackup>,
    /// `WITH SCHEDULE OPTIONS`.
    pub options: Vec<ScheduleOption>,
}

/// When a schedule takes full backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FullBackup {
    /// `FULL BACKUP ALWAYS`: every run.
    Always,
    /// `FULL BACKUP 'crontab'`.
    Recurring(StringArg),
}

/// One of `WITH SCHEDULE OPTIONS`; unknown names are the schedule's business, not the grammar's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleOption {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<StringArg>,
}

/// `SHOW SCHEDULES`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowSchedules {
    /// In which state.
    pub state: ScheduleFilter,
    /// `FOR BACKUP`.
    pub for_backup: bool,
    /// `SHOW SCHEDULE id`.
    pub id: Option<Expr>,
}

/// Schedules in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleFilter {
    /// Any.
    All,
    /// `RUNNING`.
    Running,
    /// `PAUSED`.
    Paused,
}

/// `{PAUSE | RESUME | DROP} SCHEDULE(S)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlSchedules {
    /// What to do.
    pub command: ScheduleCommand,
    /// To which.
    pub which: IdSource,
}

/// What to do to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleCommand {
    /// `PAUSE`.
    Pause,
    /// `RESUME`.
    Resume,
    /// `DROP`.
    Drop,
}

/// `ALTER BACKUP SCHEDULE id change, ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterSchedule {
    /// Which.
    pub id: Expr,
    /// At least one.
    pub changes: Vec<ScheduleChange>,
}

/// One change of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum ScheduleChange {
    /// `SET LABEL '..'`.
    Label(StringArg),
    /// `SET INTO uri`.
    Into(Destination),
    /// `SET WITH option, ...`.
    With(BackupOptions),
    /// `SET RECURRING '..'`.
    Recurring(StringArg),
    /// `SET FULL BACKUP ..`.
    FullBackup(FullBackup),
    /// `SET SCHEDULE OPTION name = value`.
    Option(ScheduleOption),
    /// `EXECUTE [FULL] IMMEDIATELY`.
    Execute {
        /// Take a full.
        full: bool,
    },
}

/// `CANCEL {QUERY | SESSION | QUERIES | SESSIONS} [IF EXISTS] ids`.
#[derive(Debug, Clone, PartialEq)]
pub struct CancelWork {
    /// Queries or sessions.
    pub kind: WorkKind,
    /// Do not mind the absence of any.
    pub if_exists: bool,
    /// Which; of type text.
    pub which: IdSource,
}

/// What to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkKind {
    /// Statements.
    Query,
    /// Whole sessions.
    Session,
}
