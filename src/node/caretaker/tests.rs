//! Rounds of the caretaker on a clock that the test moves.

use super::*;
use crate::clock::ManualClock;
use crate::error::Error;
use crate::mvcc::ProtectedRecord;
use crate::sql::session::Session;
use crate::sql::testing::{Answer, ask, login, server_at};

const SECOND: u64 = 1_000_000_000;

struct Scene {
    clock: Arc<ManualClock>,
    server: Arc<Server>,
    root: Session,
}

impl Scene {
    fn new() -> Scene {
        let start = Timestamp::from_nanos(1_700_000_000 * SECOND);
        let clock = Arc::new(ManualClock::new(start));
        let server = server_at(clock.clone());
        let root = login(&server, "root");
        Scene { clock, server, root }
    }

    fn run(&mut self, sql: &str) -> Answer {
        ask(&mut self.root, sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    fn refused(&mut self, sql: &str) -> Error {
        ask(&mut self.root, sql).err().unwrap_or_else(|| panic!("{sql} was not refused"))
    }

    fn after(&self, seconds: u64) {
        self.clock.advance_nanos(seconds * SECOND);
    }

    fn sweep(&self) {
        sweep(&self.server, &Interrupt::new()).unwrap();
    }

    /// A table with a row of 1, its number, and the time at which the row was there.
    fn table(&mut self, name: &str, ttl: Option<u64>) -> (TableId, Timestamp) {
        self.run(&format!("CREATE TABLE {name} (v INT)"));
        if let Some(ttl) = ttl {
            let zone = format!("ALTER TABLE {name} CONFIGURE ZONE USING gc.ttlseconds = {ttl}");
            self.run(&zone);
        }
        self.run(&format!("INSERT INTO {name} VALUES (1)"));
        let catalog = self.server.catalog.current().unwrap();
        let id = catalog.tables_any_state().find(|t| t.name == name).unwrap().id;
        (id, self.server.mvcc.now())
    }

    /// What a table held at a time.
    fn value_at(&mut self, name: &str, at: Timestamp) -> std::result::Result<i32, String> {
        let answer = ask(&mut self.root, &format!("SELECT v FROM {name} AS OF SYSTEM TIME {at}"));
        match answer {
            Ok(answer) => match answer.rows[0][0] {
                Datum::Int4(v) => Ok(v),
                ref other => panic!("{other:?}"),
            },
            Err(e) => Err(e.to_string()),
        }
    }

    fn versions(&self, id: TableId) -> u64 {
        let engine = self.server.mvcc.engine();
        let mut cursor = engine.cursor(Family::Versions, &table_span(id), Access::Range).unwrap();
        cursor.seek_to_first().unwrap();
        let mut count = 0;
        while cursor.entry().is_some() {
            count += 1;
            cursor.next().unwrap();
        }
        count
    }
}

#[test]
fn every_table_keeps_its_history_for_its_own_time() {
    let mut scene = Scene::new();
    let (short, then) = scene.table("short", Some(100));
    let (long, then_long) = scene.table("long", Some(1_000_000));
    let (plain, then_plain) = scene.table("plain", None);
    for name in ["short", "long", "plain"] {
        scene.run(&format!("UPDATE {name} SET v = 2"));
    }
    scene.after(50);
    scene.sweep();
    assert_eq!(scene.value_at("short", then), Ok(1));
    scene.after(100);
    scene.sweep();
    let refused = scene.value_at("short", then).unwrap_err();
    assert!(refused.contains("GC threshold") || refused.contains("garbage collected"), "{refused}");
    assert_eq!(scene.versions(short), 1);
    assert_eq!(scene.value_at("plain", then_plain), Ok(1));
    assert_eq!(scene.versions(plain), 2);
    // The default of 25 hours passes; what the longest needs of the catalogue stays.
    scene.after(100_000);
    scene.sweep();
    assert_eq!(scene.versions(plain), 1);
    assert!(scene.value_at("plain", then_plain).is_err());
    assert_eq!(scene.versions(long), 2);
    assert_eq!(scene.value_at("long", then_long), Ok(1));
}

#[test]
fn an_index_in_the_making_is_not_taken_for_a_former_one() {
    use crate::settings::{JOBS_PAUSEPOINTS, Settings};
    let mut scene = Scene::new();
    crate::sql::statement::schema_change::SchemaChangeResumer::register(&scene.server);
    scene.server.jobs.start().unwrap();
    let (table, _) = scene.table("short", Some(100));
    let stop = Settings::validate(JOBS_PAUSEPOINTS, "schemachange.after.checkpoint").unwrap();
    scene.server.settings.apply(JOBS_PAUSEPOINTS, Some(stop));
    scene.refused("CREATE INDEX i ON short (v)");
    // What the job has loaded, and history from the time at which it reads, outlive every limit.
    scene.run("UPDATE short SET v = 2");
    scene.after(1_000_000);
    scene.sweep();
    scene.server.settings.apply(JOBS_PAUSEPOINTS, None);
    scene.run("RESUME JOBS (SELECT job_id FROM [SHOW JOBS])");
    scene.run("SELECT * FROM [SHOW JOBS WHEN COMPLETE (SELECT job_id FROM [SHOW JOBS])]");
    let found = scene.run("SELECT v FROM short WHERE v = 2").rows.len();
    let catalog = scene.server.catalog.current().unwrap();
    let index = catalog.table_any_state(table).unwrap().index_named("i").unwrap().id;
    let now = scene.server.mvcc.snapshot(scene.server.mvcc.now()).unwrap();
    let mut scan = now.scan(&index_span(table, index), false, Access::Range).unwrap();
    assert!(scan.next().unwrap() && !scan.next().unwrap(), "one row, one entry");
    assert_eq!(found, 1);
    scene.server.jobs.shutdown(Duration::from_secs(60));
}

#[test]
fn a_dropped_table_goes_when_its_own_time_is_over() {
    let mut scene = Scene::new();
    let (short, _) = scene.table("short", Some(100));
    let (long, then) = scene.table("long", Some(1_000_000));
    scene.run("DROP TABLE short, long");
    scene.sweep();
    assert_eq!((scene.versions(short), scene.versions(long)), (1, 1));
    scene.after(200);
    scene.sweep();
    assert_eq!((scene.versions(short), scene.versions(long)), (0, 1));
    // Neither the default nor the garbage of the catalogue takes the other one's history away.
    scene.after(500_000);
    scene.sweep();
    assert_eq!(scene.versions(long), 1);
    assert_eq!(scene.value_at("long", then), Ok(1));
    scene.after(600_000);
    scene.sweep();
    assert_eq!(scene.versions(long), 0);
    assert!(scene.value_at("long", then).is_err());
}

#[test]
fn what_is_protected_stays_until_it_is_released() {
    let mut scene = Scene::new();
    let (kept, then) = scene.table("kept", Some(100));
    let (gone, _) = scene.table("gone", Some(100));
    let spans = vec![table_span(kept), table_span(gone)];
    let purpose = "a backup".to_owned();
    let record = ProtectedRecord { id: "1".into(), at: then, spans, purpose };
    scene.server.mvcc.protect(record).unwrap();
    scene.run("UPDATE kept SET v = 2");
    scene.run("DROP TABLE gone");
    scene.after(100_000);
    scene.sweep();
    assert_eq!((scene.versions(kept), scene.versions(gone)), (2, 1));
    let history = scene.server.mvcc.snapshot(then).unwrap();
    assert!(history.scan(&table_span(kept), false, Access::Range).is_ok());
    drop(history);
    scene.server.mvcc.release("1").unwrap();
    scene.sweep();
    assert_eq!((scene.versions(kept), scene.versions(gone)), (1, 0));
    assert!(scene.value_at("kept", then).is_err());
}

#[test]
fn the_cluster_and_the_database_decide_where_a_table_does_not() {
    let mut scene = Scene::new();
    scene.run("ALTER RANGE default CONFIGURE ZONE USING gc.ttlseconds = 100");
    scene.run("CREATE DATABASE d");
    scene.run("ALTER DATABASE d CONFIGURE ZONE USING gc.ttlseconds = 10000");
    let (here, _) = scene.table("here", None);
    scene.run("CREATE TABLE d.public.there AS SELECT 1 AS v");
    let catalog = scene.server.catalog.current().unwrap();
    let there = catalog.tables_any_state().find(|t| t.name == "there").unwrap().id;
    scene.run("UPDATE here SET v = 2; UPDATE d.public.there SET v = 2");
    scene.after(500);
    scene.sweep();
    assert_eq!((scene.versions(here), scene.versions(there)), (1, 2));
    scene.run("ALTER DATABASE d CONFIGURE ZONE DISCARD");
    scene.sweep();
    assert_eq!((scene.versions(here), scene.versions(there)), (1, 1));
}

#[test]
fn space_stays_bounded_under_steady_updates() {
    let mut scene = Scene::new();
    let (id, _) = scene.table("hot", Some(60));
    let mut most = 0;
    for _ in 0..50 {
        for v in 0..5 {
            scene.run(&format!("UPDATE hot SET v = {v}"));
            scene.after(2);
        }
        scene.sweep();
        most = most.max(scene.versions(id));
    }
    // 60 seconds hold 30 updates; a round comes every 10 seconds.
    assert!(most <= 37, "{most} versions");
}

#[test]
fn a_reader_of_the_past_keeps_what_it_reads() {
    let mut scene = Scene::new();
    let (id, then) = scene.table("t", Some(100));
    scene.run("UPDATE t SET v = 2");
    let mut reader = login(&scene.server, "root");
    ask(&mut reader, &format!("BEGIN AS OF SYSTEM TIME {then}")).unwrap();
    scene.after(1_000);
    scene.sweep();
    assert_eq!(scene.versions(id), 2);
    let seen = ask(&mut reader, "SELECT v FROM t; COMMIT").unwrap();
    assert!(matches!(seen.rows[0][0], Datum::Int4(1)));
    scene.sweep();
    assert_eq!(scene.versions(id), 1);
    assert_eq!(
        scene.refused(&format!("BEGIN AS OF SYSTEM TIME {then}; SELECT v FROM t")).code().as_str(),
        "22023"
    );
}
