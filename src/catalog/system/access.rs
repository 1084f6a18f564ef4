//! Reading and writing rows of system tables within a transaction or a snapshot.

use super::SystemTable;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::kv::Access;
use crate::mvcc::{LockMode, Locked, Snapshot, Txn, WaitPolicy};
use crate::types::Datum;

/// Takes a key and its value, and answers whether to go on.
pub type EachPair<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool>;

/// Whatever rows can be read from: a transaction, or the state of a moment.
pub trait Reader {
    /// The value of a key.
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Hands every pair of a span, in order, to `each`, until it answers `false`.
    fn walk(&mut self, span: &Span, each: EachPair<'_>) -> Result<()>;
}

impl Reader for Txn {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get(key)
    }

    fn walk(&mut self, span: &Span, each: EachPair<'_>) -> Result<()> {
        let mut scan = self.scan(span, false)?;
        while scan.next()? {
            if !each(scan.key(), scan.value())? {
                break;
            }
        }
        Ok(())
    }
}

impl Reader for Snapshot {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get(key)
    }

    fn walk(&mut self, span: &Span, each: EachPair<'_>) -> Result<()> {
        let mut scan = self.scan(span, false, Access::Range)?;
        while scan.next()? {
            if !each(scan.key(), scan.value())? {
                break;
            }
        }
        Ok(())
    }
}

impl SystemTable {
    /// The row with a primary key.
    pub fn get(&self, from: &mut impl Reader, key: &[Datum]) -> Result<Option<Vec<Datum>>> {
        let codec = self.codec()?;
        let key = codec.primary_key(key)?;
        from.read(&key)?.map(|value| codec.decode_row(&key, &value)).transpose()
    }

    /// The rows whose primary key begins with these values, in order.
    pub fn scan(&self, from: &mut impl Reader, prefix: &[Datum]) -> Result<Vec<Vec<Datum>>> {
        let mut rows = Vec::new();
        self.for_each(from, prefix, &mut |row| {
            rows.push(row);
            Ok(true)
        })?;
        Ok(rows)
    }

    /// As [`SystemTable::scan`], one row at a time, until `each` answers `false`.
    pub fn for_each(
        &self,
        from: &mut impl Reader,
        prefix: &[Datum],
        each: &mut dyn FnMut(Vec<Datum>) -> Result<bool>,
    ) -> Result<()> {
        let codec = self.codec()?;
        let index = &self.descriptor().primary_index;
        let (lower, upper) = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        let span = codec.index_prefix_span(index, prefix, lower, upper)?;
        from.walk(&span, &mut |key, value| each(codec.decode_row(key, value)?))
    }

    /// The rows that a secondary index finds under these values, in the index's order.
    pub fn scan_index(
        &self,
        from: &mut impl Reader,
        index: &str,
        prefix: &[Datum],
    ) -> Result<Vec<Vec<Datum>>> {
        let codec = self.codec()?;
        let index = self.descriptor().index_named(index).ok_or_else(|| {
            Error::internal(format!("system table {} has no index {index}", self.name()))
        })?;
        let (lower, upper) = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        let span = codec.index_prefix_span(index, prefix, lower, upper)?;
        let mut keys = Vec::new();
        from.walk(&span, &mut |key, value| {
            keys.push(codec.primary_key_from_index_entry(index, key, value)?);
            Ok(true)
        })?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let value = from.read(&key)?.ok_or_else(|| {
                Error::corrupt(format!("index {} points to a row that is not there", index.name))
            })?;
            rows.push(codec.decode_row(&key, &value)?);
        }
        Ok(rows)
    }

    /// Adds a row; 23505 if its primary key is taken.
    pub fn insert(&self, txn: &mut Txn, row: &[Datum]) -> Result<()> {
        let key = self.codec()?.primary_key_of_row(row)?;
        if txn.get(&key)?.is_some() {
            return Err(Error::new(
                sqlstate::UNIQUE_VIOLATION,
                "duplicate key value violates unique constraint \"primary\"",
            )
            .with_table("public", self.name())
            .with_constraint("primary"));
        }
        self.write(txn, row, None)
    }

    /// Adds a row or replaces the one with its primary key.
    pub fn upsert(&self, txn: &mut Txn, row: &[Datum]) -> Result<()> {
        let codec = self.codec()?;
        let old = match self.descriptor().indexes.is_empty() {
            true => None,
            false => {
                let key = codec.primary_key_of_row(row)?;
                txn.get(&key)?.map(|value| codec.decode_row(&key, &value)).transpose()?
            }
        };
        self.write(txn, row, old.as_deref())
    }

    /// Locks the row with a primary key and reads its newest version, whatever the transaction's
    /// snapshot has. What is read so may be written back with [`SystemTable::replace`] without
    /// a conflict.
    pub fn get_locked(&self, txn: &mut Txn, key: &[Datum]) -> Result<Option<Vec<Datum>>> {
        let codec = self.codec()?;
        let key = codec.primary_key(key)?;
        match txn.get_latest_locked(&key, LockMode::Exclusive, WaitPolicy::Wait)? {
            Locked::Value(Some(value)) => codec.decode_row(&key, &value).map(Some),
            Locked::Value(None) | Locked::Skipped => Ok(None),
        }
    }

    /// Writes a row in the place of the one that [`SystemTable::get_locked`] found; both have the
    /// same primary key.
    pub fn replace(&self, txn: &mut Txn, old: &[Datum], row: &[Datum]) -> Result<()> {
        self.write(txn, row, Some(old))
    }

    /// Removes the row with a primary key. Returns whether there was one.
    pub fn delete(&self, txn: &mut Txn, key: &[Datum]) -> Result<bool> {
        let codec = self.codec()?;
        let key = codec.primary_key(key)?;
        let Some(value) = txn.get(&key)? else { return Ok(false) };
        if !self.descriptor().indexes.is_empty() {
            let row = codec.decode_row(&key, &value)?;
            for index in &self.descriptor().indexes {
                txn.delete(codec.index_entries(index, &row)?.0)?;
            }
        }
        txn.delete(key)?;
        Ok(true)
    }

    /// Removes the rows whose primary key begins with these values.
    pub fn delete_all(&self, txn: &mut Txn, prefix: &[Datum]) -> Result<()> {
        let table = self.descriptor();
        let columns = &table.primary_index.columns;
        let places: Vec<usize> = columns.iter().filter_map(|c| table.position(c.column)).collect();
        for row in self.scan(txn, prefix)? {
            let key: Vec<Datum> = places.iter().filter_map(|at| row.get(*at).cloned()).collect();
            self.delete(txn, &key)?;
        }
        Ok(())
    }

    fn write(&self, txn: &mut Txn, row: &[Datum], old: Option<&[Datum]>) -> Result<()> {
        let codec = self.codec()?;
        for index in &self.descriptor().indexes {
            let (key, value) = codec.index_entries(index, row)?;
            if let Some(old) = old {
                let (old_key, old_value) = codec.index_entries(index, old)?;
                if old_key == key && old_value == value {
                    continue;
                }
                if old_key != key {
                    txn.delete(old_key)?;
                }
            }
            txn.put(key, value)?;
        }
        let (key, value) = codec.encode_primary(row)?;
        txn.put(key, value)
    }
}
