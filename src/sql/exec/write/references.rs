//! Rows that are there already, held against a foreign key: for a constraint that comes to a table
//! with rows, and for the check of a whole store.

use std::collections::HashSet;

use crate::catalog::descriptor::{ForeignKey, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sql::exec::write::foreign_key::ParentKey;
use crate::sql::exec::write::violation;
use crate::types::{Datum, SessionFormat};

/// Parents known to exist that are remembered, so that a million rows with a hundred parents cost
/// a hundred lookups.
const PARENTS_REMEMBERED: usize = 100_000;

/// What is wrong with what a row refers to.
pub enum Flaw {
    /// Some of its columns are NULL and others are not, under MATCH FULL.
    Partial,
    /// There is no parent with these values.
    NoParent(Vec<Datum>),
}

/// The referencing side of a foreign key.
pub struct References<'k> {
    /// The constraint.
    pub key: &'k ForeignKey,
    positions: Vec<usize>,
    parent: ParentKey,
    known: HashSet<Key>,
}

impl<'k> References<'k> {
    /// Of a table's rows.
    pub fn new(table: &TableDescriptor, key: &'k ForeignKey, parent: ParentKey) -> Self {
        let positions = key.columns.iter().filter_map(|c| table.position(*c)).collect();
        References { key, positions, parent, known: HashSet::new() }
    }

    /// What is wrong with a row, if something is. `exists` looks for a parent.
    pub fn flaw(
        &mut self,
        row: &[Datum],
        exists: impl FnOnce(&[u8]) -> Result<bool>,
    ) -> Result<Option<Flaw>> {
        let values: Vec<Datum> =
            self.positions.iter().map(|p| row.get(*p).cloned().unwrap_or(Datum::Null)).collect();
        let nulls = values.iter().filter(|v| v.is_null()).count();
        if nulls == values.len() || (nulls > 0 && !self.key.match_full) {
            return Ok(None);
        }
        if nulls > 0 {
            return Ok(Some(Flaw::Partial));
        }
        if let Some(at) = self.parent.key(&values)? {
            if self.known.contains(&at) {
                return Ok(None);
            }
            if exists(&at)? {
                if self.known.len() < PARENTS_REMEMBERED {
                    self.known.insert(at);
                }
                return Ok(None);
            }
        }
        Ok(Some(Flaw::NoParent(values)))
    }

    /// The error (23503) that tells of a flaw.
    pub fn violation(
        &self,
        flaw: Flaw,
        table: &TableDescriptor,
        schema: &str,
        format: &SessionFormat,
    ) -> Error {
        let Flaw::NoParent(values) = flaw else {
            return violation::partial_key(table, schema, &self.key.name);
        };
        let text = violation::key_text(table, &self.positions, &values, format);
        let parent = &self.parent.table.name;
        violation::missing_parent(table, schema, &self.key.name, parent, &text)
    }
}
