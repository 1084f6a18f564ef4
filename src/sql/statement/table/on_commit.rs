//! ON COMMIT of temporary tables: rows or tables that go when a transaction commits.

use sqlparser::ast::OnCommit;

use super::draft::Draft;
use crate::catalog::descriptor::DescriptorId;
use crate::error::Result;
use crate::keys::index_span;
use crate::sql::statement::{Work, drop};
use crate::sql::variables::CommitAction;

/// Remembers what a CREATE TABLE says of commits. Should the table not come to be, its number is
/// never used again.
pub(super) fn remember(work: &mut Work<'_>, id: DescriptorId, action: Option<&OnCommit>) {
    let action = match action {
        Some(OnCommit::DeleteRows) => CommitAction::DeleteRows,
        Some(OnCommit::Drop) => CommitAction::Drop,
        Some(OnCommit::PreserveRows) | None => return,
    };
    work.session.on_commit.push((id, action));
}

/// Does to the session's tables what a commit does to them. A transaction that wrote nothing has
/// nothing to take away.
pub fn apply(work: &mut Work<'_>) -> Result<()> {
    if work.txn.is_read_only() || !work.txn.has_writes() {
        return Ok(());
    }
    let catalog = work.catalog()?;
    work.session.on_commit.retain(|(id, _)| catalog.table(*id).is_some());
    let mut dropped = Vec::new();
    for (id, action) in work.session.on_commit.clone() {
        let Some(table) = catalog.table(id) else { continue };
        match action {
            CommitAction::Drop => dropped.push(id),
            CommitAction::DeleteRows => {
                if work.txn.has_writes_in(&index_span(id, table.primary_index.id)) {
                    let mut draft = Draft::of(&catalog, table)?;
                    draft.renumber();
                    draft.write(work)?;
                }
            }
        }
    }
    drop::with_dependents(work, &dropped)
}
