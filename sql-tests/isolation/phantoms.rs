//! What a serializable transaction has looked for and not found, or not all of: ranges, full
//! scans, absent rows, parents of foreign keys, unique values.

use super::{Actor, LEVELS, Stage, code};

/// A transaction looks, another writes what it would have found, the first writes elsewhere.
#[track_caller]
fn conflict(stage: &Stage, look: &str, write: &str) -> Result<(), String> {
    let reader = stage.begun("SERIALIZABLE");
    reader.run(look);
    stage.watch.run(write);
    reader.run("INSERT INTO elsewhere DEFAULT VALUES");
    reader.try_commit()
}

fn stage_with_index() -> Stage {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE elsewhere (id SERIAL PRIMARY KEY)");
    stage.watch.run("CREATE TABLE t (id INT PRIMARY KEY, k INT, u INT UNIQUE, note TEXT)");
    stage.watch.run("CREATE INDEX t_k ON t (k)");
    stage.watch.run("INSERT INTO t SELECT i, i * 10, i * 100, 'x' FROM generate_series(1, 20) i");
    stage
}

#[test]
fn whatever_was_looked_at_counts() {
    let stage = stage_with_index();
    let mut id = 100;
    for look in [
        "SELECT * FROM t WHERE k BETWEEN 50 AND 60",
        "SELECT count(*) FROM t WHERE k > 50 AND k < 60",
        "SELECT sum(k) FROM t",
        "SELECT * FROM t WHERE note = 'absent'",
        "SELECT max(id) FROM t",
        "SELECT * FROM t WHERE k = 55",
        "SELECT 1 WHERE EXISTS (SELECT FROM t WHERE k = 55)",
        "SELECT * FROM elsewhere e JOIN t ON t.k = 55",
        "UPDATE t SET note = 'seen' WHERE k = 55",
        "SELECT * FROM t WHERE k > 50 ORDER BY k FOR UPDATE",
    ] {
        id += 1;
        let write = format!("INSERT INTO t VALUES ({id}, 55, {}, 'absent')", id * 100);
        assert_eq!(conflict(&stage, look, &write), Err("40001".to_owned()), "{look}");
        stage.watch.run(&format!("DELETE FROM t WHERE id = {id}"));
    }
}

#[test]
fn an_absent_row_counts_and_so_does_an_absent_unique_value() {
    let stage = stage_with_index();
    for (look, write) in [
        ("SELECT * FROM t WHERE id = 31", "INSERT INTO t VALUES (31, 1, 1, '')"),
        ("SELECT * FROM t WHERE u = 7", "INSERT INTO t VALUES (32, 2, 7, '')"),
        ("DELETE FROM t WHERE u = 8", "INSERT INTO t VALUES (33, 3, 8, '')"),
        ("SELECT * FROM t WHERE k = 777", "UPDATE t SET k = 777 WHERE id = 3"),
        ("SELECT * FROM t WHERE id = 4", "DELETE FROM t WHERE id = 4"),
        ("SELECT * FROM t WHERE id IN (5, 99)", "INSERT INTO t VALUES (99, 4, 4, '')"),
    ] {
        assert_eq!(conflict(&stage, look, write), Err("40001".to_owned()), "{look}");
    }
}

#[test]
fn what_was_not_looked_at_does_not_count() {
    let stage = stage_with_index();
    for (look, write) in [
        ("SELECT * FROM t WHERE id = 1", "UPDATE t SET note = 'y' WHERE id = 2"),
        ("SELECT * FROM t WHERE k BETWEEN 50 AND 60", "INSERT INTO t VALUES (40, 61, 40, '')"),
        ("SELECT * FROM t WHERE u = 41", "INSERT INTO t VALUES (41, 1, 42, '')"),
        ("SELECT * FROM t ORDER BY id LIMIT 2", "INSERT INTO t VALUES (43, 1, 43, '')"),
    ] {
        assert_eq!(conflict(&stage, look, write), Ok(()), "{look} / {write}");
    }
}

#[test]
fn a_transaction_that_only_reads_never_fails() {
    let stage = stage_with_index();
    let reader = stage.begun("SERIALIZABLE");
    let before = reader.run("SELECT sum(k) FROM t");
    stage.watch.run("UPDATE t SET k = k + 1");
    assert_eq!(reader.run("SELECT sum(k) FROM t"), before);
    assert_eq!(reader.try_commit(), Ok(()));
}

#[test]
fn a_parent_cannot_go_while_a_child_comes() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE parent (id INT PRIMARY KEY)");
    stage.watch.run("CREATE TABLE child (id SERIAL PRIMARY KEY, p INT REFERENCES parent)");
    for level in LEVELS {
        stage.watch.run("DELETE FROM child; DELETE FROM parent");
        stage.watch.run("INSERT INTO parent VALUES (1), (2)");
        // The child comes first.
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("INSERT INTO child (p) VALUES (1)");
        let waiting = stage.blocked(&b, "DELETE FROM parent WHERE id = 1");
        a.commit();
        let refused = code(&waiting.answer()).to_owned();
        if level == "SERIALIZABLE" && refused.is_empty() {
            // The children were looked for in the snapshot; the commit knows better.
            assert_eq!(b.try_commit(), Err("40001".to_owned()));
        } else {
            assert_eq!(refused, "23503", "{level}");
            b.run("ROLLBACK");
        }
        // The parent goes first.
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("DELETE FROM parent WHERE id = 2");
        let waiting = stage.blocked(&b, "INSERT INTO child (p) VALUES (2)");
        a.commit();
        assert_eq!(code(&waiting.answer()), "23503", "{level}");
        b.run("ROLLBACK");
        let orphans = "SELECT count(*) FROM child LEFT JOIN parent ON parent.id = p \
                       WHERE parent.id IS NULL";
        assert_eq!(stage.watch.value(orphans), "0", "{level}");
    }
}

#[test]
fn a_child_that_the_snapshot_does_not_see_keeps_its_parent() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE parent (id INT PRIMARY KEY)");
    stage.watch.run("CREATE TABLE child (id SERIAL PRIMARY KEY, p INT REFERENCES parent)");
    stage.watch.run("INSERT INTO parent SELECT generate_series(1, 6)");
    for (i, level) in LEVELS.iter().enumerate() {
        let (with_child, gone) = (2 * i + 1, 2 * i + 2);
        let a = stage.begun(level);
        a.run("SELECT count(*) FROM child");
        stage.watch.run(&format!("INSERT INTO child (p) VALUES ({with_child})"));
        let refused = outcome(&a, &format!("DELETE FROM parent WHERE id = {with_child}"));
        let expected = if *level == "READ COMMITTED" { "23503" } else { "40001" };
        assert_eq!(refused, expected, "{level}");
        // A parent that the snapshot still sees is gone all the same.
        let a = stage.begun(level);
        a.run("SELECT count(*) FROM parent");
        stage.watch.run(&format!("DELETE FROM parent WHERE id = {gone}"));
        let refused = outcome(&a, &format!("INSERT INTO child (p) VALUES ({gone})"));
        let expected = if *level == "SERIALIZABLE" { "40001" } else { "23503" };
        assert_eq!(refused, expected, "{level}");
    }
}

/// The code with which a statement or, if not it, the commit after it is refused.
#[track_caller]
fn outcome(actor: &Actor, sql: &str) -> String {
    let refused = actor.db.rows(sql).and_then(|_| actor.db.rows("COMMIT"));
    let code = refused.err().map(|e| e.code).unwrap_or_default();
    actor.run("ROLLBACK");
    code
}

#[test]
fn one_of_two_equal_unique_values_is_refused() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE u (id SERIAL PRIMARY KEY, v INT UNIQUE)");
    for (i, level) in LEVELS.iter().enumerate() {
        let insert = format!("INSERT INTO u (v) VALUES ({i})");
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run(&insert);
        let waiting = stage.blocked(&b, &insert);
        a.run("ROLLBACK");
        assert_eq!(code(&waiting.answer()), "", "{level}: the first was given up");
        let c = stage.begun(level);
        let waiting = stage.blocked(&c, &insert);
        b.commit();
        assert_eq!(code(&waiting.answer()), "23505", "{level}");
        c.run("ROLLBACK");
        let upsert = stage.begun(level);
        upsert.run(&format!("{insert} ON CONFLICT DO NOTHING"));
        upsert.commit();
    }
    assert_eq!(stage.watch.value("SELECT count(*) FROM u"), "3");
}

#[test]
fn who_looked_for_a_unique_value_first_is_told_to_try_again() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE u (id SERIAL PRIMARY KEY, v INT UNIQUE)");
    for (i, level) in LEVELS.iter().enumerate() {
        let a = stage.begun(level);
        assert_eq!(a.pairs(&format!("SELECT * FROM u WHERE v = {i}")), "");
        stage.watch.run(&format!("INSERT INTO u (v) VALUES ({i})"));
        let refused = a.code(&format!("INSERT INTO u (v) VALUES ({i})"));
        assert_eq!(refused, if *level == "READ COMMITTED" { "23505" } else { "40001" }, "{level}");
        a.run("ROLLBACK");
    }
}

#[test]
fn a_statement_moves_forward_when_nothing_that_was_read_has_changed() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let a = stage.begun(level);
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10");
        stage.watch.run("UPDATE test SET value = 99 WHERE id = 2");
        // The row is newer than the snapshot; what was read is not.
        a.run("UPDATE test SET value = value + 1 WHERE id = 2");
        a.commit();
        assert_eq!(stage.rows(), "1=10 2=100", "{level}");
    }
}
