//! One row of one table: its constraints and every place where it is stored.

use std::sync::Arc;

use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::TableCodec;
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::mvcc::{Isolation, LockMode, Locked, WaitPolicy};
use crate::sql::exec::Run;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::exec::write::effects::Effects;
use crate::sql::exec::write::foreign_key::{Incoming, Outgoing};
use crate::sql::exec::write::form::FormRow;
use crate::sql::exec::write::violation;
use crate::types::Datum;

/// Writes rows of a table.
pub struct TableWriter {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// The name of its schema, for errors.
    pub schema: String,
    /// Rows to bytes.
    pub codec: Arc<TableCodec>,
    /// Positions of the primary key.
    pub primary: Vec<usize>,
    /// The secondary indexes.
    pub indexes: Vec<IndexWriter>,
    /// CHECK constraints over a row.
    pub checks: Vec<(String, Expr)>,
    /// Generated columns over a row, for changes that follow from foreign keys.
    pub computed: Vec<(usize, Expr)>,
    /// Foreign keys of this table.
    pub outgoing: Vec<Outgoing>,
    /// Foreign keys that reference this table.
    pub incoming: Vec<Incoming>,
    /// Forms that its rows are being given.
    pub forms: Vec<FormRow>,
}

/// A secondary index.
pub struct IndexWriter {
    /// The index.
    pub index: IndexDescriptor,
    /// Positions of its key columns.
    pub key: Vec<usize>,
    /// Positions of all columns that its entries depend on, those of the predicate excepted.
    pub uses: Vec<usize>,
    /// Which rows it covers; all if `None`.
    pub predicate: Option<Expr>,
}

/// An index entry.
type Entry = (Key, Vec<u8>);

impl IndexWriter {
    /// Of an index over a table.
    pub fn new(table: &TableDescriptor, index: &IndexDescriptor, predicate: Option<Expr>) -> Self {
        let columns = index.columns.iter().map(|c| c.column);
        let key: Vec<usize> = columns.filter_map(|c| table.position(c)).collect();
        let mut uses = key.clone();
        uses.extend(index.storing.iter().filter_map(|c| table.position(*c)));
        IndexWriter { index: index.clone(), key, uses, predicate }
    }

    /// The entry of a row, if the index covers it.
    fn entry(
        &self,
        codec: &TableCodec,
        row: &[Datum],
        run: &mut Run<'_, '_>,
    ) -> Result<Option<Entry>> {
        if !self.covers(row, run)? {
            return Ok(None);
        }
        codec.index_entries(&self.index, row).map(Some)
    }

    /// Whether the index has an entry for a row.
    pub fn covers(&self, row: &[Datum], run: &mut Run<'_, '_>) -> Result<bool> {
        Ok(match &self.predicate {
            None => true,
            Some(predicate) => {
                matches!(predicate.datum(run, Row::Datums(row))?, Datum::Bool(true))
            }
        })
    }

    /// Whether no two rows may agree with this one.
    pub fn is_enforced(&self, row: &[Datum]) -> bool {
        self.index.unique && self.key.iter().all(|p| row.get(*p).is_some_and(|d| !d.is_null()))
    }
}

impl TableWriter {
    /// The key of a row.
    pub fn primary_key(&self, row: &[Datum]) -> Result<Key> {
        self.codec.primary_key_of_row(row)
    }

    /// NOT NULL and CHECK.
    pub fn check(&self, row: &[Datum], run: &mut Run<'_, '_>) -> Result<()> {
        for (column, value) in self.table.columns.iter().zip(row) {
            if value.is_null() && (!column.nullable || self.table.refuses_new_nulls(column.id)) {
                let format = &run.ctx.eval.session.format;
                return Err(violation::not_null(
                    &self.table,
                    &self.schema,
                    &column.name,
                    row,
                    format,
                ));
            }
        }
        for (name, predicate) in &self.checks {
            if matches!(predicate.datum(run, Row::Datums(row))?, Datum::Bool(false)) {
                let format = &run.ctx.eval.session.format;
                return Err(violation::check(&self.table, &self.schema, name, row, format));
            }
        }
        Ok(())
    }

    /// Locks a unique key and makes sure that no row has it. The newest version counts, whatever
    /// the snapshot sees; one that only the snapshot does not see is a reason to run again, so that
    /// a transaction that looked first gets 40001 rather than 23505.
    fn claim(
        &self,
        table: &TableDescriptor,
        key: &[u8],
        index: &IndexDescriptor,
        row: &[Datum],
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let txn = &mut *run.ctx.txn;
        let newest = txn.get_latest_locked(key, LockMode::Exclusive, WaitPolicy::Wait)?;
        if matches!(newest, Locked::Skipped | Locked::Value(None)) {
            return Ok(());
        }
        if txn.get(key)?.is_none() {
            return Err(Error::serialization(
                "could not serialize access due to concurrent update",
            ));
        }
        let format = &run.ctx.eval.session.format;
        Err(violation::unique(table, &self.schema, index, row, format))
    }

    /// Makes ready to write an index entry. Whoever holds the row's lock owns its entries, but in
    /// READ COMMITTED the row may be newer than the snapshot, and then so are they.
    fn own_entry(&self, key: &[u8], run: &mut Run<'_, '_>) -> Result<()> {
        if run.ctx.txn.isolation() == Isolation::ReadCommitted {
            run.ctx.txn.get_latest_locked(key, LockMode::Exclusive, WaitPolicy::Wait)?;
        }
        Ok(())
    }

    /// Adds a row whose constraints were checked and whose primary entry was encoded.
    pub fn insert(
        &self,
        row: &[Datum],
        primary: Entry,
        effects: &mut Effects,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let (key, value) = primary;
        self.claim(&self.table, &key, &self.table.primary_index, row, run)?;
        run.ctx.txn.put(key, value)?;
        self.occupy_forms(row, run)?;
        for index in &self.indexes {
            if let Some((key, value)) = index.entry(&self.codec, row, run)? {
                if index.is_enforced(row) {
                    self.claim(&self.table, &key, &index.index, row, run)?;
                } else {
                    self.own_entry(&key, run)?;
                }
                run.ctx.txn.put(key, value)?;
            }
        }
        for (i, foreign_key) in self.outgoing.iter().enumerate() {
            effects.references(self, i, foreign_key, row, run)?;
        }
        Ok(())
    }

    /// Removes a row.
    pub fn delete(
        &self,
        row: &[Datum],
        effects: &mut Effects,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let key = self.primary_key(row)?;
        run.ctx.txn.delete(key)?;
        self.vacate_forms(row, run)?;
        for index in &self.indexes {
            if let Some((key, _)) = index.entry(&self.codec, row, run)? {
                self.own_entry(&key, run)?;
                run.ctx.txn.delete(key)?;
            }
        }
        for (i, foreign_key) in self.incoming.iter().enumerate() {
            effects.abandons(self, i, foreign_key, row, None, run)?;
        }
        Ok(())
    }

    /// Works out what changing a row takes, after its constraints were checked.
    pub fn change(
        &self,
        old: Vec<Datum>,
        new: Vec<Datum>,
        changed: &[usize],
        run: &mut Run<'_, '_>,
    ) -> Result<Change> {
        let old_key = self.primary_key(&old)?;
        let (new_key, new_value) = self.codec.encode_primary(&new)?;
        let moves = old_key != new_key;
        let mut indexes = Vec::new();
        for (i, index) in self.indexes.iter().enumerate() {
            let touched = moves
                || index.predicate.is_some()
                || index.uses.iter().any(|p| changed.contains(p));
            if !touched {
                continue;
            }
            let before = index.entry(&self.codec, &old, run)?;
            let after = index.entry(&self.codec, &new, run)?;
            if before != after {
                indexes.push((i, before, after));
            }
        }
        Ok(Change {
            old,
            new,
            old_key: moves.then_some(old_key),
            primary: (new_key, new_value),
            indexes,
        })
    }

    /// Takes away the keys that a changed row no longer has.
    pub fn vacate(&self, change: &Change, run: &mut Run<'_, '_>) -> Result<()> {
        if let Some(old_key) = &change.old_key {
            run.ctx.txn.delete(old_key.clone())?;
        }
        self.vacate_forms(&change.old, run)?;
        for (_, before, after) in &change.indexes {
            if let Some((key, _)) = before
                && after.as_ref().is_none_or(|(new, _)| new != key)
            {
                self.own_entry(key, run)?;
                run.ctx.txn.delete(key.clone())?;
            }
        }
        Ok(())
    }

    /// Writes a changed row.
    pub fn occupy(
        &self,
        change: Change,
        effects: &mut Effects,
        run: &mut Run<'_, '_>,
    ) -> Result<Vec<Datum>> {
        let Change { old, new, old_key, primary: (key, value), indexes } = change;
        if old_key.is_some() {
            self.claim(&self.table, &key, &self.table.primary_index, &new, run)?;
        }
        run.ctx.txn.put(key, value)?;
        self.occupy_forms(&new, run)?;
        for (i, before, after) in indexes {
            let (Some(index), Some((key, value))) = (self.indexes.get(i), after) else { continue };
            let is_new = before.is_none_or(|(old, _)| old != key);
            if is_new && index.is_enforced(&new) {
                self.claim(&self.table, &key, &index.index, &new, run)?;
            } else {
                self.own_entry(&key, run)?;
            }
            run.ctx.txn.put(key, value)?;
        }
        for (i, foreign_key) in self.outgoing.iter().enumerate() {
            if differ(&old, &new, &foreign_key.columns) {
                effects.references(self, i, foreign_key, &new, run)?;
            }
        }
        for (i, foreign_key) in self.incoming.iter().enumerate() {
            if differ(&old, &new, &foreign_key.columns) {
                effects.abandons(self, i, foreign_key, &old, Some(&new), run)?;
            }
        }
        Ok(new)
    }

    /// Writes a row in the forms that the table is being given.
    fn occupy_forms(&self, row: &[Datum], run: &mut Run<'_, '_>) -> Result<()> {
        for form in &self.forms {
            let made = form.row(row, false, &mut |e, r| e.datum(run, Row::Datums(r)))?;
            if let Some(column) = form.null_at(&made).and_then(|p| form.table.columns.get(p)) {
                let format = &run.ctx.eval.session.format;
                let (table, name) = (&form.table, &column.name);
                return Err(violation::not_null(table, &self.schema, name, &made, format));
            }
            let entries = form.entries(&made, &mut |e, r| e.datum(run, Row::Datums(r)))?;
            for (number, key, value) in entries {
                match form.indexes.get(number) {
                    Some(index) if form.is_enforced(number, &made) => {
                        self.claim(&form.table, &key, index, &made, run)?;
                    }
                    _ => self.own_entry(&key, run)?,
                }
                run.ctx.txn.put(key, value)?;
            }
        }
        Ok(())
    }

    /// Takes a row away from the forms that the table is being given.
    fn vacate_forms(&self, row: &[Datum], run: &mut Run<'_, '_>) -> Result<()> {
        for form in &self.forms {
            let made = form.row(row, true, &mut |e, r| e.datum(run, Row::Datums(r)));
            let made = match made {
                Ok(made) => made,
                // It has no value in the new form, so it has never been there.
                Err(e) if e.code().class() == "22" => continue,
                Err(e) => return Err(e),
            };
            let entries = form.entries(&made, &mut |e, r| e.datum(run, Row::Datums(r)))?;
            for (_, key, _) in entries {
                self.own_entry(&key, run)?;
                run.ctx.txn.delete(key)?;
            }
        }
        Ok(())
    }

    /// Whether a change of these columns can move a row within a unique key, so that old keys are
    /// given up before new ones are claimed.
    pub fn moves_unique_keys(&self, changed: &[usize]) -> bool {
        let forms = self.forms.iter().any(|f| f.indexes.iter().skip(1).any(|i| i.unique));
        forms
            || changed.iter().any(|p| {
                self.primary.contains(p)
                    || self.indexes.iter().any(|i| i.index.unique && i.key.contains(p))
            })
    }
}

/// A row about to be changed, with all that is written for it.
pub struct Change {
    old: Vec<Datum>,
    new: Vec<Datum>,
    /// The old key, if the row moves.
    old_key: Option<Key>,
    primary: Entry,
    /// Index number, entry before and after.
    indexes: Vec<(usize, Option<Entry>, Option<Entry>)>,
}

impl Change {
    /// The key that the row will have.
    pub fn key(&self) -> &Key {
        &self.primary.0
    }

    /// The key that the row has.
    pub fn old_key(&self) -> &Key {
        self.old_key.as_ref().unwrap_or(&self.primary.0)
    }
}

/// Whether two rows differ in some columns.
pub fn differ(old: &[Datum], new: &[Datum], columns: &[usize]) -> bool {
    columns.iter().any(|p| match (old.get(*p), new.get(*p)) {
        (Some(a), Some(b)) => !a.same(b),
        _ => true,
    })
}
