//! Jobs as statements see them.

use serde_json::json;

use super::*;
use crate::catalog::role::{self, Role, RoleOption};
use crate::jobs::{CreatedBy, JobHandle, NewJob, Resumer};
use crate::mvcc::TxnOptions;
use crate::sql::session::Session;
use crate::sql::testing::{ask, login, server};

const LONG: Duration = Duration::from_secs(60);

/// Runs until it is told to stop, or not at all if the details say so.
struct Sleeper;

impl Resumer for Sleeper {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        match job.details::<bool>()? {
            true => job.sleep(LONG),
            false => Ok(()),
        }
    }

    fn on_fail_or_cancel(&self, _: &JobHandle) -> Result<()> {
        Ok(())
    }
}

/// A server with root's session, and users alice, bob (CONTROLJOB) and eve.
fn start() -> (Arc<Server>, Session) {
    let server = server();
    for kind in ["BACKUP", "RESTORE", "AUTO CREATE STATS"] {
        server.jobs.register(kind, Arc::new(Sleeper));
    }
    server.jobs.start().unwrap();
    let mut txn = server.mvcc.begin(TxnOptions::default()).unwrap();
    for (id, name) in (500..).zip(["alice", "bob", "eve"]) {
        let mut user = Role::new(id, name, false);
        user.options.set(RoleOption::ControlJob, name == "bob");
        role::write(&mut txn, &user).unwrap();
    }
    txn.commit().unwrap();
    let root = login(&server, "root");
    (server, root)
}

fn job(kind: &'static str, user: &str, sleeps: bool) -> NewJob {
    NewJob {
        kind,
        description: format!("{kind} of {user}"),
        user: user.into(),
        descriptor_ids: Vec::new(),
        details: json!(sleeps),
        created_by: None,
        id: None,
    }
}

fn create(server: &Arc<Server>, new: NewJob) -> JobId {
    let mut txn = server.mvcc.begin(TxnOptions::default()).unwrap();
    let id = server.jobs.create(&mut txn, new).unwrap();
    txn.commit().unwrap();
    id
}

fn stopped(server: &Arc<Server>, id: JobId) -> State {
    server.jobs.wait(id, &Interrupt::new()).unwrap().state
}

fn listed(session: &mut Session, text: &str) -> Vec<i64> {
    let number = |row: Vec<Datum>| match row[0] {
        Datum::Int8(id) => id,
        ref other => panic!("{other:?} is no job's id"),
    };
    ask(session, text).unwrap().rows.into_iter().map(number).collect()
}

fn refused(session: &mut Session, text: &str) -> Error {
    ask(session, text).err().unwrap_or_else(|| panic!("{text} was not refused"))
}

#[test]
fn a_list_shows_what_runs_before_what_has_ended() {
    let (server, mut root) = start();
    let first = create(&server, job("BACKUP", "root", false));
    assert_eq!(stopped(&server, first), State::Succeeded);
    let second = create(&server, job("BACKUP", "root", false));
    assert_eq!(stopped(&server, second), State::Succeeded);
    let third = create(&server, job("BACKUP", "root", true));
    let automatic = create(&server, job("AUTO CREATE STATS", "root", false));
    assert_eq!(stopped(&server, automatic), State::Succeeded);
    assert_eq!(listed(&mut root, "SHOW JOBS"), [third, second, first]);
    assert_eq!(listed(&mut root, "SHOW AUTOMATIC JOBS"), [automatic]);
    assert_eq!(listed(&mut root, &format!("SHOW JOB {automatic}")), [automatic]);
    assert_eq!(listed(&mut root, "SHOW JOB 1"), [0; 0]);
    assert_eq!(
        listed(&mut root, &format!("SHOW JOBS (SELECT {first}::INT8 UNION SELECT NULL)")),
        [first]
    );
    let answer = ask(&mut root, &format!("SHOW JOB {second}")).unwrap();
    assert_eq!(answer.tags, ["SELECT 1"]);
    assert_eq!(answer.columns[0], "job_id");
    assert_eq!(answer.columns[13], "coordinator_id");
    let row = &answer.rows[0];
    assert_eq!(format!("{:?}", row[5]), format!("{:?}", Datum::text("succeeded")));
    assert!(matches!(row[11], Datum::Float8(done) if done == 1.0));
    let text = "SELECT job_id FROM [SHOW JOBS] WHERE status = 'succeeded' ORDER BY finished";
    assert_eq!(listed(&mut root, text), [first, second]);
    let text = format!("SELECT job_id FROM [SHOW JOB WHEN COMPLETE {first}]");
    assert_eq!(listed(&mut root, &text), [first]);
    let text = "SELECT job_id FROM crdb_internal.jobs WHERE job_type = 'AUTO CREATE STATS'";
    assert_eq!(listed(&mut root, text), [automatic]);
    server.jobs.shutdown(LONG);
}

#[test]
fn a_long_description_is_cut_in_lists_only() {
    let (server, mut root) = start();
    let long = format!("BACKUP {}INTO 'x' TAIL", "TABLE a, ".repeat(20));
    let id = create(&server, NewJob { description: long.clone(), ..job("BACKUP", "root", false) });
    let shown = |root: &mut Session, text: &str| match &ask(root, text).unwrap().rows[0][2] {
        Datum::Text(text) => text.to_string(),
        other => panic!("{other:?} is no description"),
    };
    assert_eq!(shown(&mut root, &format!("SHOW JOB {id}")), long);
    let short = shown(&mut root, "SHOW JOBS");
    assert!(short.starts_with("BACKUP TABLE a, ") && short.ends_with(" … x' TAIL"), "{short}");
    assert!(short.chars().count() <= DESCRIPTION_MAX);
}

#[test]
fn wishes_take_effect_at_the_commit_or_not_at_all() {
    let (server, mut root) = start();
    let (one, two) = (
        create(&server, job("BACKUP", "root", true)),
        create(&server, job("BACKUP", "root", true)),
    );
    let e = refused(&mut root, &format!("PAUSE JOBS VALUES ({one}::INT8), (1)"));
    assert_eq!(e.code(), sqlstate::UNDEFINED_OBJECT);
    assert_eq!(server.jobs.load(one).unwrap().state, State::Running);

    ask(&mut root, &format!("BEGIN; PAUSE JOB {one}; ROLLBACK")).unwrap();
    assert_eq!(server.jobs.load(one).unwrap().state, State::Running);

    let text = format!("PAUSE JOBS VALUES ({one}::INT8), (NULL), ({two})");
    assert_eq!(ask(&mut root, &text).unwrap().tags, ["PAUSE JOBS 2"]);
    assert_eq!((stopped(&server, one), stopped(&server, two)), (State::Paused, State::Paused));
    let text = format!("SHOW JOBS VALUES ({one}::INT8), ({two})");
    assert_eq!(ask(&mut root, &text).unwrap().rows.len(), 2);

    let text = format!("CANCEL JOBS SELECT {one}::INT8");
    assert_eq!(ask(&mut root, &text).unwrap().tags, ["CANCEL JOBS 1"]);
    let text = format!("SHOW JOB WHEN COMPLETE {one}");
    let row = &ask(&mut root, &text).unwrap().rows[0];
    assert_eq!(format!("{:?}", row[5]), format!("{:?}", Datum::text("canceled")));
    let e = refused(&mut root, &format!("RESUME JOB {one}"));
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_eq!(e.message(), "job with status canceled cannot be resumed");
    assert_eq!(refused(&mut root, "PAUSE JOB 'x'").code().class(), "22");
    assert_eq!(refused(&mut root, "PAUSE JOB 1.5").code(), sqlstate::DATATYPE_MISMATCH);
    let text = format!("PREPARE stop AS CANCEL JOB $1; EXECUTE stop({two})");
    let answer = ask(&mut root, &text).map(|answer| answer.tags);
    assert!(answer.is_ok_and(|tags| tags.ends_with(&["CANCEL JOBS 1".to_owned()])));
    assert_eq!(refused(&mut root, "PAUSE JOBS VALUES (1, 2)").code(), sqlstate::SYNTAX_ERROR);
    assert_eq!(
        refused(&mut root, "PAUSE JOBS SELECT 'x'::TEXT").code(),
        sqlstate::DATATYPE_MISMATCH
    );
    server.jobs.shutdown(LONG);
}

#[test]
fn whole_kinds_and_schedules_are_controlled_at_once() {
    let (server, mut root) = start();
    let backup = create(&server, job("BACKUP", "root", true));
    let restore = create(&server, job("RESTORE", "root", true));
    let created_by = Some(CreatedBy { kind: CREATED_BY.into(), id: 77 });
    let planned = create(&server, NewJob { created_by, ..job("BACKUP", "root", true) });
    let ended = create(&server, job("BACKUP", "root", false));
    assert_eq!(stopped(&server, ended), State::Succeeded);
    assert_eq!(listed(&mut root, "SHOW JOBS FOR SCHEDULE 77"), [planned]);

    let answer = ask(&mut root, "PAUSE JOBS FOR SCHEDULE 77").unwrap();
    assert_eq!(answer.tags, ["PAUSE JOBS FOR SCHEDULES 1"]);
    assert_eq!(stopped(&server, planned), State::Paused);
    assert_eq!(ask(&mut root, "PAUSE ALL BACKUP JOBS").unwrap().tags, ["PAUSE JOBS 1"]);
    assert_eq!(stopped(&server, backup), State::Paused);
    assert_eq!(server.jobs.load(restore).unwrap().state, State::Running);
    assert_eq!(ask(&mut root, "RESUME ALL BACKUP JOBS").unwrap().tags, ["RESUME JOBS 2"]);
    server.jobs.shutdown(LONG);
}

#[test]
fn jobs_are_their_owners_to_see_and_controllers_to_control() {
    let (server, _) = start();
    let of_root = create(&server, job("BACKUP", "root", true));
    let of_alice = create(&server, job("BACKUP", "alice", true));
    let (mut alice, mut bob, mut eve) =
        (login(&server, "alice"), login(&server, "bob"), login(&server, "eve"));
    for text in ["SHOW JOBS", "SELECT job_id FROM crdb_internal.jobs"] {
        assert_eq!(listed(&mut alice, text), [of_alice], "{text}");
        assert_eq!(listed(&mut bob, text), [of_alice], "{text}");
        assert_eq!(listed(&mut eve, text), [0; 0], "{text}");
    }
    assert_eq!(listed(&mut eve, &format!("SHOW JOB {of_alice}")), [0; 0]);
    for (who, job) in [(&mut alice, of_alice), (&mut eve, of_alice), (&mut bob, of_root)] {
        let e = refused(who, &format!("CANCEL JOB {job}"));
        assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
    }
    let (there, not_there) =
        (refused(&mut eve, &format!("PAUSE JOB {of_root}")), refused(&mut eve, "PAUSE JOB 1"));
    assert_eq!(there.code(), not_there.code());
    let text = format!("PAUSE JOB {of_alice} WITH REASON = 'lunch'");
    assert_eq!(ask(&mut bob, &text).unwrap().tags, ["PAUSE JOBS 1"]);
    let record = server.jobs.wait(of_alice, &Interrupt::new()).unwrap();
    assert_eq!(record.payload.pause_reason.as_deref(), Some("lunch"));
    server.jobs.shutdown(LONG);
}
