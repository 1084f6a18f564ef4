//! Backups of everything with all its history, restores at moments in between, and jobs that are
//! stopped on the way.

use std::path::PathBuf;

use parking_lot::Mutex;

use super::figures::Figures;
use super::history::{self, History, Moment};
use super::round::{Dice, Fate, Gone, Round, Workload, fate};
use crate::wire::{Refusal, Session};

/// Layers of a chain, after which a new one begins.
const LAYERS_MAX: u64 = 6;

/// Transactions of others between two steps.
const PAUSE: u64 = 40;

/// Jobs of this file's making; schema changes have theirs.
const OURS: &str = "job_type IN ('BACKUP', 'RESTORE')";

/// States in which a job stays.
const TERMINAL: &str = "('succeeded', 'failed', 'canceled')";

/// What is known of the collection in use.
#[derive(Default)]
struct Chain {
    number: u64,
    layers: u64,
    /// A moment after the full backup.
    after_full: String,
    /// A moment before the newest layer that was acknowledged.
    before_last: String,
    /// The round in which jobs left by the one before were brought to their end.
    settled_in: Option<u64>,
    copies: u64,
}

pub struct Backups {
    nodelocal: PathBuf,
    chain: Mutex<Chain>,
}

/// What else can go wrong in a step: the server is gone, or the statement is refused.
type Step<T> = Result<T, Refusal>;

impl Backups {
    /// Collections in a directory, which `nodelocal://1/` names.
    pub fn new(nodelocal: PathBuf) -> Backups {
        Backups { nodelocal, chain: Mutex::new(Chain::default()) }
    }

    /// Takes a layer, restores a moment, or stops a job.
    pub fn step(&self, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        let chain = &mut *self.chain.lock();
        let outcome = self.do_something(db, dice, chain, round);
        match outcome {
            Ok(()) => {
                round.target.pause(PAUSE);
                Ok(())
            }
            Err(refusal) => {
                assert_eq!(fate(&refusal, "a backup"), Fate::Unknown, "{refusal}");
                Err(Gone)
            }
        }
    }

    fn do_something(
        &self,
        db: &Session,
        dice: &mut Dice,
        chain: &mut Chain,
        round: &Round<'_>,
    ) -> Step<()> {
        let figures = round.figures;
        if chain.settled_in != Some(round.number) {
            settle(db, figures)?;
            chain.settled_in = Some(round.number);
        }
        if chain.layers == 0 || chain.layers >= LAYERS_MAX {
            return self.begin_chain(db, chain, figures);
        }
        match dice.below(8) {
            0..3 => layer(db, chain, figures),
            3..6 => restore_and_check(db, chain, round.history, round.workloads, figures, dice),
            6 => stop_a_backup(db, chain, figures, dice),
            _ => cancel_a_restore(db, chain, figures),
        }
    }

    fn begin_chain(&self, db: &Session, chain: &mut Chain, figures: &Figures) -> Step<()> {
        chain.number += 1;
        (chain.layers, chain.before_last) = (0, String::new());
        if let Some(old) = chain.number.checked_sub(2) {
            // A collection that nobody will ask for again; the first ones never were.
            let _ = std::fs::remove_dir_all(self.nodelocal.join(format!("c{old}")));
        }
        let sql = format!(
            "BACKUP DATABASE soak INTO '{}' WITH revision_history{}",
            chain.url(),
            chain.secret()
        );
        figures.note(&sql);
        db.rows(&sql)?;
        figures.done("backups, full or incremental");
        chain.layers = 1;
        chain.after_full = now(db)?;
        Ok(())
    }

    /// At the end: what is left of jobs ends well, and the newest state can be restored.
    pub fn finish(
        &self,
        db: &Session,
        history: &History,
        workloads: &[Box<dyn Workload>],
        figures: &Figures,
        dice: &mut Dice,
    ) {
        let chain = &mut *self.chain.lock();
        let mut all = || -> Step<()> {
            settle(db, figures)?;
            if chain.layers == 0 {
                self.begin_chain(db, chain, figures)?;
            }
            layer(db, chain, figures)?;
            restore_and_check(db, chain, history, workloads, figures, dice)
        };
        all().expect("a last backup and its restore");
    }
}

impl Chain {
    fn url(&self) -> String {
        format!("nodelocal://1/c{}", self.number)
    }

    /// Every other collection is encrypted.
    fn secret(&self) -> &'static str {
        if self.number.is_multiple_of(2) { ", encryption_passphrase = 'open sesame'" } else { "" }
    }

    fn incremental(&self, more: &str) -> String {
        format!(
            "BACKUP DATABASE soak INTO LATEST IN '{}' WITH revision_history{}{more}",
            self.url(),
            self.secret()
        )
    }
}

fn now(db: &Session) -> Step<String> {
    Ok(db.rows("SELECT cluster_logical_timestamp()")?[0][0].clone())
}

/// After a restart: jobs that were under way come to their end, and well.
fn settle(db: &Session, figures: &Figures) -> Step<()> {
    for job in db.rows(&format!(
        "SELECT job_id FROM [SHOW JOBS] \
         WHERE {OURS} AND status IN ('paused', 'pause-requested')"
    ))? {
        wait_while(db, &job[0], "pause-requested")?;
        db.rows(&format!("RESUME JOB {}", job[0]))?;
    }
    let unfinished =
        format!("SELECT job_id FROM [SHOW JOBS] WHERE {OURS} AND status NOT IN {TERMINAL}");
    for job in db.rows(&unfinished)? {
        let ended = ended(db, &job[0])?;
        figures.note(&format!("job {} from before is {ended}", job[0]));
        figures.done("jobs of a killed server brought to their end");
        assert!(ended == "succeeded" || ended == "canceled", "job {}: {ended}", job[0]);
    }
    for copy in db.rows("SELECT datname FROM pg_database WHERE datname LIKE 'copy%'")? {
        db.rows(&format!("DROP DATABASE {} CASCADE", copy[0]))?;
    }
    Ok(())
}

/// The state in which a job ends, with its error.
fn ended(db: &Session, job: &str) -> Step<String> {
    let rows = db.rows(&format!("SELECT status, error FROM [SHOW JOB WHEN COMPLETE {job}]"))?;
    let text = rows[0].iter().filter(|text| !text.is_empty() && *text != "NULL");
    Ok(text.cloned().collect::<Vec<_>>().join(": "))
}

/// Waits until a job has another state.
fn wait_while(db: &Session, job: &str, status: &str) -> Step<()> {
    while db.rows(&format!("SELECT status FROM [SHOW JOB {job}]"))?[0][0] == status {
        std::thread::yield_now();
    }
    Ok(())
}

fn layer(db: &Session, chain: &mut Chain, figures: &Figures) -> Step<()> {
    let (before, sql) = (now(db)?, chain.incremental(""));
    figures.note(&sql);
    match db.rows(&sql) {
        Ok(_) => {
            figures.done("backups, full or incremental");
            (chain.layers, chain.before_last) = (chain.layers + 1, before);
            Ok(())
        }
        // History since the layer before is gone: a new chain must begin.
        Err(refusal) if refusal.message.contains("garbage") => {
            figures.done("chains ended by garbage collection");
            chain.layers = 0;
            Ok(())
        }
        Err(refusal) => Err(refusal),
    }
}

/// Restores the newest state or a moment under a new name, checks it, and drops it.
fn restore_and_check(
    db: &Session,
    chain: &mut Chain,
    history: &History,
    workloads: &[Box<dyn Workload>],
    figures: &Figures,
    dice: &mut Dice,
) -> Step<()> {
    let moments = history.between(&chain.after_full, &chain.before_last);
    let moment: Option<&Moment> = match moments.as_slice() {
        [] => None,
        some => Some(dice.pick(some)),
    };
    let copy = chain.next_copy();
    let clause = moment.map_or_else(String::new, |m| format!(" AS OF SYSTEM TIME {}", m.at));
    let sql = format!(
        "RESTORE DATABASE soak FROM LATEST IN '{}'{clause} WITH new_db_name = '{copy}'{}",
        chain.url(),
        chain.secret()
    );
    figures.note(&sql);
    db.rows(&sql)?;
    let schema = format!("{copy}.public");
    for workload in workloads {
        workload.check_moment(db, &schema, "")?;
    }
    if let Some(moment) = moment {
        let restored = history::accounts(db, &schema, "")?;
        assert_eq!(restored, moment.accounts, "restored as of {}", moment.at);
        figures.done("restores of a moment, rows compared");
    }
    figures.done("restores, every invariant checked");
    db.rows(&format!("DROP DATABASE {copy} CASCADE")).map(drop)
}

/// A backup that is paused and resumed, or cancelled, if it is not faster.
fn stop_a_backup(db: &Session, chain: &mut Chain, figures: &Figures, dice: &mut Dice) -> Step<()> {
    let (before, sql) = (now(db)?, chain.incremental(", detached"));
    let verb = *dice.pick(&["PAUSE", "CANCEL"]);
    figures.note(&format!("{verb} of {sql}"));
    let job = db.rows(&sql)?[0][0].clone();
    let stopped = match db.rows(&format!("{verb} JOB {job}")) {
        Ok(_) => true,
        Err(refusal) if refusal.code.is_empty() || refusal.code.starts_with("57") => {
            return Err(refusal);
        }
        // It has ended already.
        Err(_) => false,
    };
    if stopped && verb == "PAUSE" {
        wait_while(db, &job, "pause-requested")?;
        let status = db.rows(&format!("SELECT status FROM [SHOW JOB {job}]"))?[0][0].clone();
        if status == "paused" {
            db.rows(&format!("RESUME JOB {job}"))?;
            figures.done("jobs paused and resumed");
        }
    }
    let ended = ended(db, &job)?;
    match ended.as_str() {
        "succeeded" => {
            (chain.layers, chain.before_last) = (chain.layers + 1, before);
            figures.done("backups, full or incremental");
        }
        "canceled" if verb == "CANCEL" => figures.done("jobs cancelled"),
        failed if failed.contains("garbage") => chain.layers = 0,
        other => panic!("{verb} of a backup: {other}"),
    }
    Ok(())
}

/// A restore that is cancelled leaves nothing.
fn cancel_a_restore(db: &Session, chain: &mut Chain, figures: &Figures) -> Step<()> {
    let copy = chain.next_copy();
    let sql = format!(
        "RESTORE DATABASE soak FROM LATEST IN '{}' WITH new_db_name = '{copy}', detached{}",
        chain.url(),
        chain.secret()
    );
    figures.note(&format!("CANCEL of {sql}"));
    let job = db.rows(&sql)?[0][0].clone();
    if let Err(refusal) = db.rows(&format!("CANCEL JOB {job}"))
        && (refusal.code.is_empty() || refusal.code.starts_with("57"))
    {
        return Err(refusal);
    }
    let ended = ended(db, &job)?;
    assert!(ended == "succeeded" || ended.starts_with("canceled"), "CANCEL of a restore: {ended}");
    let there = db.rows(&format!("SELECT 1 FROM pg_database WHERE datname = '{copy}'"))?;
    assert_eq!(there.len(), usize::from(ended == "succeeded"), "{copy} after {ended}");
    if ended == "succeeded" {
        return db.rows(&format!("DROP DATABASE {copy} CASCADE")).map(drop);
    }
    figures.done("jobs cancelled");
    Ok(())
}

impl Chain {
    fn next_copy(&mut self) -> String {
        self.copies += 1;
        format!("copy{}", self.copies)
    }
}
