//! `CREATE TABLE … (LIKE other)`: the columns of another table.

use sqlparser::ast::{CreateTableLikeDefaults, CreateTableLikeKind};

use super::draft::Draft;
use crate::catalog::descriptor::ColumnDescriptor;
use crate::catalog::privilege::{self, Privilege};
use crate::error::Result;
use crate::sql::statement::Work;
use crate::sql::statement::object;

/// Copies names, types and NOT NULL of another table's columns into a draft, and their defaults if
/// that is asked for.
pub(super) fn copy(
    work: &mut Work<'_>,
    draft: &mut Draft,
    source: &CreateTableLikeKind,
) -> Result<()> {
    let like = match source {
        CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like) => like,
    };
    let other = object::relation(work, &like.name)?;
    let catalog = work.catalog()?;
    privilege::check(&catalog, &work.session.current_user, &other, Privilege::Select)?;
    let defaults = like.defaults == Some(CreateTableLikeDefaults::Including);
    for column in other.columns.iter().filter(|c| !c.hidden) {
        let mut new = ColumnDescriptor::new(0, &*column.name, column.ty.clone());
        new.nullable = column.nullable;
        new.collation.clone_from(&column.collation);
        if defaults && column.identity.is_none() {
            new.default.clone_from(&column.default);
            new.uses_sequences.clone_from(&column.uses_sequences);
        }
        draft.add_column(new)?;
    }
    Ok(())
}
