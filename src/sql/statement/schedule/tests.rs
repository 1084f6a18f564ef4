//! Schedules as an administrator sees them, and their runs, with a clock moved by hand.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::backup::{self, BackupResumer};
use crate::clock::{ManualClock, Timestamp};
use crate::cloud::Cloud;
use crate::error::{Error, sqlstate};
use crate::jobs::schedule::Scheduler;
use crate::sql::server::Server;
use crate::sql::session::Session;
use crate::sql::testing::{Answer, ask, login, server_at};
use crate::types::Datum;

const GRACE: Duration = Duration::from_secs(60);
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
/// Everything that was a secret in these tests.
const HUSH: &str = "hunter2";

struct Scene {
    clock: Arc<ManualClock>,
    server: Arc<Server>,
    scheduler: Arc<Scheduler>,
    root: Session,
    _runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.scheduler.stop();
        self.server.jobs.shutdown(GRACE);
    }
}

impl Scene {
    /// A server with a table `shop.public.t` of three rows, at 2021-03-23 21:30.
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_616_535_000 * SECOND)));
        let mut server = Arc::into_inner(server_at(clock.clone())).unwrap();
        let mut cloud = Cloud::new(runtime.handle().clone(), server.settings.clone());
        cloud.external_io_dir = Some(dir.path().to_owned());
        server.cloud = Arc::new(cloud);
        let server = Arc::new(server);
        let resumer = BackupResumer {
            catalog: server.catalog.clone(),
            stores: server.cloud.clone(),
            settings: server.settings.clone(),
        };
        server.jobs.register(backup::KIND, Arc::new(resumer));
        server.jobs.start().unwrap();
        let launch = Box::new(BackupLaunch::new(server.clone()));
        let scheduler = Scheduler::new(server.jobs.clone(), launch);
        let root = login(&server, "root");
        let mut scene = Scene { clock, server, scheduler, root, _runtime: runtime, _dir: dir };
        for text in [
            "CREATE DATABASE shop",
            "SET database = shop",
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1), (2), (3)",
        ] {
            scene.ask(text);
        }
        scene.clock.advance_nanos(SECOND);
        scene
    }

    fn ask(&mut self, text: &str) -> Answer {
        ask(&mut self.root, text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    fn refused(&mut self, text: &str) -> Error {
        ask(&mut self.root, text).err().unwrap_or_else(|| panic!("{text} was not refused"))
    }

    /// The rows of a statement, each as text.
    fn rows(&mut self, text: &str) -> Vec<String> {
        let show = |row: &Vec<Datum>| row.iter().map(shown).collect::<Vec<_>>().join("|");
        self.ask(text).rows.iter().map(show).collect()
    }

    /// Lets time pass, everything that is due run, and sees how it ended.
    fn pass(&mut self, nanos: u64) {
        self.clock.advance_nanos(nanos);
        self.scheduler.run_due().unwrap();
        self.ask("SHOW JOBS WHEN COMPLETE (SELECT job_id FROM [SHOW JOBS])");
        self.scheduler.settle().unwrap();
    }
}

fn shown(datum: &Datum) -> String {
    match datum {
        Datum::Null => "NULL".to_owned(),
        Datum::Text(text) => text.to_string(),
        Datum::Int8(n) => n.to_string(),
        Datum::Jsonb(json) => json.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_pair_runs_full_then_incremental() {
    let mut scene = Scene::new();
    let made = scene
        .ask("CREATE SCHEDULE 'nightly' FOR BACKUP t INTO 'nodelocal://1/c' RECURRING '@daily'");
    assert_eq!(
        made.columns,
        ["schedule_id", "label", "status", "first_run", "schedule", "backup_stmt"]
    );
    let text = |row: usize, column: usize| shown(&made.rows[row][column]);
    assert_eq!(made.rows.len(), 2);
    assert_eq!(text(0, 2), "PAUSED: Waiting for initial backup to complete");
    assert_eq!((text(0, 3), text(0, 4)), ("NULL".into(), "@daily".into()));
    let statement = "BACKUP TABLE shop.public.t INTO LATEST IN 'nodelocal://1/c' WITH detached";
    assert_eq!(text(0, 5), statement);
    assert_eq!((text(1, 2), text(1, 4)), ("ACTIVE".into(), "@weekly".into()));
    assert_eq!(text(1, 5), "BACKUP TABLE shop.public.t INTO 'nodelocal://1/c' WITH detached");

    // Names mean at every run what they meant when the schedule was made.
    scene.ask("SET database = defaultdb");
    scene.pass(1);
    assert_eq!(scene.rows("SELECT count(*) FROM [SHOW BACKUPS IN 'nodelocal://1/c']"), ["1"]);
    let shown = scene.rows("SELECT schedule_status, state, recurrence FROM [SHOW SCHEDULES]");
    assert_eq!(shown, ["ACTIVE||@weekly", "ACTIVE||@daily"]);
    scene.ask("INSERT INTO shop.public.t VALUES (4)");
    scene.pass(DAY);
    let layers = "SELECT rows FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/c'] \
                  WHERE object_name = 't'";
    assert_eq!(scene.rows(layers), ["3", "1"]);
    let ids = scene.rows("SELECT id FROM [SHOW SCHEDULES] WHERE recurrence = '@daily'");
    let of_it = format!("SELECT status, user_name FROM [SHOW JOBS FOR SCHEDULE {}]", ids[0]);
    assert_eq!(scene.rows(&of_it), ["succeeded|root"]);
}

#[test]
fn secrets_are_used_and_never_shown() {
    let mut scene = Scene::new();
    let create = format!(
        "CREATE SCHEDULE s FOR BACKUP DATABASE shop \
         INTO 'nodelocal://1/c?AWS_SECRET_ACCESS_KEY={HUSH}' \
         WITH encryption_passphrase = '{HUSH}', revision_history \
         RECURRING '@hourly' FULL BACKUP ALWAYS"
    );
    // The store has no use for the parameter, and may say so; what it says holds no secret.
    let made = match ask(&mut scene.root, &create) {
        Ok(made) => made,
        Err(e) => {
            assert!(!format!("{e:?}").contains(HUSH));
            let plain = create.replace(&format!("?AWS_SECRET_ACCESS_KEY={HUSH}"), "");
            scene.ask(&plain)
        }
    };
    assert_eq!(made.rows.len(), 1);
    scene.pass(3_600 * SECOND);
    for text in [
        "SHOW SCHEDULES",
        "SHOW SCHEDULES FOR BACKUP",
        "SHOW CREATE ALL SCHEDULES",
        "SELECT description FROM crdb_internal.jobs",
        "SELECT schedule_id, encode(execution_args, 'escape') FROM system.public.scheduled_jobs",
    ] {
        let rows = scene.rows(text);
        assert_eq!(rows.len(), 1, "{text}");
        assert!(!rows[0].contains(HUSH), "{text}: {rows:?}");
        assert!(rows[0].contains("*****"), "{text}: {rows:?}");
    }
    let status = scene.rows("SELECT status FROM [SHOW JOBS]");
    assert_eq!(status, ["succeeded"]);
    let with = format!("WITH encryption_passphrase = '{HUSH}'");
    let backups = format!("SHOW BACKUP FROM LATEST IN 'nodelocal://1/c' {with}");
    assert!(!scene.ask(&backups).rows.is_empty());
    assert_eq!(
        scene.ask("DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES]").tags,
        ["DROP SCHEDULES 1"]
    );
    let left = "SELECT job_id FROM system.public.job_info";
    assert_eq!(scene.rows(left), [""; 0]);
}

#[test]
fn schedules_are_paused_resumed_and_dropped() {
    let mut scene = Scene::new();
    let made = scene.ask(
        "CREATE SCHEDULE FOR BACKUP INTO 'nodelocal://1/c' RECURRING '0 3 * * *' \
         FULL BACKUP ALWAYS WITH SCHEDULE OPTIONS on_execution_failure = 'pause'",
    );
    assert_eq!(shown(&made.rows[0][1]), "BACKUP 1616535001");
    let id = shown(&made.rows[0][0]);
    assert_eq!(scene.ask(&format!("PAUSE SCHEDULE {id}")).tags, ["PAUSE SCHEDULES 1"]);
    scene.pass(DAY);
    assert_eq!(scene.rows("SELECT job_id FROM [SHOW JOBS]"), [""; 0]);
    let paused = scene.rows("SELECT schedule_status, next_run FROM [SHOW PAUSED SCHEDULES]");
    assert_eq!(paused, ["PAUSED|NULL"]);
    assert_eq!(scene.rows("SELECT id FROM [SHOW RUNNING SCHEDULES]"), [""; 0]);
    let text = "RESUME SCHEDULES VALUES (1::INT8), (NULL)";
    assert_eq!(scene.ask(text).tags, ["RESUME SCHEDULES 0"]);
    assert_eq!(scene.ask(&format!("RESUME SCHEDULE {id}")).tags, ["RESUME SCHEDULES 1"]);
    assert_eq!(scene.rows("SELECT id FROM [SHOW RUNNING SCHEDULES]"), std::slice::from_ref(&id));
    let create = scene.rows(&format!("SELECT create_statement FROM [SHOW CREATE SCHEDULE {id}]"));
    assert_eq!(
        create,
        ["CREATE SCHEDULE 'BACKUP 1616535001' FOR BACKUP INTO 'nodelocal://1/c' \
          RECURRING '0 3 * * *' FULL BACKUP ALWAYS WITH SCHEDULE OPTIONS \
          first_run = '2021-03-25 03:00:00+00', on_execution_failure = 'PAUSE', \
          on_previous_running = 'WAIT'"]
    );
    scene.ask(&format!("BEGIN; DROP SCHEDULE {id}; ROLLBACK"));
    assert_eq!(scene.rows("SELECT id FROM [SHOW SCHEDULES]"), std::slice::from_ref(&id));
    scene.ask(&format!("DROP SCHEDULE {id}"));
    assert_eq!(scene.rows(&format!("SHOW SCHEDULE {id}")), [""; 0]);
    let e = scene.refused(&format!("SHOW CREATE SCHEDULE {id}"));
    assert_eq!(e.code(), sqlstate::UNDEFINED_OBJECT);
    assert_eq!(
        scene.refused("ALTER BACKUP SCHEDULE 1 EXECUTE IMMEDIATELY").code(),
        sqlstate::FEATURE_NOT_SUPPORTED
    );
}

#[test]
fn what_cannot_be_scheduled_is_refused_at_once() {
    let mut scene = Scene::new();
    let create =
        |middle: &str, options: &str| format!("CREATE SCHEDULE 's' FOR BACKUP {middle} {options}");
    let into = "t INTO 'nodelocal://1/c'";
    for (middle, options, code, message) in [
        (into, "RECURRING 'often'", "22023", "must be a valid cron expression"),
        (into, "RECURRING '@daily' FULL BACKUP '@hourly'", "22023", "more often"),
        ("u INTO 'nodelocal://1/c'", "RECURRING '@daily'", "42P01", "failed to dry run backup: "),
        ("t INTO 'ftp://x'", "RECURRING '@daily'", "", ""),
        (
            into,
            "RECURRING '@daily' WITH SCHEDULE OPTIONS on_previous_running = 'panic'",
            "22023",
            "start, skip, or wait",
        ),
        (
            into,
            "RECURRING '@daily' WITH SCHEDULE OPTIONS on_execution_failure",
            "22023",
            "needs a value",
        ),
        (into, "RECURRING '@daily' WITH SCHEDULE OPTIONS x = 'y'", "22023", "\"x\""),
        (
            into,
            "RECURRING '@daily' WITH SCHEDULE OPTIONS first_run = 'now', first_run = 'now'",
            "42601",
            "multiple times",
        ),
    ] {
        let e = scene.refused(&create(middle, options));
        assert!(e.code().as_str() == code || code.is_empty(), "{options}: {e:?}");
        assert!(e.message().contains(message), "{options}: {e:?}");
    }
    scene.ask("BACKUP t INTO 'nodelocal://1/c'");
    let e = scene.refused(&create(into, "RECURRING '@daily'"));
    assert_eq!(e.code(), sqlstate::FILE_ALREADY_EXISTS);
    scene.clock.advance_nanos(SECOND);
    let allowed = "RECURRING '@monthly' WITH SCHEDULE OPTIONS ignore_existing_backups, \
                   first_run = '2021-04-01 12:00:00+00'";
    assert_eq!(scene.ask(&create(into, allowed)).rows.len(), 1);
    let again = "CREATE SCHEDULE IF NOT EXISTS 's' FOR BACKUP INTO 'x' RECURRING '@daily'";
    let answer = scene.ask(again);
    assert_eq!((answer.rows.len(), answer.notices.len()), (0, 1));

    scene.ask("CREATE USER eve");
    let mut eve = login(&scene.server, "eve");
    for text in
        ["SHOW SCHEDULES", "PAUSE SCHEDULE 1", "SHOW CREATE ALL SCHEDULES", &create(into, allowed)]
    {
        let e = ask(&mut eve, text).err().unwrap_or_else(|| panic!("{text} was not refused"));
        assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE, "{text}");
    }
}

#[test]
fn the_owner_of_a_schedule_cannot_be_dropped() {
    let mut scene = Scene::new();
    for text in ["CREATE USER boss", "GRANT admin TO boss"] {
        scene.ask(text);
    }
    let mut boss = login(&scene.server, "boss");
    let create = "CREATE SCHEDULE FOR BACKUP DATABASE shop INTO 'nodelocal://1/c' \
                  RECURRING '@hourly' FULL BACKUP ALWAYS";
    ask(&mut boss, create).unwrap();
    drop(boss);
    let e = scene.refused("DROP USER boss");
    assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
    scene.pass(3_600 * SECOND);
    assert_eq!(scene.rows("SELECT user_name, status FROM [SHOW JOBS]"), ["boss|succeeded"]);
    scene.ask("DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES]");
    scene.ask("DROP USER boss");
}
