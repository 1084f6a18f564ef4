//! Filling indexes that nobody can see yet.
//!
//! A few rows are written like any others, in the transaction. Many are sorted and loaded past it
//! in runs: sorted files of versions as old as the transaction's snapshot, which count for nobody
//! until the descriptor that names their index is committed. What an attempt that failed has left
//! behind is cleared: at once if it was rolled back, else by the next one that takes its number.

use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::TableCodec;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{IndexId, Key, Span, index_span};
use crate::kv::Access;
use crate::mvcc::{Mvcc, Snapshot};
use crate::sql::exec::eval::Expr;
use crate::sql::statement::Work;
use crate::sql::statement::table::duplicate::duplicate;
use crate::sql::statement::table::expression;
use crate::types::Datum;

/// Entries gathered before they are loaded as a sorted run, in bytes. Little in tests, so that a
/// thousand rows make several runs.
const RUN_BYTES: usize = if cfg!(test) { 16 << 10 } else { 48 << 20 };

/// Entries that are few enough to be written by the transaction itself, in bytes.
const FEW_BYTES: usize = if cfg!(test) { 4 << 10 } else { 2 << 20 };

/// What an entry takes besides its bytes.
const ENTRY_BYTES: usize = 64;

/// Fills indexes of a table.
pub(in crate::sql::statement) struct Loader {
    schema: String,
    codec: Arc<TableCodec>,
    mvcc: Arc<Mvcc>,
    catalog: Arc<CatalogSnapshot>,
    targets: Vec<Target>,
    /// Of the loaded versions.
    at: Timestamp,
    bytes: usize,
    rows: u64,
}

/// One index being filled.
struct Target {
    index: IndexDescriptor,
    primary: bool,
    predicate: Option<Expr>,
    span: Span,
    entries: Vec<(Key, Vec<u8>)>,
    /// The highest key that was loaded, once a run was.
    highest: Option<Key>,
}

impl Loader {
    /// Begins to fill some indexes of a table as it will be.
    pub fn new(
        work: &mut Work<'_>,
        table: &Arc<TableDescriptor>,
        codec: &Arc<TableCodec>,
        indexes: &[IndexId],
    ) -> Result<Loader> {
        let catalog = work.catalog()?;
        let mvcc = Arc::clone(&work.server.mvcc);
        let newest = mvcc.snapshot(mvcc.visible())?;
        let mut targets = Vec::with_capacity(indexes.len());
        for index in table.all_indexes().filter(|i| indexes.contains(&i.id)) {
            let span = index_span(table.id, index.id);
            if newest.scan(&span, false, Access::Range)?.next()? {
                mvcc.clear_span(&span)?;
            }
            let predicate = match &index.predicate {
                Some(sql) => Some(expression::compile(work, &catalog, sql, table)?),
                None => None,
            };
            targets.push(Target {
                primary: index.id == table.primary_index.id,
                index: index.clone(),
                predicate,
                span,
                entries: Vec::new(),
                highest: None,
            });
        }
        let schema =
            catalog.schema_any_state(table.schema).map_or_else(String::new, |s| s.name.clone());
        Ok(Loader {
            schema,
            codec: Arc::clone(codec),
            at: work.txn.read_timestamp(),
            mvcc,
            catalog,
            targets,
            bytes: 0,
            rows: 0,
        })
    }

    /// Adds a row of the table.
    pub fn add(&mut self, work: &mut Work<'_>, row: &[Datum]) -> Result<()> {
        self.rows += 1;
        for target in &mut self.targets {
            if let Some(predicate) = &target.predicate {
                let covered = expression::value(work, &self.catalog, predicate, row)?;
                if !matches!(covered, Datum::Bool(true)) {
                    continue;
                }
            }
            let (key, value) = match target.primary {
                true => self.codec.encode_primary(row)?,
                false => self.codec.index_entries(&target.index, row)?,
            };
            self.bytes += key.len() + value.len() + ENTRY_BYTES;
            target.entries.push((key, value));
        }
        if self.bytes >= RUN_BYTES {
            self.load(work)?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self, work: &mut Work<'_>) -> Result<u64> {
        let few = self.bytes < FEW_BYTES && self.targets.iter().all(|t| t.highest.is_none());
        if !few {
            self.load(work)?;
            return Ok(self.rows);
        }
        for at in 0..self.targets.len() {
            self.sort(work, at)?;
            let entries = self.targets.get_mut(at).map(|t| std::mem::take(&mut t.entries));
            for (key, value) in entries.unwrap_or_default() {
                work.txn.put(key, value)?;
            }
        }
        Ok(self.rows)
    }

    /// Sorts the entries of an index; 23505 if two of them have one key.
    fn sort(&mut self, work: &Work<'_>, at: usize) -> Result<()> {
        let Some(target) = self.targets.get_mut(at) else { return Ok(()) };
        target.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let twice = target.entries.windows(2).find_map(|pair| match pair {
            [a, b] if a.0 == b.0 => Some(a.clone()),
            _ => None,
        });
        match twice {
            Some((key, value)) => Err(self.duplicate(work, at, &key, &value)),
            None => Ok(()),
        }
    }

    /// Loads what was gathered as one sorted run for each index.
    fn load(&mut self, work: &mut Work<'_>) -> Result<()> {
        work.interrupt.check()?;
        let mut loaded: Option<Snapshot> = None;
        for at in 0..self.targets.len() {
            self.sort(work, at)?;
            let Some(target) = self.targets.get_mut(at) else { continue };
            let entries = std::mem::take(&mut target.entries);
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
            match &target.highest {
                None => {
                    let (mvcc, span) = (Arc::clone(&self.mvcc), target.span.clone());
                    work.txn.on_rollback(move || {
                        if let Err(error) = mvcc.clear_span(&span) {
                            tracing::warn!(%error, "rows of an abandoned index stay for now");
                        }
                    });
                    work.txn.mark_span_written(target.span.clone())?;
                }
                // Earlier runs may have the same keys: find out before they hide each other.
                Some(highest) if first.0 <= *highest => {
                    let highest = highest.clone();
                    if loaded.is_none() {
                        loaded = Some(self.mvcc.snapshot(self.at)?);
                    }
                    for (key, value) in entries.iter().take_while(|(key, _)| *key <= highest) {
                        if let Some(earlier) = &loaded
                            && earlier.get(key)?.is_some()
                        {
                            return Err(self.duplicate(work, at, key, value));
                        }
                    }
                }
                Some(_) => {}
            }
            let mut writer = self.mvcc.bulk_writer(self.at)?;
            for (key, value) in &entries {
                writer.put(key, value)?;
            }
            writer.finish()?;
            if let Some(target) = self.targets.get_mut(at)
                && target.highest.as_ref().is_none_or(|highest| *highest < last.0)
            {
                target.highest = Some(last.0.clone());
            }
        }
        self.bytes = 0;
        Ok(())
    }

    fn duplicate(&self, work: &Work<'_>, at: usize, key: &[u8], value: &[u8]) -> Error {
        let Some(target) = self.targets.get(at) else {
            return Error::internal("an index went missing");
        };
        let names = (self.schema.as_str(), &*self.codec);
        duplicate(names, &target.index, (key, value), work.session)
    }
}
