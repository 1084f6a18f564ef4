//! Who is told to try again, and who never hears of it: refresh, silent retry, and the hint.

use super::{LEVELS, Stage, code};
use crate::wire::Session;

#[test]
fn a_transaction_that_is_pushed_often_commits_all_the_same() {
    let stage = Stage::new();
    stage.reset();
    stage.watch.run("INSERT INTO test SELECT i, 0 FROM generate_series(3, 60) i");
    for level in LEVELS {
        let a = stage.begun(level);
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10");
        // Every row that it comes to is newer than what it saw last.
        for id in 3..=60 {
            stage.watch.run(&format!("UPDATE test SET value = value + 1 WHERE id = {id}"));
            a.run(&format!("UPDATE test SET value = value + 1 WHERE id = {id}"));
        }
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10");
        a.commit();
    }
    assert_eq!(stage.watch.value("SELECT sum(value) FROM test WHERE id > 2"), (58 * 6).to_string());
}

#[test]
fn what_was_read_is_moved_forward_at_the_commit() {
    let stage = Stage::new();
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    // A read of nothing, one of a row, a range; then others write right beside.
    a.run("SELECT * FROM test WHERE id = 100");
    a.run("SELECT * FROM test WHERE id = 1");
    a.run("SELECT count(*) FROM test WHERE id BETWEEN 200 AND 300");
    stage.watch.run("INSERT INTO test VALUES (99, 0), (101, 0), (199, 0), (301, 0)");
    stage.watch.run("UPDATE test SET value = 21 WHERE id = 2");
    a.run("UPDATE test SET value = 11 WHERE id = 1");
    a.commit();
    // One of them within.
    let b = stage.begun("SERIALIZABLE");
    b.run("SELECT count(*) FROM test WHERE id BETWEEN 200 AND 300");
    b.run("UPDATE test SET value = 12 WHERE id = 1");
    stage.watch.run("INSERT INTO test VALUES (250, 0)");
    assert_eq!(b.try_commit(), Err("40001".to_owned()));
}

#[test]
fn a_write_that_was_taken_back_invalidates_nothing() {
    let stage = Stage::new();
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    a.run("SELECT * FROM test");
    let other = stage.begun("SERIALIZABLE");
    other.run("UPDATE test SET value = 0; INSERT INTO test VALUES (3, 0)");
    other.run("ROLLBACK");
    a.run("UPDATE test SET value = 11 WHERE id = 1");
    a.commit();
    assert_eq!(stage.rows(), "1=11 2=20");
}

#[test]
fn the_first_statement_of_a_block_is_run_again_in_silence() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let holder = stage.begun(level);
        holder.run("UPDATE test SET value = value + 1");
        let a = stage.begun(level);
        a.run("SET LOCAL application_name = 'kept'");
        // It read both rows, by no key, before it waited.
        let waiting = stage.blocked(&a, "UPDATE test SET value = value * 2 WHERE value > 0");
        holder.commit();
        assert_eq!(code(&waiting.answer()), "", "{level}");
        assert_eq!(a.run("SHOW application_name"), [["kept"]], "{level}");
        a.commit();
        assert_eq!(stage.rows(), "1=22 2=42", "{level}");
    }
}

#[test]
fn several_statements_of_one_message_are_one_transaction() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = value + 1 WHERE id = 2");
    let a = stage.actor();
    let both = "UPDATE test SET value = value + 1 WHERE id = 1; \
                UPDATE test SET value = value + 1 WHERE value < 100 AND id = 2";
    let waiting = stage.blocked(&a, both);
    holder.commit();
    assert_eq!(code(&waiting.answer()), "");
    assert_eq!(stage.rows(), "1=11 2=22");
}

#[test]
fn a_prepared_statement_is_run_again_in_silence_too() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = value + 1");
    let url = stage.server.url.clone();
    let thread = std::thread::spawn(move || {
        Session::open(&url).with(async |client| {
            let sql = "UPDATE test SET value = value * $1 WHERE value > $2 RETURNING id";
            client.query(sql, &[&2_i32, &0_i32]).await.map(|rows| rows.len())
        })
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    stage.until(waits, "1");
    holder.commit();
    assert_eq!(thread.join().expect("no panic").expect("an update"), 2);
    assert_eq!(stage.rows(), "1=22 2=42");
}

#[test]
fn whoever_must_try_again_is_told_how() {
    let stage = Stage::new();
    stage.reset();
    for (mine, others) in [
        // Told by the statement, and by the commit.
        ("UPDATE test SET value = 0 WHERE id = 1", "UPDATE test SET value = value + 1"),
        ("INSERT INTO test VALUES (7, 7); COMMIT", "UPDATE test SET value = value + 1"),
    ] {
        let a = stage.begun("SERIALIZABLE");
        a.run("SELECT * FROM test");
        stage.watch.run(others);
        let error = a.db.with(async |client| client.batch_execute(mine).await);
        let error = error.expect_err("a conflict");
        let error = error.as_db_error().expect("an error of the server");
        assert_eq!(error.code().code(), "40001", "{mine}");
        assert_eq!(error.hint(), Some("The transaction might succeed if retried."), "{mine}");
    }
}

#[test]
fn an_answer_that_is_on_its_way_is_not_taken_back() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE wide (id INT PRIMARY KEY, t TEXT)");
    stage.watch.run("INSERT INTO wide SELECT i, repeat('x', 1000) FROM generate_series(1, 3000) i");
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE wide SET t = 'y' WHERE id = 3000");
    let reader = stage.begun("SERIALIZABLE");
    // Three megabytes went to the client before the last row's lock was asked for.
    let waiting = stage.blocked(&reader, "SELECT * FROM wide FOR UPDATE");
    holder.commit();
    let answer = waiting.answer();
    if let Ok(rows) = &answer {
        assert_eq!(rows.len(), 3000);
        assert_eq!(rows[2999][1], "y", "the row that was waited for is the new one");
    } else {
        assert_eq!(code(&answer), "40001");
    }
}
