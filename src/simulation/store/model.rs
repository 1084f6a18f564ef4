//! The same story told by commit times.
//!
//! Commits are put in the order of their times. Then every look must show the state of its time,
//! and what a serializable transaction looked at must also be the state just before its own commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::history::{Level, Outcome};
use super::record::{Look, Record, Rows, all_receipts};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::Span;
use crate::kv::Access;
use crate::mvcc::{Changed, ExportRequest, Exporter, Mvcc};

/// Every version of every key, oldest first.
type Versions = BTreeMap<Vec<u8>, Vec<(Timestamp, Option<Vec<u8>>)>>;

/// What a run was about, to see that a simulation simulates something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) committed: u64,
    pub(super) aborted: u64,
    /// Ends that were not known, and came true or not.
    pub(super) unknown_kept: u64,
    pub(super) unknown_lost: u64,
    pub(super) looks: u64,
}

/// Compares a record with what the store has in the end. Unless the changelog is `exact`, it may
/// name keys of large commits that came to nothing.
pub(super) fn judge(
    record: &Record,
    mvcc: &Arc<Mvcc>,
    exact: bool,
    findings: &mut Vec<String>,
) -> Result<Counts> {
    let mut model = Model { record, times: Vec::new(), versions: Versions::new(), findings };
    let counts = model.learn_times(mvcc)?;
    model.tell();
    model.check_looks();
    model.check_store(mvcc, exact)?;
    Ok(counts)
}

struct Model<'a> {
    record: &'a Record,
    /// When each transaction that wrote took effect.
    times: Vec<Option<Timestamp>>,
    versions: Versions,
    findings: &'a mut Vec<String>,
}

impl Model<'_> {
    /// Asks the receipts which transactions took effect, and when.
    fn learn_times(&mut self, mvcc: &Arc<Mvcc>) -> Result<Counts> {
        let mut receipts = BTreeMap::new();
        let snapshot = mvcc.snapshot(mvcc.visible())?;
        let mut scan = snapshot.scan(&all_receipts(), false, Access::Range)?;
        while scan.next()? {
            let number = scan.key().last_chunk::<4>().map_or(u32::MAX, |n| u32::from_be_bytes(*n));
            receipts.insert(number as usize, scan.timestamp());
        }
        let mut counts = Counts::default();
        for (number, trace) in self.record.traces.iter().enumerate() {
            let found = receipts.remove(&number);
            let outcome = self.record.history.transactions[number].outcome;
            counts.looks += trace.looks.len() as u64;
            match (outcome, found) {
                (Outcome::Committed, _) => counts.committed += 1,
                (Outcome::Aborted, _) => counts.aborted += 1,
                (Outcome::Unknown, Some(_)) => counts.unknown_kept += 1,
                (Outcome::Unknown, None) => counts.unknown_lost += 1,
            }
            let expected = (!trace.writes.is_empty()).then_some(trace.committed).flatten();
            let finding = match (outcome, expected, found) {
                (Outcome::Committed, Some(_), None) => Some("was acknowledged and is lost"),
                (Outcome::Committed, expected, found) if expected != found => {
                    Some("was committed at another time than acknowledged")
                }
                (Outcome::Aborted, _, Some(_)) => Some("was rolled back and is there"),
                _ => None,
            };
            if let Some(finding) = finding {
                self.findings.push(format!("T{number} {finding}: {expected:?}, {found:?}"));
            }
            self.times.push(found.or(expected));
        }
        if !receipts.is_empty() {
            self.findings.push(format!("receipts of nobody: {receipts:?}"));
        }
        Ok(counts)
    }

    /// Puts the commits in the order of their times.
    fn tell(&mut self) {
        let mut commits: Vec<(Timestamp, usize)> = Vec::new();
        for (number, at) in self.times.iter().enumerate() {
            commits.extend(at.map(|at| (at, number)));
        }
        commits.sort_unstable();
        for pair in commits.windows(2) {
            if pair[0].0 == pair[1].0 {
                self.findings.push(format!("two commits at one time: {pair:?}"));
            }
        }
        for (at, number) in commits {
            for (key, value) in &self.record.traces[number].writes {
                self.versions.entry(key.clone()).or_default().push((at, value.clone()));
            }
        }
    }

    /// What somebody sees at a time, with own writes over it.
    fn rows(&self, look: &Look, at: Timestamp) -> Rows {
        let mut rows = Rows::new();
        let Span { start, end } = look.span.clone();
        for (key, versions) in self.versions.range(start..end) {
            let later = versions.partition_point(|(time, _)| *time <= at);
            if let Some((_, Some(value))) = later.checked_sub(1).map(|place| &versions[place]) {
                rows.insert(key.clone(), value.clone());
            }
        }
        for (key, value) in &look.own {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows
    }

    fn check_looks(&mut self) {
        let mut findings = Vec::new();
        for (number, trace) in self.record.traces.iter().enumerate() {
            let seen = &self.record.history.transactions[number];
            let held = match (seen.outcome, self.times[number]) {
                (_, Some(at)) => Some(at.prev()),
                (Outcome::Committed, None) => trace.committed,
                _ => None,
            };
            let wrote = self.times[number].is_some();
            for look in &trace.looks {
                let locked = look.at.is_none();
                let until_commit = !look.forgotten
                    && ((locked && wrote) || (!locked && seen.level == Level::Serializable));
                let held = held.filter(|_| until_commit);
                for (at, when) in [(look.at, "at its time"), (held, "at its commit")] {
                    let Some(at) = at else { continue };
                    let rows = self.rows(look, at);
                    if rows != look.rows {
                        findings.push(format!(
                            "T{number} saw in {:?} {:?}, but {when} {at} there was {rows:?} \
                             (committed {:?})",
                            look.span, look.rows, self.times[number]
                        ));
                    }
                }
            }
        }
        self.findings.extend(findings);
    }

    /// What the store has, and what it hands to a backup, is what was committed since the line.
    fn check_store(&mut self, mvcc: &Arc<Mvcc>, exact: bool) -> Result<()> {
        let (after, upto) = (mvcc.gc_threshold(&Span::all()), mvcc.visible());
        let mut expected = Vec::new();
        for (key, versions) in &self.versions {
            let since = versions.iter().rev().filter(|(at, _)| *at > after);
            expected.extend(since.map(|(at, value)| (key.clone(), *at, value.clone())));
        }
        let request = ExportRequest { span: Span::all(), after, upto, all_versions: true };
        let found = exported(mvcc.export(request)?)?;
        if expected != found {
            let finding = format!("the store has\n  {found:?}, committed was\n  {expected:?}");
            self.findings.push(finding);
        }
        let keys: BTreeSet<Vec<u8>> = expected.iter().map(|(key, ..)| key.clone()).collect();
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        let changed = mvcc.changed_keys(&Span::all(), after, upto, 1 << 20)?;
        let Changed::Keys(changed) = changed else {
            self.findings.push(format!("the changelog says {changed:?}"));
            return Ok(());
        };
        if exact && changed != keys {
            self.findings.push(format!("the changelog says {changed:?}, changed were {keys:?}"));
        }
        let found = exported(mvcc.export_keys(changed, after, upto, true)?)?;
        if expected != found {
            let finding =
                format!("the changelog led to\n  {found:?}, committed was\n  {expected:?}");
            self.findings.push(finding);
        }
        Ok(())
    }
}

type Version = (Vec<u8>, Timestamp, Option<Vec<u8>>);

/// All that an export gives.
fn exported(mut exporter: Exporter) -> Result<Vec<Version>> {
    let mut found = Vec::new();
    while let Some(row) = exporter.next()? {
        found.push((row.key.to_vec(), row.at, row.value.map(<[u8]>::to_vec)));
    }
    Ok(found)
}
