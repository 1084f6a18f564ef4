//! BACKUP, RESTORE and SHOW BACKUP as a client sees them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::backup::{self, BackupResumer};
use crate::cloud::Cloud;
use crate::jobs::State;
use crate::restore::RestoreResumer;
use crate::settings::Settings;
use crate::sql::session::Session;
use crate::sql::testing::{Answer, ask, login, server};
use crate::task::Interrupt;
use crate::types::Datum;

const GRACE: Duration = Duration::from_secs(60);

struct Scene {
    server: Arc<Server>,
    root: Session,
    _runtime: tokio::runtime::Runtime,
    /// Where nodelocal files are.
    dir: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.server.jobs.shutdown(GRACE);
    }
}

impl Scene {
    fn new() -> Scene {
        let temporary = tempfile::tempdir().unwrap();
        let mut scene = Scene::over(temporary.path().to_owned());
        scene._temporary = Some(temporary);
        scene
    }

    fn over(dir: PathBuf) -> Scene {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut server = Arc::into_inner(server()).unwrap();
        let mut cloud = Cloud::new(runtime.handle().clone(), server.settings.clone());
        cloud.external_io_dir = Some(dir.clone());
        server.cloud = Arc::new(cloud);
        let server = Arc::new(server);
        let backup = BackupResumer {
            catalog: server.catalog.clone(),
            stores: server.cloud.clone(),
            settings: server.settings.clone(),
        };
        server.jobs.register(backup::KIND, Arc::new(backup));
        let restore = RestoreResumer::new(services(&server));
        server.jobs.register(restore::JOB_KIND, Arc::new(restore));
        server.jobs.start().unwrap();
        let root = login(&server, "root");
        Scene { server, root, _runtime: runtime, dir, _temporary: None }
    }

    fn ask(&mut self, text: &str) -> Answer {
        ask(&mut self.root, text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    fn refused(&mut self, text: &str) -> Error {
        ask(&mut self.root, text).err().unwrap_or_else(|| panic!("{text} was not refused"))
    }

    /// The rows of a query, each as text.
    fn rows(&mut self, text: &str) -> Vec<String> {
        let show = |row: &Vec<Datum>| row.iter().map(shown).collect::<Vec<_>>().join("|");
        self.ask(text).rows.iter().map(show).collect()
    }

    fn pause_at(&self, name: Option<&str>) {
        let value = name.map(|name| Settings::validate(settings::JOBS_PAUSEPOINTS, name).unwrap());
        self.server.settings.apply(settings::JOBS_PAUSEPOINTS, value);
    }

    /// The newest job's number.
    fn job(&mut self) -> i64 {
        match self.ask("SELECT max(job_id) FROM [SHOW JOBS]").rows[0][0] {
            Datum::Int8(id) => id,
            ref other => panic!("{other:?}"),
        }
    }

    fn wait(&self, job: i64) -> State {
        self.server.jobs.wait(job, &Interrupt::new()).unwrap().state
    }
}

fn shown(datum: &Datum) -> String {
    match datum {
        Datum::Null => "NULL".to_owned(),
        Datum::Text(text) => text.to_string(),
        Datum::Int4(n) => n.to_string(),
        Datum::Int8(n) => n.to_string(),
        Datum::Bool(b) => b.to_string(),
        Datum::Float8(x) => x.to_string(),
        Datum::Numeric(n) => n.to_string(),
        other => format!("{other:?}"),
    }
}

/// A database `shop` with two tables that hang together.
fn shop() -> Scene {
    let mut scene = Scene::new();
    for text in [
        "CREATE DATABASE shop",
        "SET database = shop",
        "CREATE TABLE parent (id INT, b TEXT, CONSTRAINT pk PRIMARY KEY (id), \
         INDEX parent_b_idx (b))",
        "CREATE TABLE child (id SERIAL PRIMARY KEY, p INT REFERENCES parent (id))",
        "INSERT INTO parent SELECT i, 'row ' || i FROM generate_series(1, 100) i",
        "INSERT INTO child (p) SELECT i FROM generate_series(1, 50) i",
        "SET database = defaultdb",
    ] {
        scene.ask(text);
    }
    scene
}

#[test]
fn what_was_backed_up_comes_back_and_can_be_looked_at() {
    let mut scene = shop();
    let answer = scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    assert_eq!(answer.rows.len(), 1);
    scene.ask("DELETE FROM shop.public.child WHERE id <= 10");
    scene.ask("UPDATE shop.public.parent SET b = 'changed' WHERE id = 20");
    scene.ask("BACKUP DATABASE shop INTO LATEST IN 'nodelocal://1/c'");
    let answer = scene
        .ask("RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c' WITH new_db_name = 'copy'");
    let columns = ["job_id", "status", "fraction_completed", "rows", "index_entries", "bytes"];
    assert_eq!(answer.columns, columns);
    let row: Vec<String> = answer.rows[0].iter().map(shown).collect();
    assert_eq!(row[1..5], ["succeeded", "1", "141", "100"]);
    assert_eq!(scene.rows("SELECT id FROM copy.public.parent WHERE b = 'changed'"), ["20"]);
    assert_eq!(scene.rows("SELECT count(*), min(id) FROM copy.public.child"), ["40|11"]);
    // Defaults, foreign keys and indexes work.
    let text = "INSERT INTO copy.public.child (p) VALUES (7) RETURNING id";
    assert_eq!(scene.rows(text), ["51"]);
    let e = scene.refused("INSERT INTO copy.public.child (p) VALUES (700)");
    assert_eq!(e.code(), sqlstate::FOREIGN_KEY_VIOLATION);
    assert_eq!(scene.rows("SELECT count(*) FROM shop.public.child"), ["40"]);

    let fulls = scene.ask("SHOW BACKUPS IN 'nodelocal://1/c'");
    assert_eq!(fulls.columns, ["path"]);
    assert_eq!(fulls.rows.len(), 1);
    let path = shown(&fulls.rows[0][0]);
    let answer = scene.ask(&format!("SHOW BACKUP '{path}' IN 'nodelocal://1/c'"));
    assert_eq!(
        answer.columns,
        [
            "database_name",
            "parent_schema_name",
            "object_name",
            "object_type",
            "start_time",
            "end_time",
            "size_bytes",
            "rows",
            "is_full_cluster"
        ]
    );
    let objects: Vec<String> =
        answer.rows.iter().map(|row| [0, 1, 2, 3, 7].map(|at| shown(&row[at])).join("|")).collect();
    assert_eq!(
        objects,
        [
            "NULL|NULL|shop|database|NULL",
            "shop|public|parent|table|100",
            "shop|public|child|table|50",
            "shop|public|child_id_seq|table|1",
            "NULL|NULL|shop|database|NULL",
            "shop|public|parent|table|1",
            "shop|public|child|table|0",
            "shop|public|child_id_seq|table|0",
        ]
    );
    assert!(answer.rows[0][4].is_null() && !answer.rows[4][4].is_null());
    let json = scene.ask("SHOW BACKUP LATEST IN 'nodelocal://1/c' WITH as_json");
    assert_eq!((json.columns[0].as_str(), json.rows.len()), ("manifest", 2));
    let files = scene.ask("SHOW BACKUP FILES FROM LATEST IN 'nodelocal://1/c'");
    assert_eq!(files.columns[0], "path");
    assert!(!files.rows.is_empty());
    let checked = scene.ask("SHOW BACKUP LATEST IN 'nodelocal://1/c' WITH check_files, debug_ids");
    assert_eq!(checked.columns[1], "database_id");
    assert_eq!(checked.columns[12], "file_bytes");
    let e = scene.refused("SHOW BACKUP 'nodelocal://1/c'");
    assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
    assert!(e.hint().unwrap().contains("SHOW BACKUPS IN"));
}

#[test]
fn a_created_statement_makes_the_same_table() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    let answer = scene.ask("SHOW BACKUP SCHEMAS FROM LATEST IN 'nodelocal://1/c' WITH privileges");
    let at = |name: &str| answer.columns.iter().position(|c| c == name).unwrap();
    let (created, granted) = (at("create_statement"), at("privileges"));
    assert_eq!(answer.columns.last().unwrap(), "owner");
    assert!(answer.rows[0][created].is_null());
    assert!(shown(&answer.rows[1][granted]).starts_with("GRANT ALL ON parent TO admin; "));
    let statements: Vec<String> = answer.rows[1..].iter().map(|row| shown(&row[created])).collect();
    assert_eq!(
        statements[0],
        "CREATE TABLE public.parent (\n\tid integer NOT NULL,\n\tb text NULL,\n\t\
         CONSTRAINT pk PRIMARY KEY (id ASC),\n\tINDEX parent_b_idx (b ASC)\n)"
    );
    scene.ask("CREATE DATABASE again");
    scene.ask("SET database = again");
    // The sequence first, without its owner, which does not exist yet.
    let sequence = statements[2].split(" OWNED BY").next().unwrap().to_owned();
    for statement in [&sequence, &statements[0], &statements[1]] {
        scene.ask(statement);
    }
    for (table, expected) in [("parent", &statements[0]), ("child", &statements[1])] {
        let answer = scene.ask(&format!("SHOW CREATE TABLE {table}"));
        assert_eq!(answer.columns, ["table_name", "create_statement"]);
        assert_eq!(&shown(&answer.rows[0][1]), expected);
    }
}

#[test]
fn a_restore_in_a_transaction_must_be_detached_and_begins_with_its_commit() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    let restore =
        "RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c' WITH new_db_name = 'copy'";
    scene.ask("BEGIN");
    let e = scene.refused(restore);
    assert_eq!(e.code(), sqlstate::ACTIVE_SQL_TRANSACTION);
    scene.ask("ROLLBACK");
    let before = scene.job();
    scene.ask("BEGIN");
    let answer = scene.ask(&format!("{restore}, detached"));
    assert_eq!(answer.columns, ["job_id"]);
    scene.ask("ROLLBACK");
    assert_eq!(scene.job(), before);
    scene.ask("BEGIN");
    scene.ask(&format!("{restore}, detached"));
    scene.ask("COMMIT");
    let job = scene.job();
    assert_eq!(scene.wait(job), State::Succeeded);
    assert_eq!(scene.rows("SELECT count(*) FROM copy.public.parent"), ["100"]);
    scene.server.settings.apply(settings::FEATURE_RESTORE, Some("false".into()));
    let e = scene.refused(restore);
    assert_eq!(e.code(), sqlstate::OPERATOR_INTERVENTION);
    assert_eq!(e.message(), "feature RESTORE was disabled by the database administrator");
}

#[test]
fn a_paused_restore_goes_on_or_leaves_nothing() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    let restore =
        "RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c' WITH new_db_name = 'copy'";
    scene.pause_at(Some("restore.before_publishing_descriptors"));
    let e = scene.refused(restore);
    assert!(e.message().contains("paused before it completed"), "{e}");
    let e = scene.refused("SELECT count(*) FROM copy.public.parent");
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    // The name is taken.
    scene.refused("CREATE DATABASE copy");
    let job = scene.job();
    scene.ask(&format!("CANCEL JOB {job}"));
    assert_eq!(scene.wait(job), State::Canceled);
    scene.ask("CREATE DATABASE copy");
    scene.ask("DROP DATABASE copy");
    scene.refused(restore);
    scene.pause_at(None);
    let job = scene.job();
    scene.ask(&format!("RESUME JOB {job}"));
    assert_eq!(scene.wait(job), State::Succeeded);
    assert_eq!(scene.rows("SELECT count(*) FROM copy.public.parent WHERE b = 'row 9'"), ["1"]);
}

#[test]
fn rows_of_a_restore_under_way_are_in_the_next_incremental() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    scene.ask("CREATE DATABASE target");
    scene.pause_at(Some("restore.before_publishing_descriptors"));
    let restore =
        "RESTORE TABLE shop.parent FROM LATEST IN 'nodelocal://1/c' WITH into_db = 'target'";
    scene.refused(restore);
    let job = scene.job();
    // The full backup sees the table offline, its rows loaded but not public.
    scene.ask("BACKUP DATABASE target INTO 'nodelocal://1/d'");
    scene.pause_at(None);
    scene.ask(&format!("RESUME JOB {job}"));
    assert_eq!(scene.wait(job), State::Succeeded);
    scene.ask("DELETE FROM target.public.parent WHERE id = 3");
    scene.ask("BACKUP DATABASE target INTO LATEST IN 'nodelocal://1/d'");
    scene.ask("RESTORE DATABASE target FROM LATEST IN 'nodelocal://1/d' WITH new_db_name = 'copy'");
    assert_eq!(scene.rows("SELECT count(*), sum(id) FROM copy.public.parent"), ["99|5047"]);
    assert_eq!(scene.rows("SELECT id FROM copy.public.parent WHERE b = 'row 4'"), ["4"]);
}

#[test]
fn who_may_look_into_a_backup() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    let mut txn = scene.server.mvcc.begin(crate::mvcc::TxnOptions::default()).unwrap();
    let bob = crate::catalog::role::Role::new(500, "bob", false);
    crate::catalog::role::write(&mut txn, &bob).unwrap();
    txn.commit().unwrap();
    let mut bob = login(&scene.server, "bob");
    for (text, verb) in [
        ("SHOW BACKUP LATEST IN 'nodelocal://1/c'", "SHOW BACKUP"),
        ("SHOW BACKUPS IN 'nodelocal://1/c'", "SHOW BACKUPS"),
        ("RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c'", "RESTORE"),
    ] {
        let e = ask(&mut bob, text).err().unwrap();
        assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
        let expected = format!(
            "only users with the admin role are allowed to {verb} from the specified nodelocal URI"
        );
        assert_eq!(e.message(), expected);
    }
}

#[test]
fn a_backup_is_verified_without_being_restored() {
    let mut scene = shop();
    scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c' WITH encryption_passphrase = 'p'");
    scene.ask("DELETE FROM shop.public.child WHERE id <= 10");
    scene.ask(
        "BACKUP DATABASE shop INTO LATEST IN 'nodelocal://1/c' WITH encryption_passphrase = 'p'",
    );
    let verify = "VERIFY BACKUP LATEST IN 'nodelocal://1/c' WITH encryption_passphrase = 'p'";
    let answer = scene.ask(verify);
    assert_eq!(answer.columns, ["path", "files", "entries", "file_bytes"]);
    let entries: Vec<String> = answer.rows.iter().map(|row| shown(&row[2])).collect();
    assert_eq!(entries, ["251", "10"]);
    let mut data = Vec::new();
    let mut folders = vec![scene.dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.to_string_lossy().ends_with(".cdf") => data.push(path),
                false => {}
            }
        }
    }
    let mut bytes = std::fs::read(&data[0]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&data[0], bytes).unwrap();
    let e = scene.refused(verify);
    assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
    assert_eq!(e.message(), "1 files of the backup cannot be restored");
    assert!(e.detail().unwrap().ends_with(".cdf (damaged)"), "{e:?}");
}

#[test]
fn old_backups_are_dropped_and_the_newest_stay() {
    let mut scene = shop();
    for _ in 0..3 {
        scene.ask("BACKUP DATABASE shop INTO 'nodelocal://1/c'");
    }
    scene.ask("BACKUP DATABASE shop INTO LATEST IN 'nodelocal://1/c'");
    let fulls = scene.rows("SHOW BACKUPS IN 'nodelocal://1/c'");
    assert_eq!(fulls.len(), 3);
    let expire = "EXPIRE BACKUPS IN 'nodelocal://1/c' OLDER THAN";
    assert!(scene.ask(&format!("{expire} '1 day'")).rows.is_empty());
    let answer = scene.ask(&format!("{expire} '1 microsecond' WITH dry_run"));
    assert_eq!(answer.columns, ["path", "end_time", "layers", "dropped"]);
    let listed: Vec<String> = answer.rows.iter().map(|row| shown(&row[0])).collect();
    assert_eq!(listed, fulls[..2]);
    assert_eq!(scene.rows("SHOW BACKUPS IN 'nodelocal://1/c'"), fulls);
    let answer = scene.ask(&format!("{expire} '1 microsecond' KEEP 2"));
    assert_eq!(answer.rows.len(), 1);
    assert_eq!(scene.rows("SHOW BACKUPS IN 'nodelocal://1/c'"), fulls[1..]);
    let last = &fulls[2];
    scene.ask("BEGIN");
    let e = scene.refused(&format!("DROP BACKUP '{last}' IN 'nodelocal://1/c'"));
    assert_eq!(e.code(), sqlstate::ACTIVE_SQL_TRANSACTION);
    scene.ask("ROLLBACK");
    let answer = scene.ask(&format!("DROP BACKUP '{last}' IN 'nodelocal://1/c'"));
    assert_eq!(answer.tags, ["DROP BACKUP"]);
    // LATEST leads to the one before.
    scene.ask("RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c' WITH new_db_name = 'copy'");
    let e = scene.refused(&format!("DROP BACKUP '{last}' IN 'nodelocal://1/c'"));
    assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
    let answer = scene.ask(&format!("DROP BACKUP IF EXISTS '{last}' IN 'nodelocal://1/c'"));
    assert_eq!(answer.notices, ["backup does not exist, skipping"]);
    scene.ask("DROP BACKUP LATEST IN 'nodelocal://1/c'");
    assert!(scene.rows("SHOW BACKUPS IN 'nodelocal://1/c'").is_empty());
    let e = scene.refused("RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/c'");
    assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
}

#[test]
fn what_earlier_versions_wrote_is_restored() {
    let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/archives");
    let mut versions = 0;
    for entry in std::fs::read_dir(archives).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.is_dir() {
            continue;
        }
        versions += 1;
        let mut scene = Scene::over(dir);
        let options = "WITH encryption_passphrase = 'open sesame'";
        scene.ask(&format!("VERIFY BACKUP LATEST IN 'nodelocal://1/sealed' {options}"));
        scene.ask(&format!("RESTORE FROM LATEST IN 'nodelocal://1/sealed' {options}"));
        scene.ask(
            "RESTORE DATABASE museum FROM LATEST IN 'nodelocal://1/plain' WITH new_db_name = 'm'",
        );
        assert_eq!(
            scene.rows("SELECT count(*) FROM system.users WHERE username = 'keeper'"),
            ["1"]
        );
        assert_eq!(scene.rows("SELECT count(*), sum(n) FROM museum.public.visit"), ["10|165"]);
        assert_eq!(scene.rows("SELECT count(*), sum(n) FROM m.public.visit"), ["490|360885"]);
        for database in ["museum", "m"] {
            scene.ask(&format!("SET database = {database}"));
            assert_eq!(
                scene.rows("SELECT id, name, born::text, country FROM artist ORDER BY id"),
                [
                    "1|Ada|1815-12-10|unknown",
                    "2|Béla|1881-03-25|unknown",
                    "3|Chiyo|NULL|unknown",
                    "4|Dora|NULL|unknown"
                ]
            );
            assert_eq!(
                scene.rows(
                    "SELECT id::text, price, tags::text, facts::text, picture::text, weight::text, \
                     shown, loan::text, label FROM wing.piece ORDER BY id"
                ),
                [
                    "00000000-0000-0000-0000-000000000001|1843.00|{brass,NULL,gear}|\
                     {\"parts\": [1, 2.50, \"x\"]}|\\x00ff10|12.5|true|\
                     1 year 2 mons 3 days 04:05:06|Engine!",
                    "00000000-0000-0000-0000-000000000002|21.00|{}|null|\\x|NaN|true|-1 days|\
                     Quartet '4'!",
                    "00000000-0000-0000-0000-000000000003|7.50|NULL|NULL|NULL|NULL|false|NULL|\
                     Well bucket!"
                ]
            );
            assert_eq!(
                scene.rows("SELECT name, title, price FROM shown ORDER BY title"),
                ["Ada|Engine|1843.00", "Béla|Quartet '4'|21.00"]
            );
            // Through an index, by a foreign key, and from a sequence.
            let text = "SELECT price FROM wing.piece WHERE title = 'Engine'";
            assert_eq!(scene.rows(text), ["1843.00"]);
            scene.ask("DELETE FROM artist WHERE name = 'Ada'");
            assert_eq!(scene.rows("SELECT count(*) FROM wing.piece"), ["2"]);
            let text = "INSERT INTO artist (name) VALUES ('Eva') RETURNING id";
            assert_eq!(scene.rows(text), ["5"]);
        }
    }
    assert!(versions > 0);
}
