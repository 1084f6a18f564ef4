//! TRUNCATE: every index gets a new number, and begins empty. The rows of before stay where they
//! were, for those who read the past.

use sqlparser::ast::{CascadeOption, Truncate, TruncateIdentityOption};

use super::draft::Draft;
use crate::catalog::descriptor::TableKind;
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::sequence::Position;
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::mvcc::WaitPolicy;
use crate::sql::statement::{Outcome, Work, object};

/// Runs TRUNCATE.
pub fn run(stmt: &Truncate, work: &mut Work<'_>) -> Result<Outcome> {
    if stmt.partitions.is_some() || stmt.on_cluster.is_some() {
        return Err(Error::unsupported("this form of TRUNCATE"));
    }
    let mut tables: Vec<TableId> = Vec::new();
    for target in &stmt.table_names {
        let found = match object::find_relation(work, &target.name)? {
            Some(found) => found,
            None if stmt.if_exists => {
                let name = object::words(&target.name)?.join(".");
                work.notice(format!("relation \"{name}\" does not exist, skipping"))?;
                continue;
            }
            None => object::relation(work, &target.name)?,
        };
        if !matches!(found.kind, TableKind::Table) {
            return Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table", found.name),
            ));
        }
        check_allowed(work, found.id)?;
        if !tables.contains(&found.id) {
            tables.push(found.id);
        }
    }
    referring(work, &mut tables, stmt.cascade == Some(CascadeOption::Cascade))?;
    let restart = stmt.identity == Some(TruncateIdentityOption::Restart);
    // In the order of their numbers, so that two of these do not wait for each other.
    tables.sort_unstable();
    for id in tables {
        let table = object::hold(work, id, WaitPolicy::Wait)?;
        let catalog = work.catalog()?;
        let mut draft = Draft::of(&catalog, &table)?;
        draft.renumber();
        draft.write(work)?;
        if !restart {
            continue;
        }
        for sequence in catalog.owned_sequences(id) {
            let Some(sequence) = catalog.table_any_state(*sequence) else { continue };
            let Some(start) = sequence.sequence().map(|s| s.start) else { continue };
            let to = Position { last_value: start, is_called: false };
            work.server.catalog.restart_sequence(work.txn, sequence, to)?;
        }
    }
    Outcome::done("TRUNCATE TABLE")
}

fn check_allowed(work: &mut Work<'_>, id: TableId) -> Result<()> {
    let catalog = work.catalog()?;
    let Some(table) = catalog.table(id) else { return Ok(()) };
    object::refuse_system(id, &table.name)?;
    privilege::check(&catalog, &work.session.current_user, table, Privilege::Truncate)
}

/// Adds the tables that refer to those being emptied, or refuses.
fn referring(work: &mut Work<'_>, tables: &mut Vec<TableId>, cascade: bool) -> Result<()> {
    let catalog = work.catalog()?;
    let mut at = 0;
    while let Some(id) = tables.get(at).copied() {
        at += 1;
        for (child, _) in catalog.inbound_foreign_keys(id) {
            if tables.contains(child) {
                continue;
            }
            let (Some(own), Some(other)) =
                (catalog.table_any_state(id), catalog.table_any_state(*child))
            else {
                continue;
            };
            if !cascade {
                return Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    "cannot truncate a table referenced in a foreign key constraint",
                )
                .with_detail(format!("Table \"{}\" references \"{}\".", other.name, own.name))
                .with_hint(format!(
                    "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                    other.name
                )));
            }
            work.notice(format!("truncate cascades to table \"{}\"", other.name))?;
            check_allowed(work, *child)?;
            tables.push(*child);
        }
    }
    Ok(())
}
