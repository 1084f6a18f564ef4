//! What a statement owes to foreign keys: collected row by row, settled at its end.
//!
//! Parents that must exist are looked up in the order of their keys, each under a shared lock.
//! Referencing rows of abandoned keys are deleted or changed as the constraint says (which may
//! abandon further keys), and whatever may not be referenced any more is checked last.

use std::collections::{BTreeMap, VecDeque};

use crate::catalog::descriptor::ReferentialAction;
use crate::error::Result;
use crate::keys::{Key, TableId};
use crate::mvcc::{LockMode, Locked, WaitPolicy};
use crate::sql::exec::Run;
use crate::sql::exec::column::datum_bytes;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::write::cascade::{self, referencing};
use crate::sql::exec::write::foreign_key::{Incoming, Outgoing};
use crate::sql::exec::write::writer::TableWriter;
use crate::sql::exec::write::{Writers, pick, violation};
use crate::types::Datum;

/// What is still to be settled.
#[derive(Default)]
pub struct Effects {
    /// By referencing table and number of the foreign key: parents' keys and the values.
    parents: BTreeMap<(TableId, usize), BTreeMap<Key, Vec<Datum>>>,
    /// Keys that no longer exist, in the order in which they went.
    abandoned: VecDeque<Abandoned>,
    charge: Charge,
}

/// A referenced key that went away.
pub struct Abandoned {
    /// The table that had it.
    pub table: TableId,
    /// The number of the incoming foreign key.
    pub foreign_key: usize,
    /// The values that it had.
    pub old: Vec<Datum>,
    /// The values that the row has now, if it was changed rather than deleted.
    pub new: Option<Vec<Datum>>,
}

impl Effects {
    /// A row references a parent.
    pub fn references(
        &mut self,
        writer: &TableWriter,
        number: usize,
        foreign_key: &Outgoing,
        row: &[Datum],
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let values = pick(row, &foreign_key.columns);
        let nulls = values.iter().filter(|v| v.is_null()).count();
        if nulls > 0 {
            if foreign_key.match_full && nulls < values.len() {
                return Err(violation::partial_key(
                    &writer.table,
                    &writer.schema,
                    &foreign_key.name,
                ));
            }
            return Ok(());
        }
        let Some(key) = foreign_key.parent.key(&values)? else {
            return Err(missing(writer, foreign_key, &values, run));
        };
        let known = self.parents.entry((writer.table.id, number)).or_default();
        if let std::collections::btree_map::Entry::Vacant(entry) = known.entry(key) {
            let bytes = entry.key().len() + values.iter().map(datum_bytes).sum::<usize>() + 64;
            entry.insert(values);
            self.charge.add(bytes, run)?;
        }
        Ok(())
    }

    /// A row that may have been referenced was deleted, or changed its key.
    pub fn abandons(
        &mut self,
        writer: &TableWriter,
        number: usize,
        foreign_key: &Incoming,
        old: &[Datum],
        new: Option<&[Datum]>,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let values = foreign_key.values(old);
        if values.iter().any(Datum::is_null) {
            return Ok(());
        }
        self.charge.add(values.iter().map(datum_bytes).sum::<usize>() + 64, run)?;
        self.abandoned.push_back(Abandoned {
            table: writer.table.id,
            foreign_key: number,
            old: values,
            new: new.map(|row| foreign_key.values(row)),
        });
        Ok(())
    }

    /// Does what is owed: cascades first, then checks.
    pub fn settle(mut self, writers: &Writers, run: &mut Run<'_, '_>) -> Result<()> {
        let mut forbidden: Vec<Abandoned> = Vec::new();
        while let Some(first) = self.abandoned.pop_front() {
            run.check()?;
            let writer = writers.get(first.table)?;
            let Some(foreign_key) = writer.incoming.get(first.foreign_key) else { continue };
            let action = match first.new {
                None => foreign_key.on_delete,
                Some(_) => foreign_key.on_update,
            };
            match action {
                ReferentialAction::NoAction | ReferentialAction::Restrict => forbidden.push(first),
                _ => {
                    // Without an index one pass over the referencing table serves many keys.
                    let mut group = vec![first];
                    while let Some(next) = self.abandoned.front()
                        && let Some(head) = group.first()
                        && next.table == head.table
                        && next.foreign_key == head.foreign_key
                        && next.new.is_some() == head.new.is_some()
                        && let Some(next) = self.abandoned.pop_front()
                    {
                        group.push(next);
                    }
                    cascade::follow(foreign_key, action, &group, writers, &mut self, run)?;
                }
            }
        }
        self.check_parents(writers, run)?;
        check_forbidden(&forbidden, writers, run)
    }

    fn check_parents(&self, writers: &Writers, run: &mut Run<'_, '_>) -> Result<()> {
        for ((table, number), keys) in &self.parents {
            let writer = writers.get(*table)?;
            let Some(foreign_key) = writer.outgoing.get(*number) else { continue };
            for (key, values) in keys {
                let parent =
                    run.ctx.txn.get_latest_locked(key, LockMode::Shared, WaitPolicy::Wait)?;
                if !matches!(parent, Locked::Value(Some(_))) {
                    return Err(missing(writer, foreign_key, values, run));
                }
            }
            run.check()?;
        }
        Ok(())
    }
}

fn missing(
    writer: &TableWriter,
    foreign_key: &Outgoing,
    values: &[Datum],
    run: &Run<'_, '_>,
) -> crate::error::Error {
    let format = &run.ctx.eval.session.format;
    let key = violation::key_text(&writer.table, &foreign_key.columns, values, format);
    violation::missing_parent(
        &writer.table,
        &writer.schema,
        &foreign_key.name,
        &foreign_key.parent.table.name,
        &key,
    )
}

/// NO ACTION and RESTRICT: nobody may reference these keys. With NO ACTION another row may have
/// taken the key over in the meantime.
fn check_forbidden(
    forbidden: &[Abandoned],
    writers: &Writers,
    run: &mut Run<'_, '_>,
) -> Result<()> {
    let mut rest = forbidden;
    while let Some(first) = rest.first() {
        let count = rest
            .iter()
            .take_while(|a| a.table == first.table && a.foreign_key == first.foreign_key)
            .count();
        let (group, after) = rest.split_at(count);
        rest = after;
        let writer = writers.get(first.table)?;
        let Some(foreign_key) = writer.incoming.get(first.foreign_key) else { continue };
        let mut gone = Vec::with_capacity(group.len());
        for abandoned in group {
            let action = match abandoned.new {
                None => foreign_key.on_delete,
                Some(_) => foreign_key.on_update,
            };
            let back = action == ReferentialAction::NoAction
                && match foreign_key.parent.key(&abandoned.old)? {
                    Some(key) => run.ctx.txn.get(&key)?.is_some(),
                    None => false,
                };
            if !back {
                gone.push(abandoned);
            }
        }
        let keys: Vec<&[Datum]> = gone.iter().map(|a| &a.old[..]).collect();
        let (found, _) = referencing(foreign_key, &keys, Some(1), run)?;
        if let Some((number, _)) = found.first() {
            let values = keys.get(*number).copied().unwrap_or_default();
            let format = &run.ctx.eval.session.format;
            let key = violation::key_text(&writer.table, &foreign_key.columns, values, format);
            return Err(violation::still_referenced(
                &writer.table,
                &foreign_key.child_table,
                &foreign_key.child_schema,
                &foreign_key.name,
                &key,
            ));
        }
    }
    Ok(())
}
