//! FOR UPDATE and FOR SHARE.

use sqlparser::ast::{Distinct, LockClause, LockType, NonBlock, Select};

use super::binder::Binder;
use super::level::BaseTable;
use super::name::{At, last};
use crate::catalog::privilege::Privilege;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::WaitPolicy;
use crate::sql::relation::{LockTarget, Produced};

/// A table to lock, and the columns of its key.
pub(super) struct ToLock {
    pub target: LockTarget,
    pub key: Vec<Produced>,
}

impl Binder<'_> {
    /// The tables that locking clauses mean.
    pub fn lock_targets(
        &mut self,
        locks: &[&LockClause],
        select: &Select,
        grouped: bool,
    ) -> Result<Vec<ToLock>> {
        let mut found: Vec<ToLock> = Vec::new();
        for lock in locks {
            let word = match lock.lock_type {
                LockType::Update => "FOR UPDATE",
                LockType::Share => "FOR SHARE",
            };
            self.check_lockable(word, select, grouped)?;
            let tables: Vec<BaseTable> = self.level().tables.clone();
            let tables = match &lock.of {
                None => tables,
                Some(name) => {
                    let ident = last(name)?;
                    let named: Vec<BaseTable> =
                        tables.into_iter().filter(|t| *t.alias == *ident.value).collect();
                    if named.is_empty() {
                        return Err(Error::new(
                            sqlstate::UNDEFINED_TABLE,
                            format!(
                                "relation \"{}\" in {word} clause not found in FROM clause",
                                ident.value
                            ),
                        )
                        .at(ident.span));
                    }
                    named
                }
            };
            for base in tables {
                self.require(base.table.id, Privilege::Update);
                let exclusive = lock.lock_type == LockType::Update;
                let wait = match lock.nonblock {
                    None => WaitPolicy::Wait,
                    Some(NonBlock::Nowait) => WaitPolicy::NoWait,
                    Some(NonBlock::SkipLocked) => WaitPolicy::Skip,
                };
                let key = key_columns(&base)?;
                let columns: Vec<_> = key.iter().map(|p| p.column).collect();
                // Of several locks on one table the strongest counts.
                if let Some(known) = found.iter_mut().find(|l| l.target.key == columns) {
                    known.target.exclusive |= exclusive;
                    continue;
                }
                let target =
                    LockTarget { table: base.table.clone(), key: columns, exclusive, wait };
                found.push(ToLock { target, key });
            }
        }
        Ok(found)
    }

    fn check_lockable(&mut self, word: &str, select: &Select, grouped: bool) -> Result<()> {
        let level = self.level();
        let refused = if matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
            "DISTINCT clause"
        } else if grouped {
            "GROUP BY clause"
        } else if select.having.is_some() {
            "HAVING clause"
        } else if !level.aggregates.is_empty() {
            "aggregate functions"
        } else if !level.windows.is_empty() {
            "window functions"
        } else if !level.sets.is_empty() {
            "set-returning functions in the target list"
        } else {
            return Ok(());
        };
        Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("{word} is not allowed with {refused}"),
        ))
    }
}

/// The columns of a table's primary key.
fn key_columns(base: &BaseTable) -> Result<Vec<Produced>> {
    base.table
        .primary_index
        .columns
        .iter()
        .map(|part| {
            let place = base.table.position(part.column);
            let found = place.and_then(|p| {
                let column = *base.columns.get(p)?;
                Some(Produced { column, ty: base.table.columns.get(p)?.ty.clone() })
            });
            found.ok_or_else(|| Error::internal("a primary key without its column"))
        })
        .collect()
}
