//! The Hermitage list: G0, G1a, G1b, G1c, OTV, PMP, P4, G-single, G2-item, G2.
//!
//! Where PostgreSQL fails the first statement of a transaction with 40001, Cairn runs it again on
//! a fresh snapshot: nothing was read before that could contradict it.

use super::{LEVELS, Stage, code};

#[test]
fn g0_dirty_writes() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        let waiting = stage.blocked(&b, "UPDATE test SET value = 12 WHERE id = 1");
        a.run("UPDATE test SET value = 21 WHERE id = 2");
        a.commit();
        assert_eq!(stage.rows(), "1=11 2=21", "{level}");
        assert_eq!(code(&waiting.answer()), "", "{level}");
        b.run("UPDATE test SET value = 22 WHERE id = 2");
        b.commit();
        assert_eq!(stage.rows(), "1=12 2=22", "{level}");
    }
}

#[test]
fn g1a_aborted_reads() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = 101 WHERE id = 1");
        assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20", "{level}");
        a.run("ROLLBACK");
        assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20", "{level}");
        b.commit();
    }
}

#[test]
fn g1b_intermediate_reads() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = 101 WHERE id = 1");
        assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20", "{level}");
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        a.commit();
        let later = if level == "READ COMMITTED" { "1=11 2=20" } else { "1=10 2=20" };
        assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), later, "{level}");
        b.commit();
    }
}

#[test]
fn g1c_circular_information_flow() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        b.run("UPDATE test SET value = 22 WHERE id = 2");
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 2"), "2=20", "{level}");
        assert_eq!(b.pairs("SELECT * FROM test WHERE id = 1"), "1=10", "{level}");
        a.commit();
        let second = b.try_commit();
        if level == "SERIALIZABLE" {
            assert_eq!(second, Err("40001".to_owned()));
        } else {
            assert_eq!(second, Ok(()), "{level}");
        }
    }
}

#[test]
fn otv_observed_transactions_do_not_vanish() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        a.run("UPDATE test SET value = 19 WHERE id = 2");
        let waiting = stage.blocked(&b, "UPDATE test SET value = 12 WHERE id = 1");
        a.commit();
        assert_eq!(code(&waiting.answer()), "", "{level}");
        let c = stage.begun(level);
        assert_eq!(c.pairs("SELECT * FROM test WHERE id = 1"), "1=11", "{level}");
        b.run("UPDATE test SET value = 18 WHERE id = 2");
        assert_eq!(c.pairs("SELECT * FROM test WHERE id = 2"), "2=19", "{level}");
        b.commit();
        let later = if level == "READ COMMITTED" { "1=12 2=18" } else { "1=11 2=19" };
        assert_eq!(c.pairs("SELECT * FROM test ORDER BY id DESC LIMIT 1"), &later[5..], "{level}");
        assert_eq!(c.pairs("SELECT * FROM test ORDER BY id"), later, "{level}");
        c.commit();
    }
}

#[test]
fn pmp_predicates_of_reads() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        assert_eq!(a.pairs("SELECT * FROM test WHERE value = 30"), "", "{level}");
        b.run("INSERT INTO test VALUES (3, 30)");
        b.commit();
        let later = if level == "READ COMMITTED" { "3=30" } else { "" };
        assert_eq!(a.pairs("SELECT * FROM test WHERE value % 3 = 0"), later, "{level}");
        a.commit();
    }
}

#[test]
fn pmp_predicates_of_writes() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        assert_eq!(b.pairs("SELECT * FROM test WHERE id = 2"), "2=20", "{level}");
        a.run("UPDATE test SET value = value + 10");
        let waiting = stage.blocked(&b, "DELETE FROM test WHERE value = 20");
        a.commit();
        let deleted = waiting.answer();
        if level == "READ COMMITTED" {
            // The statement is run again on one snapshot, in which the first row has the value.
            assert_eq!(code(&deleted), "");
            assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), "2=30");
            b.commit();
        } else {
            assert_eq!(code(&deleted), "40001", "{level}");
            b.run("ROLLBACK");
            assert_eq!(stage.rows(), "1=20 2=30", "{level}");
        }
    }
}

#[test]
fn p4_lost_updates() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        for actor in [&a, &b] {
            assert_eq!(actor.pairs("SELECT * FROM test WHERE id = 1"), "1=10", "{level}");
        }
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        let waiting = stage.blocked(&b, "UPDATE test SET value = 12 WHERE id = 1");
        a.commit();
        let second = waiting.answer();
        if level == "READ COMMITTED" {
            assert_eq!(code(&second), "");
            b.commit();
            assert_eq!(stage.rows(), "1=12 2=20");
        } else {
            assert_eq!(code(&second), "40001", "{level}");
            assert_eq!(b.code("SELECT 1"), "25P02");
            b.run("ROLLBACK");
            assert_eq!(stage.rows(), "1=11 2=20", "{level}");
        }
    }
}

#[test]
fn increments_that_read_what_they_write_are_not_lost_at_any_level() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        a.run("UPDATE test SET value = value + 1 WHERE id = 1");
        let waiting = stage.blocked(&b, "UPDATE test SET value = value + 1 WHERE id = 1");
        a.commit();
        assert_eq!(code(&waiting.answer()), "", "{level}");
        b.commit();
        assert_eq!(stage.rows(), "1=12 2=20", "{level}");
    }
}

#[test]
fn g_single_read_skew() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10", "{level}");
        assert_eq!(b.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20", "{level}");
        b.run("UPDATE test SET value = 12 WHERE id = 1");
        b.run("UPDATE test SET value = 18 WHERE id = 2");
        b.commit();
        let later = if level == "READ COMMITTED" { "2=18" } else { "2=20" };
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 2"), later, "{level}");
        a.commit();
    }
}

#[test]
fn g_single_with_predicates() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        assert_eq!(a.pairs("SELECT * FROM test WHERE value % 5 = 0 ORDER BY id"), "1=10 2=20");
        b.run("UPDATE test SET value = 12 WHERE value = 10");
        b.commit();
        let later = if level == "READ COMMITTED" { "1=12" } else { "" };
        assert_eq!(a.pairs("SELECT * FROM test WHERE value % 3 = 0"), later, "{level}");
        a.commit();
    }
}

#[test]
fn g_single_with_a_write_by_predicate() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10", "{level}");
        b.run("UPDATE test SET value = 12 WHERE id = 1");
        b.run("UPDATE test SET value = 18 WHERE id = 2");
        b.commit();
        if level == "READ COMMITTED" {
            assert_eq!(a.pairs("DELETE FROM test WHERE value = 20 RETURNING id"), "");
            a.commit();
        } else {
            assert_eq!(a.code("DELETE FROM test WHERE value = 20"), "40001", "{level}");
            a.run("ROLLBACK");
        }
        assert_eq!(stage.rows(), "1=12 2=18", "{level}");
    }
}

#[test]
fn g2_item_write_skew() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        for actor in [&a, &b] {
            let both = "SELECT * FROM test WHERE id IN (1, 2) ORDER BY id";
            assert_eq!(actor.pairs(both), "1=10 2=20", "{level}");
        }
        a.run("UPDATE test SET value = 11 WHERE id = 1");
        b.run("UPDATE test SET value = 21 WHERE id = 2");
        a.commit();
        if level == "SERIALIZABLE" {
            assert_eq!(b.try_commit(), Err("40001".to_owned()));
            assert_eq!(stage.rows(), "1=11 2=20");
        } else {
            assert_eq!(b.try_commit(), Ok(()), "{level}");
            assert_eq!(stage.rows(), "1=11 2=21", "{level}");
        }
    }
}

#[test]
fn g2_write_skew_through_a_predicate() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.reset();
        let (a, b) = (stage.begun(level), stage.begun(level));
        for actor in [&a, &b] {
            assert_eq!(actor.pairs("SELECT * FROM test WHERE value % 3 = 0"), "", "{level}");
        }
        a.run("INSERT INTO test VALUES (3, 30)");
        b.run("INSERT INTO test VALUES (4, 42)");
        a.commit();
        if level == "SERIALIZABLE" {
            assert_eq!(b.try_commit(), Err("40001".to_owned()));
        } else {
            assert_eq!(b.try_commit(), Ok(()), "{level}");
        }
    }
}

#[test]
fn g2_with_two_edges_through_a_reader() {
    let stage = Stage::new();
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    assert_eq!(a.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20");
    let b = stage.begun("SERIALIZABLE");
    b.run("UPDATE test SET value = value + 5 WHERE id = 2");
    b.commit();
    let c = stage.begun("SERIALIZABLE");
    assert_eq!(c.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=25");
    c.commit();
    a.run("UPDATE test SET value = 0 WHERE id = 1");
    assert_eq!(a.try_commit(), Err("40001".to_owned()));
    assert_eq!(stage.rows(), "1=10 2=25");
}

#[test]
fn a_session_is_told_the_level_that_it_has() {
    let stage = Stage::new();
    for level in LEVELS {
        let actor = stage.begun(level);
        let shown = actor.run("SHOW transaction_isolation");
        assert_eq!(shown, [[level.to_lowercase()]]);
        actor.commit();
    }
    // What one does not have is not claimed: nobody reads what is not committed.
    let actor = stage.begun("READ UNCOMMITTED");
    assert_eq!(actor.run("SHOW transaction_isolation"), [["read committed"]]);
    actor.commit();
    let plain = stage.actor();
    assert_eq!(plain.run("SHOW transaction_isolation"), [["serializable"]]);
}

#[test]
fn a_locking_read_does_not_mix_two_moments() {
    let stage = Stage::new();
    for second in ["SELECT * FROM test WHERE id = 2 FOR UPDATE", "UPDATE test SET value = value"] {
        stage.reset();
        let a = stage.begun("SERIALIZABLE");
        assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10");
        stage.watch.run("UPDATE test SET value = value + 5");
        assert_eq!(a.code(second), "40001", "{second}");
        a.run("ROLLBACK");
    }
    // Nothing that was read has changed: the next statement is as new as the locked row.
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 99"), "");
    stage.watch.run("UPDATE test SET value = value + 5");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 2 FOR UPDATE"), "2=25");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=15");
    a.commit();
    // What is read in the same statement counts too, though nothing is written.
    let a = stage.begun("SERIALIZABLE");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 99"), "");
    stage.watch.run("UPDATE test SET value = value + 5");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 2 FOR UPDATE"), "2=30");
    stage.watch.run("INSERT INTO test VALUES (99, 0)");
    assert_eq!(a.try_commit(), Err("40001".to_owned()));
}
