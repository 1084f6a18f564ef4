//! Thousands of seeds, and the proof that broken promises are noticed.

use std::collections::BTreeMap;

use super::super::disk::Lie;
use super::super::seeds;
use super::model::Counts;
use super::plan::Fault;
use super::run::{Verdict, run};
use crate::mvcc::Isolation;

fn sound(seed: u64) -> Result<Verdict, String> {
    let verdict = run(seed, Fault::None);
    if verdict.findings.is_empty() { Ok(verdict) } else { Err(verdict.findings.join("\n")) }
}

#[test]
fn transactions_keep_their_promises_over_crashes() {
    let verdicts =
        seeds("store::tests::transactions_keep_their_promises_over_crashes", 2_500, sound);
    let mut sum = Counts::default();
    for Verdict { counts, .. } in &verdicts {
        sum.committed += counts.committed;
        sum.aborted += counts.aborted;
        sum.unknown_kept += counts.unknown_kept;
        sum.unknown_lost += counts.unknown_lost;
        sum.looks += counts.looks;
    }
    println!("{} seeds: {sum:?}", verdicts.len());
    if verdicts.len() > 500 {
        let seeds = verdicts.len() as u64;
        assert!(sum.committed > 5 * seeds && sum.aborted > seeds, "{sum:?}");
        assert!(sum.unknown_kept > seeds / 100 && sum.unknown_lost > seeds / 100, "{sum:?}");
    }
}

#[test]
fn a_seed_goes_the_same_way_twice() {
    for seed in 0..40 {
        let (once, again) = (run(seed, Fault::None), run(seed, Fault::None));
        assert_eq!((once.digest, once.counts), (again.digest, again.counts), "seed {seed}");
    }
}

/// How many seeds notice a fault, and by which names the checker calls it.
fn noticed(fault: Fault, seeds: u64) -> (u64, BTreeMap<&'static str, u64>) {
    let mut names = BTreeMap::new();
    let mut count = 0;
    for seed in 0..seeds {
        let verdict = run(seed, fault);
        count += u64::from(!verdict.findings.is_empty());
        for name in verdict.anomalies {
            *names.entry(name).or_default() += 1;
        }
    }
    println!("{fault:?}: {count} of {seeds} seeds, {names:?}");
    (count, names)
}

#[test]
fn a_level_weaker_than_promised_is_noticed() {
    let (_, names) = noticed(Fault::Weak(Isolation::Snapshot), 150);
    assert!(names.contains_key("G2 (write skew)"), "{names:?}");
    assert!(!names.contains_key("P4 (lost update)"), "{names:?}");
    let (_, names) = noticed(Fault::Weak(Isolation::ReadCommitted), 150);
    assert!(names.contains_key("G-single (read skew)"), "{names:?}");
    assert!(names.contains_key("P4 (lost update)"), "{names:?}");
}

#[test]
fn a_disk_or_clock_that_lies_is_noticed() {
    let (count, names) = noticed(Fault::Disk(Lie::NoSync), 60);
    assert!(count > 10 && names.contains_key("lost append"), "{names:?}");
    let (count, _) = noticed(Fault::Disk(Lie::TornBatch), 150);
    assert!(count > 0);
    let (count, _) = noticed(Fault::Clock, 100);
    assert!(count > 0);
}
