//! Reading a backup where it lies: rows without a restore, and whether a restore could read them.

use std::sync::Arc;

use super::coverage::Coverage;
use super::merge::Merge;
use super::source::{Chosen, Source, SourceLayer};
use crate::archive::{FileRecord, verify_file};
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::row::TableCodec;
use crate::error::{Error, Result};
use crate::keys::index_span;
use crate::task::Interrupt;

/// Entries between two looks at the interrupt.
const ENTRIES_PER_LOOK: u64 = 4_096;

impl Source {
    /// Gives every row that a table of the holdings has at the chosen time, in the order of its
    /// primary key, each with all columns. Reads only the table's own ranges.
    pub fn each_row(
        &self,
        chosen: Chosen,
        table: &TableDescriptor,
        interrupt: &Interrupt,
        mut each: impl FnMut(&[crate::types::Datum]) -> Result<()>,
    ) -> Result<()> {
        let codec = TableCodec::new(&Arc::new(table.clone()))?;
        let layers = self.layers.get(..=chosen.last).unwrap_or(&self.layers);
        let whole = index_span(table.id, table.primary_index.id);
        let mut count = 0u64;
        for (span, from_layer) in Coverage::new(layers).parts(&whole, &table.name)? {
            interrupt.check()?;
            let counting = layers.get(from_layer..).unwrap_or_default();
            let mut merge = Merge::open(counting, &span, chosen.at)?;
            while merge.next()? {
                count += 1;
                if count.is_multiple_of(ENTRIES_PER_LOOK) {
                    interrupt.check()?;
                }
                each(&codec.decode_row(merge.key(), merge.value())?)?;
            }
        }
        Ok(())
    }
}

impl SourceLayer {
    /// Whether the stored bytes of a file are those that were written and every block of them can
    /// be read; the error says what is wrong.
    pub fn verify(&self, file: &FileRecord, interrupt: &Interrupt) -> Result<()> {
        interrupt.check()?;
        verify_file(&**self.store(file)?, self.layer.dir(), file)?;
        let mut scan = self.reader(file)?.scan(&file.span);
        let mut entries = 0u64;
        while scan.next()?.is_some() {
            entries += 1;
            if entries.is_multiple_of(ENTRIES_PER_LOOK) {
                interrupt.check()?;
            }
        }
        if entries == file.entries {
            return Ok(());
        }
        Err(Error::corrupt(format!("{entries} entries instead of {}", file.entries)))
    }
}
