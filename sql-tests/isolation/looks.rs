//! More ways to look, and more ways to write beneath a look: none may go unnoticed, whichever path
//! through indexes, cursors, prepared statements or schema changes it takes.

use super::{Actor, Stage};
use crate::wire::Session;

fn stage() -> Stage {
    let stage = Stage::new();
    stage.watch.run(
        "CREATE TABLE elsewhere (id SERIAL PRIMARY KEY, seen INT);
         CREATE TABLE t (id INT PRIMARY KEY, k INT, a INT, b INT, note TEXT, UNIQUE (a, b));
         CREATE INDEX t_k ON t (k);
         CREATE INDEX t_lower ON t (lower(note));
         CREATE INDEX t_partial ON t (b) WHERE k > 150;
         CREATE INDEX t_cover ON t (a) INCLUDE (note);
         CREATE VIEW seen AS SELECT k, count(*) AS n FROM t GROUP BY k",
    );
    refill(&stage);
    stage
}

fn refill(stage: &Stage) {
    stage.watch.run(
        "DELETE FROM elsewhere;
         INSERT INTO elsewhere (seen) VALUES (0);
         DELETE FROM t;
         INSERT INTO t SELECT i, i * 10, i, i % 3, 'Note ' || i FROM generate_series(1, 20) i",
    );
}

/// A transaction looks; another writes, having looked for what the first writes; the first writes.
/// If both commit, each came before the other.
#[track_caller]
fn outcome(stage: &Stage, look: impl FnOnce(&Actor), write: &str) -> Result<(), String> {
    refill(stage);
    let reader = stage.begun("SERIALIZABLE");
    look(&reader);
    let writer = stage.begun("SERIALIZABLE");
    writer.run("SELECT count(*) FROM elsewhere");
    writer.run(write);
    writer.commit();
    let written = reader.db.rows("INSERT INTO elsewhere DEFAULT VALUES");
    written.map_err(|e| e.code).and_then(|_| reader.try_commit())
}

#[test]
fn every_way_to_look_is_remembered() {
    let stage = stage();
    let insert = "INSERT INTO t VALUES (99, 55, 99, 7, 'Here')";
    let mut unnoticed = Vec::new();
    for (look, write) in [
        // The index entry stays as it is; the row behind it does not.
        ("SELECT note FROM t WHERE k = 50", "UPDATE t SET note = 'x' WHERE id = 5"),
        ("SELECT id FROM t WHERE lower(note) = 'here'", insert),
        ("SELECT note FROM t WHERE a = 99", insert),
        ("SELECT b FROM t WHERE b = 1 AND k > 150", "UPDATE t SET b = 1 WHERE id = 17"),
        ("SELECT b FROM t WHERE b = 1 AND k > 150", "UPDATE t SET k = 160 WHERE id = 1"),
        ("SELECT 1 FROM t WHERE (a, b) = (99, 7)", insert),
        ("SELECT min(k) FROM t", "INSERT INTO t VALUES (98, 1, 98, 0, '')"),
        ("SELECT max(k) FROM t", "DELETE FROM t WHERE id = 20"),
        ("SELECT count(*) FROM t", insert),
        ("SELECT avg(b), bool_and(k > 0) FROM t GROUP BY note", "UPDATE t SET b = 9 WHERE id = 3"),
        ("SELECT * FROM t ORDER BY k LIMIT 3", "INSERT INTO t VALUES (98, 15, 98, 0, '')"),
        ("SELECT * FROM t ORDER BY k DESC LIMIT 1", "INSERT INTO t VALUES (98, 999, 98, 0, '')"),
        ("SELECT n FROM seen WHERE k = 55", insert),
        ("WITH w AS (SELECT k FROM t WHERE k = 55) SELECT count(*) FROM w", insert),
        (
            "SELECT x FROM generate_series(50, 60) x WHERE NOT EXISTS (SELECT FROM t WHERE k = x)",
            insert,
        ),
        ("SELECT x, id FROM generate_series(50, 60) x LEFT JOIN t ON t.k = x", insert),
        ("SELECT (SELECT note FROM t WHERE id = 99)", insert),
        ("SELECT id FROM t WHERE k = 1 UNION ALL SELECT id FROM t WHERE k = 55", insert),
        ("SELECT id FROM t WHERE k IN (55, 56)", insert),
        ("SELECT id FROM t WHERE k = 55 OR a = 99", insert),
        ("INSERT INTO elsewhere (seen) SELECT id FROM t WHERE k = 55", insert),
        ("UPDATE elsewhere SET seen = (SELECT count(*) FROM t)", insert),
        (
            "DELETE FROM elsewhere WHERE seen = (SELECT max(k) FROM t)",
            "UPDATE t SET k = 999 WHERE id = 1",
        ),
        ("PREPARE p AS SELECT note FROM t WHERE id = $1; EXECUTE p (99); DEALLOCATE p", insert),
        ("SAVEPOINT s; SELECT * FROM t WHERE k = 55; ROLLBACK TO SAVEPOINT s", insert),
        (
            "DECLARE c CURSOR FOR SELECT * FROM t ORDER BY id; FETCH 3 FROM c",
            "DELETE FROM t WHERE id = 2",
        ),
        ("DECLARE c CURSOR FOR SELECT * FROM t; FETCH ALL FROM c", insert),
        ("SELECT id FROM t WHERE k = 50 FOR UPDATE", "INSERT INTO t VALUES (98, 50, 98, 0, '')"),
    ] {
        let refused = outcome(&stage, |reader| drop(reader.run(look)), write);
        if refused != Err("40001".to_owned()) {
            unnoticed.push((look, write, refused));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn a_look_through_the_extended_protocol_and_copy_is_remembered() {
    let stage = stage();
    let insert = "INSERT INTO t VALUES (99, 55, 99, 7, 'Here')";
    let prepared = |reader: &Actor| {
        reader.db.with(async |client| {
            let found = client.query("SELECT note FROM t WHERE id = $1", &[&99_i32]).await;
            assert!(found.expect("a query").is_empty());
        });
    };
    assert_eq!(outcome(&stage, prepared, insert), Err("40001".to_owned()));
    let copied = |reader: &Actor| {
        reader.db.copy_out("COPY (SELECT * FROM t WHERE k = 55) TO STDOUT");
    };
    assert_eq!(outcome(&stage, copied, insert), Err("40001".to_owned()));
}

#[test]
fn what_leaves_the_rows_behind_conflicts_with_who_looked_at_them() {
    let stage = stage();
    for (look, change, write) in [
        ("SELECT count(*) FROM gone", "TRUNCATE gone", "SELECT 1"),
        ("SELECT count(*) FROM gone", "DROP TABLE gone", "SELECT 1"),
        // Later writes go elsewhere than where the look was.
        ("SELECT id FROM gone WHERE k = 7", "DROP INDEX gone_k", "INSERT INTO gone VALUES (9, 7)"),
        (
            "SELECT count(*) FROM gone",
            "ALTER TABLE gone ALTER COLUMN k TYPE TEXT USING k::TEXT",
            "INSERT INTO gone VALUES (9, '7')",
        ),
    ] {
        stage.watch.run("DROP TABLE IF EXISTS gone");
        stage.watch.run("CREATE TABLE gone (id INT PRIMARY KEY, k INT)");
        stage.watch.run("CREATE INDEX gone_k ON gone (k)");
        stage.watch.run("INSERT INTO gone VALUES (1, 1), (2, 2)");
        let reader = stage.begun("SERIALIZABLE");
        reader.run(look);
        stage.watch.run(change);
        let writer = stage.begun("SERIALIZABLE");
        writer.run("SELECT count(*) FROM elsewhere");
        writer.run(write);
        writer.commit();
        let written = reader.db.rows("INSERT INTO elsewhere DEFAULT VALUES");
        let refused = written.map_err(|e| e.code).and_then(|_| reader.try_commit());
        assert_eq!(refused, Err("40001".to_owned()), "{change}");
    }
}

#[test]
fn what_was_not_looked_at_is_free() {
    let stage = stage();
    for (look, write) in [
        ("SELECT id FROM t WHERE k = 50", "UPDATE t SET k = 61 WHERE id = 6"),
        ("SELECT id FROM t WHERE (a, b) = (5, 2)", "UPDATE t SET note = '' WHERE id = 6"),
        ("SELECT id FROM t WHERE lower(note) = 'here'", "UPDATE t SET note = 'x' WHERE id = 6"),
    ] {
        assert_eq!(outcome(&stage, |reader| drop(reader.run(look)), write), Ok(()), "{look}");
    }
}

/// Does something on a thread that drives no session.
fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("a thread that does not panic"))
}

#[test]
fn rows_on_their_way_by_copy_are_nobodys_until_the_commit() {
    use futures::SinkExt as _;
    let stage = stage();
    let db = Session::open(&stage.server.url);
    db.run("CREATE TABLE filled (id INT PRIMARY KEY, t TEXT); CREATE INDEX filled_t ON filled (t)");
    let early = stage.begun("SERIALIZABLE");
    assert_eq!(early.pairs("SELECT count(*) FROM filled"), "0");
    let count = "SELECT count(*) FROM filled";
    let mut moments = Vec::new();
    db.with(async |client| {
        let sink = client.copy_in::<_, bytes::Bytes>("COPY filled FROM STDIN").await.expect("COPY");
        let mut sink = std::pin::pin!(sink);
        for part in 0..20 {
            let text: String =
                (0..2_000).map(|i| format!("{}\ttext {i}\n", part * 2_000 + i)).collect();
            sink.send(bytes::Bytes::from(text)).await.expect("COPY data");
            sink.flush().await.expect("COPY data");
            if part % 5 == 4 {
                let moment = beside(|| {
                    assert_eq!(stage.watch.value(count), "0");
                    stage.watch.value("SELECT cluster_logical_timestamp()")
                });
                moments.push(moment);
            }
        }
        sink.finish().await.expect("the end of COPY");
    });
    assert_eq!(stage.watch.value(count), "40000");
    assert_eq!(stage.watch.value(&format!("{count} WHERE t >= 'text'")), "40000");
    for at in &moments {
        for count in [count.to_owned(), format!("{count} WHERE t >= 'text'")] {
            let sql = count.replace(" filled", &format!(" filled AS OF SYSTEM TIME {at}"));
            assert_eq!(stage.watch.value(&sql), "0", "{sql}");
        }
    }
    // Who looked before sees what it saw, and cannot commit on the strength of it.
    assert_eq!(early.pairs(count), "0");
    early.run("INSERT INTO elsewhere DEFAULT VALUES");
    assert_eq!(early.try_commit(), Err("40001".to_owned()));
}
