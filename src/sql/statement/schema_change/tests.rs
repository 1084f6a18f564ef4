//! Indexes added while others write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::names;
use crate::error::{Error, sqlstate};
use crate::jobs::State;
use crate::keys::{IndexId, TableId, index_span};
use crate::kv::Access;
use crate::settings::{self, Settings};
use crate::sql::integrity;
use crate::sql::server::Server;
use crate::sql::session::Session;
use crate::sql::testing::{ask, login, server};
use crate::task::Interrupt;
use crate::types::Datum;

const GRACE: Duration = Duration::from_secs(60);

/// A server that runs schema changes.
struct Scene {
    server: Arc<Server>,
    root: Session,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.server.jobs.shutdown(GRACE);
    }
}

impl Scene {
    fn new() -> Scene {
        let server = server();
        SchemaChangeResumer::register(&server);
        server.jobs.start().unwrap();
        let root = login(&server, "root");
        Scene { server, root }
    }

    /// With a table of `rows` rows: `id` from 1, `a` counting down, `b` one of seven.
    fn with_rows(rows: u32) -> Scene {
        let mut scene = Scene::new();
        scene.run("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)");
        scene.run(&format!(
            "INSERT INTO t SELECT g, {rows} - g, g % 7 FROM generate_series(1, {rows}) g"
        ));
        scene
    }

    fn run(&mut self, text: &str) {
        ask(&mut self.root, text).unwrap_or_else(|e| panic!("{text}: {e}"));
    }

    fn refused(&mut self, text: &str) -> Error {
        ask(&mut self.root, text).err().unwrap_or_else(|| panic!("{text} was not refused"))
    }

    fn first(&mut self, text: &str) -> Datum {
        let answer = ask(&mut self.root, text).unwrap_or_else(|e| panic!("{text}: {e}"));
        answer.rows[0][0].clone()
    }

    fn number(&mut self, text: &str) -> i64 {
        match self.first(text) {
            Datum::Int8(n) => n,
            Datum::Int4(n) => i64::from(n),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn pause_at(&self, name: Option<&str>) {
        let value = name.map(|name| Settings::validate(settings::JOBS_PAUSEPOINTS, name).unwrap());
        self.server.settings.apply(settings::JOBS_PAUSEPOINTS, value);
    }

    fn job(&mut self) -> i64 {
        self.number("SELECT max(job_id) FROM [SHOW JOBS] WHERE job_type = 'SCHEMA CHANGE'")
    }

    fn wait(&self, job: i64) -> State {
        self.server.jobs.wait(job, &Interrupt::new()).unwrap().state
    }

    fn table(&self, name: &str) -> Arc<TableDescriptor> {
        let catalog = self.server.catalog.current().unwrap();
        let database = names::resolve_database(&catalog, "defaultdb").unwrap().id;
        let schema = catalog.schema_named(database, "public").unwrap().unwrap().id;
        catalog.relation(schema, name).unwrap().unwrap().clone()
    }

    /// Compares an index with the rows of its table, as of one time.
    fn check(&self, table: &str, index: &str) {
        let table = self.table(table);
        let index = table.index_named(index).unwrap_or_else(|| panic!("no index {index}"));
        let mvcc = &self.server.mvcc;
        let now = mvcc.snapshot(mvcc.now()).unwrap();
        let mut maker = maker::Maker::of_index(&self.server, &table, index, "root").unwrap();
        let mut expected = BTreeMap::new();
        let rows = index_span(table.id, table.primary_index.id);
        let mut scan = now.scan(&rows, false, Access::Bulk).unwrap();
        while scan.next().unwrap() {
            if let Some((key, value)) = maker.entry(0, scan.key(), scan.value()).unwrap() {
                assert!(expected.insert(key, value).is_none(), "two rows have one entry");
            }
        }
        let mut scan = now.scan(&index_span(table.id, index.id), false, Access::Bulk).unwrap();
        let mut found = BTreeMap::new();
        while scan.next().unwrap() {
            found.insert(scan.key().to_vec(), scan.value().to_vec());
        }
        assert_eq!(found.len(), expected.len(), "as many entries as rows");
        assert!(found == expected, "every row has its entry");
    }

    /// Everything agrees with everything.
    fn is_sound(&self) {
        let report = integrity::check(&self.server, &Interrupt::new()).unwrap();
        let found: Vec<String> = report.findings.iter().map(|f| format!("{f:?}")).collect();
        assert!(report.is_clean(), "{found:?}");
    }

    /// Versions stored under an index.
    fn is_clear(&self, table: TableId, index: IndexId) -> bool {
        let mvcc = &self.server.mvcc;
        let now = mvcc.snapshot(mvcc.now()).unwrap();
        let mut scan = now.scan(&index_span(table, index), false, Access::Range).unwrap();
        !scan.next().unwrap()
    }
}

/// A number that looks random, from a seed.
fn roll(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

/// Writes at random until told to stop; gives back how often a unique key was in the way.
fn write(server: &Arc<Server>, mut seed: u64, rows: u64, stop: &AtomicBool) -> u32 {
    let mut session = login(server, "root");
    let mut refused = 0;
    while !stop.load(Ordering::Acquire) {
        let id = roll(&mut seed, rows * 2) + 1;
        let a = roll(&mut seed, rows * 4);
        let text = match roll(&mut seed, 4) {
            0 => format!("INSERT INTO t VALUES ({id}, {a}, 1) ON CONFLICT (id) DO NOTHING"),
            1 => format!("DELETE FROM t WHERE id = {id}"),
            2 => format!("UPDATE t SET b = (b + 1) % 7 WHERE id = {id}"),
            _ => format!("UPDATE t SET a = {a} WHERE id = {id}"),
        };
        match ask(&mut session, &text) {
            Ok(_) => {}
            Err(e) if e.code() == sqlstate::UNIQUE_VIOLATION => refused += 1,
            Err(e) => panic!("{text}: {e}"),
        }
    }
    refused
}

/// Runs something while three threads write.
fn under_load(scene: &mut Scene, seed: u64, rows: u64, what: impl FnOnce(&mut Scene)) {
    let stop = AtomicBool::new(false);
    let server = scene.server.clone();
    std::thread::scope(|scope| {
        for n in 0..3 {
            let (server, stop) = (&server, &stop);
            scope.spawn(move || write(server, seed * 10 + n, rows, stop));
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| what(scene)));
        stop.store(true, Ordering::Release);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn an_index_on_rows_is_a_job_and_reads_by_it_find_them() {
    let mut scene = Scene::with_rows(2_000);
    scene.run("CREATE INDEX by_b ON t (b) STORING (a) WHERE a > 5");
    scene.check("t", "by_b");
    let job = scene.job();
    let record = scene.server.jobs.load(job).unwrap();
    assert_eq!(record.state, State::Succeeded);
    assert_eq!(
        record.payload.description,
        "CREATE INDEX by_b ON defaultdb.public.t (b) STORING (a) WHERE a > 5"
    );
    assert_eq!(record.payload.descriptor_ids, [scene.table("t").id]);
    assert!(scene.table("t").mutations.is_empty());
    assert!(scene.server.mvcc.protected().is_empty());
    // Of a table without rows, and in a block, the transaction makes it.
    scene.run("CREATE TABLE empty (a INT); CREATE INDEX ON empty (a)");
    scene.run("CREATE INDEX ON empty (a)");
    scene.run("BEGIN; CREATE INDEX by_a ON t (a); COMMIT");
    assert_eq!(scene.job(), job);
    scene.check("t", "by_a");
}

#[test]
fn writers_and_an_index_in_the_making_agree() {
    for seed in 1..=3 {
        let mut scene = Scene::with_rows(600);
        under_load(&mut scene, seed, 600, |scene| {
            scene.run("CREATE INDEX by_b ON t (b, a)");
            scene.check("t", "by_b");
            scene.run("CREATE INDEX some ON t (a) STORING (b) WHERE b < 3");
            scene.check("t", "some");
        });
        scene.check("t", "by_b");
        scene.check("t", "some");
        scene.is_sound();
    }
}

#[test]
fn a_unique_index_under_load_holds_or_is_refused() {
    let (mut built, mut refused) = (0, 0);
    for seed in 1..=6 {
        let mut scene = Scene::with_rows(500);
        let root = login(&scene.server, "root");
        let mut other = Some(root);
        under_load(&mut scene, seed, 500, |scene| {
            match ask(other.as_mut().unwrap(), "CREATE UNIQUE INDEX u ON t (a)") {
                Ok(_) => {
                    built += 1;
                    scene.check("t", "u");
                }
                Err(e) => {
                    assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION, "{e}");
                    refused += 1;
                }
            }
        });
        let table = scene.table("t");
        assert!(table.mutations.is_empty());
        match table.index_named("u") {
            Some(_) => scene.check("t", "u"),
            None => assert!(scene.is_clear(table.id, 2), "seed {seed}"),
        }
    }
    assert_eq!(built + refused, 6);
}

#[test]
fn two_old_rows_with_one_key_undo_a_unique_index() {
    let mut scene = Scene::with_rows(2_000);
    // Far from each other, so that they come in different runs.
    scene.run("UPDATE t SET a = 7 WHERE id IN (1, 1999)");
    let e = scene.refused("CREATE UNIQUE INDEX u ON t (a)");
    assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION);
    assert_eq!(e.message(), "could not create unique index \"u\"");
    assert_eq!(e.detail(), Some("Key (a)=(7) is duplicated."));
    let job = scene.job();
    assert_eq!(scene.wait(job), State::Failed);
    let table = scene.table("t");
    assert!(table.mutations.is_empty() && table.indexes.is_empty());
    assert!(scene.is_clear(table.id, 2));
    scene.run("UPDATE t SET a = 100000 WHERE id = 1999");
    scene.run("UPDATE t SET a = 100001 WHERE id = 1993");
    scene.run("CREATE UNIQUE INDEX u ON t (a)");
    scene.check("t", "u");
    assert_eq!(scene.refused("INSERT INTO t VALUES (0, 7, 0)").code(), sqlstate::UNIQUE_VIOLATION);
}

/// Stops a unique index before the run that loads the row of a key, and writes that key.
fn met_by_a_writer(then: &[&str]) -> (Scene, State, Option<String>) {
    let mut scene = Scene::with_rows(1_000);
    scene.pause_at(Some("schemachange.after.checkpoint"));
    let e = scene.refused("CREATE UNIQUE INDEX u ON t (a)");
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    let job = scene.job();
    // The row of id 990 has a = 10, and no entry yet.
    scene.run("INSERT INTO t VALUES (5000, 10, 0)");
    scene.pause_at(Some("schemachange.before_validation"));
    scene.run(&format!("RESUME JOB {job}"));
    scene.wait(job);
    for text in then {
        scene.run(text);
    }
    scene.pause_at(None);
    scene.run(&format!("RESUME JOB {job}"));
    let state = scene.wait(job);
    let error = scene.server.jobs.load(job).unwrap().payload.error;
    (scene, state, error.and_then(|e| e.detail))
}

#[test]
fn what_a_writer_could_not_see_is_found_in_the_end() {
    let (scene, state, detail) = met_by_a_writer(&[]);
    assert_eq!(state, State::Failed);
    assert_eq!(detail.as_deref(), Some("Key (a)=(10) is duplicated."));
    assert!(scene.is_clear(scene.table("t").id, 2));
    // Whoever of the two leaves takes the entry along; the other one's is put there again.
    for then in ["DELETE FROM t WHERE id = 5000", "DELETE FROM t WHERE id = 990"] {
        let (scene, state, _) = met_by_a_writer(&[then]);
        assert_eq!(state, State::Succeeded, "{then}");
        scene.check("t", "u");
    }
    let moved = ["UPDATE t SET a = -1 WHERE id = 990", "INSERT INTO t VALUES (5001, 11000, 1)"];
    let (scene, state, _) = met_by_a_writer(&moved);
    assert_eq!(state, State::Succeeded);
    scene.check("t", "u");
}

#[test]
fn a_job_that_pauses_anywhere_goes_on_where_it_was() {
    for place in [
        "schemachange.before_backfill",
        "schemachange.after.checkpoint",
        "schemachange.before_validation",
        "schemachange.before_publishing",
    ] {
        let mut scene = Scene::with_rows(1_500);
        scene.pause_at(Some(place));
        let e = scene.refused("CREATE UNIQUE INDEX u ON t (a, b)");
        assert!(e.message().contains("was paused before it completed"), "{e}");
        let job = scene.job();
        let table = scene.table("t");
        assert!(table.indexes.is_empty(), "{place}: nobody reads by it");
        assert_eq!(table.mutations.len(), 1);
        scene.is_sound();
        scene.run("INSERT INTO t VALUES (-1, -1, 0)");
        scene.run("DELETE FROM t WHERE id % 10 = 3");
        scene.run("UPDATE t SET a = a + 5000 WHERE id % 10 = 4");
        // Another change of the table waits, or is told.
        let e = scene.refused("BEGIN; ALTER TABLE t ADD COLUMN c INT");
        assert_eq!(e.code(), sqlstate::OBJECT_IN_USE);
        scene.run("ROLLBACK");
        assert_eq!(scene.refused("ALTER TABLE t ADD COLUMN c INT").code(), sqlstate::OBJECT_IN_USE);
        scene.pause_at(None);
        scene.run(&format!("RESUME JOB {job}"));
        scene.run("ALTER TABLE t ADD COLUMN c INT");
        assert_eq!(scene.wait(job), State::Succeeded, "{place}");
        scene.check("t", "u");
    }
}

#[test]
fn a_cancelled_job_leaves_nothing_behind() {
    for place in ["schemachange.before_backfill", "schemachange.before_publishing"] {
        let mut scene = Scene::with_rows(1_500);
        scene.pause_at(Some(place));
        scene.refused("CREATE INDEX i ON t (b)");
        let job = scene.job();
        scene.run("INSERT INTO t VALUES (-1, -1, 0)");
        scene.pause_at(None);
        scene.run(&format!("CANCEL JOB {job}"));
        assert_eq!(scene.wait(job), State::Canceled);
        let table = scene.table("t");
        assert!(table.mutations.is_empty() && table.indexes.is_empty());
        assert!(scene.is_clear(table.id, 2));
        assert!(scene.server.mvcc.protected().is_empty());
        scene.run("CREATE INDEX i ON t (b)");
        scene.check("t", "i");
    }
}

#[test]
fn a_table_that_is_dropped_ends_its_schema_change() {
    let mut scene = Scene::with_rows(100);
    scene.pause_at(Some("schemachange.before_publishing"));
    scene.refused("CREATE INDEX i ON t (b)");
    let job = scene.job();
    scene.run("DROP TABLE t");
    scene.pause_at(None);
    scene.run(&format!("RESUME JOB {job}"));
    assert_eq!(scene.wait(job), State::Failed);
}

#[test]
fn a_writer_that_stays_open_keeps_no_other_writer_waiting() {
    let mut scene = Scene::with_rows(100);
    let server = scene.server.clone();
    let mut slow = login(&server, "root");
    ask(&mut slow, "BEGIN; UPDATE t SET b = 100 WHERE id = 1").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.run("CREATE INDEX i ON t (b)");
            done.store(true, Ordering::Release);
        });
        let mut quick = login(&server, "root");
        for id in 2..60 {
            ask(&mut quick, &format!("UPDATE t SET b = 100 WHERE id = {id}")).unwrap();
        }
        assert!(
            !done.load(Ordering::Acquire),
            "the index cannot begin before the open writer ends"
        );
        ask(&mut slow, "COMMIT").unwrap();
    });
    scene.check("t", "i");
    assert_eq!(scene.number("SELECT count(*) FROM t WHERE b = 100"), 59);
}

#[test]
fn a_constraint_is_compared_with_the_rows_while_others_write() {
    for seed in 1..=2 {
        let mut scene = Scene::with_rows(600);
        scene.run("CREATE TABLE p (b INT PRIMARY KEY)");
        scene.run("INSERT INTO p SELECT g FROM generate_series(0, 6) g");
        under_load(&mut scene, seed, 600, |scene| {
            scene.run("ALTER TABLE t ADD CONSTRAINT small CHECK (b BETWEEN 0 AND 6)");
            scene.run("ALTER TABLE t ADD CONSTRAINT known FOREIGN KEY (b) REFERENCES p");
            scene.run("ALTER TABLE t ALTER COLUMN b SET NOT NULL");
        });
        let table = scene.table("t");
        assert!(table.mutations.is_empty());
        assert!(!table.checks[0].not_valid && !table.foreign_keys[0].not_valid);
        assert_eq!(
            scene.refused("UPDATE t SET b = 7").code(),
            sqlstate::CHECK_VIOLATION,
            "seed {seed}"
        );
        assert_eq!(scene.refused("DELETE FROM p").code(), sqlstate::FOREIGN_KEY_VIOLATION);
        assert_eq!(scene.refused("UPDATE t SET b = NULL").code(), sqlstate::NOT_NULL_VIOLATION);
        let job = scene.job();
        assert_eq!(
            scene.server.jobs.load(job).unwrap().payload.description,
            "ALTER TABLE defaultdb.public.t ALTER COLUMN b SET NOT NULL"
        );
    }
}

#[test]
fn a_constraint_that_a_row_violates_goes_again() {
    let mut scene = Scene::with_rows(100);
    scene.run("CREATE TABLE p (b INT PRIMARY KEY); INSERT INTO p VALUES (1)");
    scene.run("INSERT INTO t VALUES (0, NULL, 1000)");
    for (change, code) in [
        ("ADD CHECK (b < 1000)", sqlstate::CHECK_VIOLATION),
        ("ADD FOREIGN KEY (b) REFERENCES p", sqlstate::FOREIGN_KEY_VIOLATION),
        ("ALTER COLUMN a SET NOT NULL", sqlstate::NOT_NULL_VIOLATION),
        ("ADD UNIQUE (b)", sqlstate::UNIQUE_VIOLATION),
    ] {
        assert_eq!(scene.refused(&format!("ALTER TABLE t {change}")).code(), code, "{change}");
    }
    let table = scene.table("t");
    assert!(table.mutations.is_empty() && table.checks.is_empty() && table.indexes.is_empty());
    assert!(table.foreign_keys.is_empty());
    scene.run("INSERT INTO t VALUES (-1, NULL, 1000)");
    // NOT VALID: only what is written from now on.
    scene.run("ALTER TABLE t ADD CONSTRAINT few CHECK (b < 1000) NOT VALID");
    assert_eq!(
        scene.refused("INSERT INTO t VALUES (-2, 0, 1000)").code(),
        sqlstate::CHECK_VIOLATION
    );
    let validated = "SELECT convalidated::int FROM pg_constraint WHERE conname = 'few'";
    assert_eq!(scene.number(validated), 0);
    scene.refused("ALTER TABLE t VALIDATE CONSTRAINT few");
    scene.is_sound();
    assert_eq!(scene.number(validated), 0);
    scene.run("DELETE FROM t WHERE b = 1000");
    scene.run("ALTER TABLE t VALIDATE CONSTRAINT few");
    assert_eq!(scene.number(validated), 1);
    scene.run("ALTER TABLE t ADD CONSTRAINT one UNIQUE (a, id)");
    scene.check("t", "one");
}

#[test]
fn nobody_writes_a_null_while_a_column_is_searched_for_them() {
    let mut scene = Scene::with_rows(100);
    scene.pause_at(Some("schemachange.before_publishing"));
    scene.refused("ALTER TABLE t ALTER COLUMN a SET NOT NULL");
    let e = scene.refused("INSERT INTO t VALUES (1000, NULL, 1)");
    assert_eq!(e.code(), sqlstate::NOT_NULL_VIOLATION);
    assert!(scene.table("t").column_named("a").unwrap().nullable, "readers do not rely on it");
    let job = scene.job();
    scene.pause_at(None);
    scene.run(&format!("CANCEL JOB {job}"));
    assert_eq!(scene.wait(job), State::Canceled);
    scene.run("INSERT INTO t VALUES (1000, NULL, 1)");
}

#[test]
fn rows_get_another_form_while_others_write() {
    for seed in 1..=3 {
        let mut scene = Scene::with_rows(600);
        scene.run("CREATE INDEX by_b ON t (b) STORING (a)");
        under_load(&mut scene, seed, 600, |scene| {
            scene.run("ALTER TABLE t ADD COLUMN double INT8 GENERATED ALWAYS AS (a * 2) STORED");
            assert_eq!(scene.number("SELECT count(*) FROM t WHERE double <> a * 2"), 0);
            scene.run("ALTER TABLE t ADD COLUMN r FLOAT8 NOT NULL DEFAULT random()");
            scene.run("CREATE INDEX by_sum ON t ((a % 10 + 1))");
            scene.run("ALTER TABLE t ALTER COLUMN b TYPE INT8 USING b + 0");
        });
        assert!(scene.table("t").mutations.is_empty());
        scene.check("t", "by_b");
        scene.check("t", "by_sum");
        assert_eq!(scene.number("SELECT count(*) FROM t WHERE double <> a * 2"), 0);
        assert_eq!(scene.number("SELECT count(*) FROM t WHERE r IS NULL OR r >= 1"), 0);
        scene.is_sound();
        let all = scene.number("SELECT count(*) FROM t WHERE b + 0 >= 0");
        assert_eq!(scene.number("SELECT count(DISTINCT r) FROM t"), all, "seed {seed}");
        assert_eq!(scene.table("t").column_named("b").unwrap().ty.ty, crate::types::Type::Int8);
    }
}

#[test]
fn a_column_takes_its_values_from_a_sequence_that_is_there() {
    let mut scene = Scene::with_rows(500);
    scene.run("CREATE SEQUENCE s");
    scene.run("ALTER TABLE t ADD COLUMN n INT8 NOT NULL DEFAULT nextval('s')");
    assert_eq!(scene.number("SELECT count(DISTINCT n) FROM t WHERE n BETWEEN 1 AND 500"), 500);
    scene.run("INSERT INTO t VALUES (1000, 1, 1)");
    assert_eq!(scene.number("SELECT n FROM t WHERE id = 1000"), 501);
}

#[test]
fn a_value_that_has_no_place_in_the_new_form_ends_the_change() {
    let mut scene = Scene::with_rows(300);
    scene.run("ALTER TABLE t ADD COLUMN c TEXT DEFAULT '1'");
    scene.run("CREATE INDEX by_c ON t (c)");
    scene.run("UPDATE t SET c = 'x' WHERE id >= 298 AND id < 300");
    scene.pause_at(Some("schemachange.before_backfill"));
    scene.refused("ALTER TABLE t ALTER COLUMN c TYPE INT USING c::int");
    let job = scene.job();
    // It cannot be written any more, and be taken away none the less.
    let invalid = sqlstate::INVALID_TEXT_REPRESENTATION;
    assert_eq!(scene.refused("INSERT INTO t VALUES (-1, 1, 1, 'y')").code(), invalid);
    scene.run("INSERT INTO t VALUES (-2, 1, 1, '2')");
    scene.run("DELETE FROM t WHERE id = 298");
    scene.run("UPDATE t SET c = '3' WHERE id = 5");
    scene.pause_at(None);
    scene.run(&format!("RESUME JOB {job}"));
    assert_eq!(scene.wait(job), State::Failed);
    scene.check("t", "by_c");
    scene.run("DELETE FROM t WHERE c = 'x'");
    scene.run("ALTER TABLE t ALTER COLUMN c TYPE INT USING c::int");
    assert_eq!(scene.number("SELECT id FROM t WHERE c = 3"), 5);
    scene.check("t", "by_c");
}

#[test]
fn an_index_on_an_expression_may_be_unique() {
    let mut scene = Scene::with_rows(400);
    let e = scene.refused("CREATE UNIQUE INDEX u ON t ((a % 100))");
    assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION);
    assert!(scene.table("t").columns.iter().all(|c| c.indexed_expression().is_none()));
    under_load(&mut scene, 1, 400, |scene| {
        scene.run("CREATE INDEX by_half ON t ((a / 2))");
        scene.check("t", "by_half");
    });
    scene.run("TRUNCATE t");
    scene.run("INSERT INTO t SELECT g, g, 0 FROM generate_series(1, 400) g");
    scene.pause_at(Some("schemachange.before_validation"));
    scene.refused("CREATE UNIQUE INDEX u ON t ((a * 2))");
    let job = scene.job();
    assert_eq!(scene.refused("INSERT INTO t VALUES (0, 7, 0)").code(), sqlstate::UNIQUE_VIOLATION);
    scene.run("UPDATE t SET a = 1000 - a WHERE id < 10");
    scene.pause_at(None);
    scene.run(&format!("RESUME JOB {job}"));
    assert_eq!(scene.wait(job), State::Succeeded);
    scene.check("t", "u");
}
