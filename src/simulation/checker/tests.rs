//! The checker finds each anomaly in a history made by hand, and nothing in good ones.

use super::check;
use crate::simulation::history::Level::{ReadCommitted, Serializable, Snapshot};
use crate::simulation::history::Op::{Append, Delete, List, Read, Write};
use crate::simulation::history::{History, Level, Op, Outcome, Seen};

/// A transaction that overlaps with all others.
fn txn(level: Level, ops: &[Op]) -> Seen {
    Seen {
        client: 0,
        level,
        in_the_past: false,
        begun: 0,
        ended: 1_000,
        outcome: Outcome::Committed,
        ops: ops.to_vec(),
        taken_back: Vec::new(),
    }
}

fn serializable(ops: &[Op]) -> Seen {
    txn(Serializable, ops)
}

/// A transaction of certain moments.
fn timed(begun: u64, ended: u64, ops: &[Op]) -> Seen {
    Seen { begun, ended, ..serializable(ops) }
}

fn ending(outcome: Outcome, ops: &[Op]) -> Seen {
    Seen { outcome, ..serializable(ops) }
}

/// The names of what is found.
fn found(transactions: Vec<Seen>) -> Vec<&'static str> {
    let anomalies = check(&History { transactions });
    anomalies.iter().map(|anomaly| anomaly.name).collect()
}

#[test]
fn good_histories_pass() {
    assert_eq!(found(vec![]), [""; 0]);
    // One after another, with a list, a register, a deletion and a savepoint.
    let mut with_savepoint = timed(20, 29, &[List(1, vec![10]), Append(1, 11)]);
    with_savepoint.taken_back = vec![99];
    assert_eq!(
        found(vec![
            timed(0, 9, &[Append(1, 10), Write(2, 20)]),
            timed(10, 19, &[Read(2, Some(20)), Write(2, 21), Read(2, Some(21))]),
            with_savepoint,
            timed(30, 39, &[Delete(2), Read(2, None)]),
            timed(40, 49, &[List(1, vec![10, 11]), Read(2, None)]),
        ]),
        [""; 0]
    );
    // Overlapping ones may be in either order.
    let reader = serializable(&[List(1, vec![]), List(2, vec![])]);
    let writer = serializable(&[Append(1, 1), Append(2, 2)]);
    assert_eq!(found(vec![reader, writer]), [""; 0]);
    // A reader of the past need not see what was over.
    let mut past = timed(20, 29, &[List(1, vec![])]);
    past.in_the_past = true;
    assert_eq!(found(vec![timed(0, 9, &[Append(1, 1)]), past]), [""; 0]);
}

#[test]
fn g0_writes_of_two_transactions_do_not_cross() {
    let names = found(vec![
        serializable(&[Append(1, 1), Append(2, 1_002)]),
        serializable(&[Append(1, 2), Append(2, 2_001)]),
        serializable(&[List(1, vec![1, 2]), List(2, vec![2_001, 1_002])]),
    ]);
    assert_eq!(names, ["G0 (dirty write)"]);
}

#[test]
fn g1a_nobody_sees_what_was_rolled_back() {
    let aborted = ending(Outcome::Aborted, &[Append(1, 1), Write(2, 2)]);
    let names = found(vec![aborted, txn(ReadCommitted, &[List(1, vec![1]), Read(2, Some(2))])]);
    assert_eq!(names, ["G1a (aborted read)", "G1a (aborted read)"]);
    let mut back = serializable(&[Append(3, 4)]);
    back.taken_back = vec![3];
    let names = found(vec![back, serializable(&[List(3, vec![3, 4])])]);
    assert_eq!(names, ["G1a (aborted read)"]);
}

#[test]
fn g1b_nobody_sees_half_a_transaction_of_one_key() {
    let writer = serializable(&[Append(1, 1), Append(1, 2)]);
    let names = found(vec![writer, txn(ReadCommitted, &[List(1, vec![1])])]);
    assert_eq!(names, ["G1b (intermediate read)"]);
    let writer = serializable(&[Write(1, 1), Write(1, 2)]);
    let names = found(vec![writer, txn(ReadCommitted, &[Read(1, Some(1))])]);
    assert_eq!(names, ["G1b (intermediate read)"]);
}

#[test]
fn g1c_two_do_not_see_each_other() {
    let names = found(vec![
        txn(ReadCommitted, &[Append(1, 1), List(2, vec![2])]),
        txn(ReadCommitted, &[Append(2, 2), List(1, vec![1])]),
    ]);
    assert_eq!(names, ["G1c (circular information flow)"]);
}

#[test]
fn g_single_nobody_sees_half_a_transaction_of_two_keys() {
    let history = |level| {
        vec![
            serializable(&[Append(1, 1), Write(2, 2)]),
            txn(level, &[List(1, vec![1]), Read(2, None)]),
        ]
    };
    assert_eq!(found(history(Serializable)), ["G-single (read skew)"]);
    assert_eq!(found(history(Snapshot)), ["G-single (read skew)"]);
    assert_eq!(found(history(ReadCommitted)), [""; 0]);
}

#[test]
fn p4_no_update_is_lost() {
    let history = |level| {
        vec![
            txn(level, &[Read(1, None), Write(1, 5)]),
            txn(level, &[Read(1, Some(5)), Write(1, 6)]),
            txn(level, &[Read(1, Some(5)), Write(1, 7)]),
            txn(level, &[Read(1, Some(7))]),
        ]
    };
    assert!(!found(history(Serializable)).is_empty());
    let lists = |level| {
        vec![
            txn(level, &[List(1, vec![]), Append(1, 6)]),
            txn(level, &[List(1, vec![]), Append(1, 7)]),
            txn(level, &[List(1, vec![6, 7])]),
        ]
    };
    assert_eq!(found(lists(Serializable)), ["P4 (lost update)"]);
    assert_eq!(found(lists(Snapshot)), ["P4 (lost update)"]);
    assert_eq!(found(lists(ReadCommitted)), [""; 0]);
}

#[test]
fn g2_write_skew_and_phantoms_are_for_snapshots_only() {
    // An empty list that was read is a row that was not there: a phantom.
    let history = |level| {
        vec![
            txn(level, &[List(1, vec![]), List(2, vec![]), Append(1, 1)]),
            txn(level, &[List(1, vec![]), List(2, vec![]), Append(2, 2)]),
            txn(level, &[List(1, vec![1]), List(2, vec![2])]),
        ]
    };
    assert_eq!(found(history(Serializable)), ["G2 (write skew)"]);
    assert_eq!(found(history(Snapshot)), [""; 0]);
    assert_eq!(found(history(ReadCommitted)), [""; 0]);
    let registers = vec![
        serializable(&[Read(1, None), Write(2, 2)]),
        serializable(&[Read(2, None), Write(1, 1)]),
    ];
    assert_eq!(found(registers), ["G2 (write skew)"]);
}

#[test]
fn a_long_fork_is_found() {
    let names = found(vec![
        serializable(&[Append(1, 1)]),
        serializable(&[Append(2, 2)]),
        serializable(&[List(1, vec![1]), List(2, vec![])]),
        serializable(&[List(1, vec![]), List(2, vec![2])]),
    ]);
    assert_eq!(names, ["G2 (write skew)"]);
}

#[test]
fn a_circle_of_many_is_found_and_told() {
    let count = 9;
    let link = |i: u32| {
        let next = (i + 1) % count;
        serializable(&[List(i, vec![]), Append(next, u64::from(next) + 100)])
    };
    let mut transactions: Vec<Seen> = (0..count).map(link).collect();
    transactions.push(serializable(
        &(0..count).map(|i| List(i, vec![u64::from(i) + 100])).collect::<Vec<_>>(),
    ));
    let anomalies = check(&History { transactions });
    assert_eq!(anomalies.len(), 1);
    let told = anomalies[0].to_string();
    assert!(told.starts_with("G2 (write skew)\n"), "{told}");
    for i in 0..count {
        assert!(told.contains(&format!("T{i} saw nothing of k{i}, not yet")), "{told}");
    }
}

#[test]
fn real_time_counts() {
    let stale = vec![timed(0, 9, &[Append(1, 1)]), timed(10, 19, &[List(1, vec![])])];
    assert_eq!(
        found([stale, vec![timed(30, 39, &[List(1, vec![1])])]].concat()),
        ["G-single against real time (stale read)"]
    );
    let early = vec![
        timed(10, 19, &[Append(1, 1)]),
        timed(0, 9, &[Append(1, 2)]),
        timed(20, 29, &[List(1, vec![1, 2])]),
    ];
    assert_eq!(found(early), ["G0 against real time"]);
}

#[test]
fn an_acknowledged_append_is_not_lost() {
    let names = found(vec![timed(0, 9, &[Append(1, 1)]), timed(10, 19, &[List(1, vec![])])]);
    assert_eq!(names, ["lost append"]);
}

#[test]
fn an_unknown_end_is_all_or_nothing() {
    let unknown = ending(Outcome::Unknown, &[Append(1, 1), Append(2, 2)]);
    let all = serializable(&[List(1, vec![1]), List(2, vec![2])]);
    let nothing = serializable(&[List(1, vec![]), List(2, vec![])]);
    let half = timed(1_001, 1_002, &[List(1, vec![1]), List(2, vec![])]);
    assert_eq!(found(vec![unknown.clone(), all.clone()]), [""; 0]);
    assert_eq!(found(vec![unknown.clone(), nothing]), [""; 0]);
    assert_eq!(found(vec![unknown, half, all]), ["G-single (read skew)"]);
}

#[test]
fn orders_and_values_that_cannot_be_are_found() {
    let reads = |a: &[u64], b: &[u64]| {
        vec![
            serializable(&[Append(1, 1)]),
            serializable(&[Append(1, 2)]),
            serializable(&[List(1, a.to_vec())]),
            serializable(&[List(1, b.to_vec())]),
        ]
    };
    assert!(found(reads(&[1, 2], &[2])).contains(&"incompatible orders"));
    assert!(found(reads(&[1, 1], &[])).contains(&"an element twice in a list"));
    assert!(found(reads(&[1, 2, 3], &[])).contains(&"garbage read"));
}

#[test]
fn a_transaction_agrees_with_itself() {
    let unsteady =
        |level| vec![txn(level, &[Read(1, None), Read(1, Some(2))]), txn(level, &[Write(1, 2)])];
    assert!(found(unsteady(Snapshot)).contains(&"internal contradiction"));
    assert_eq!(found(unsteady(ReadCommitted)), [""; 0]);
    let forgetful = vec![txn(ReadCommitted, &[Append(1, 1), List(1, vec![])])];
    assert_eq!(found(forgetful), ["internal contradiction"]);
    let forgetful = vec![txn(ReadCommitted, &[Write(1, 1), Read(1, None)])];
    assert_eq!(found(forgetful), ["internal contradiction"]);
}
