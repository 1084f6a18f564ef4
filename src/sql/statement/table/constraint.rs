//! Constraints added to a draft: primary keys, unique keys, checks.

use sqlparser::ast::{
    CheckConstraint as CheckTree, ConstraintCharacteristics, Ident, IndexColumn as ColumnTree,
    IndexType, NullsDistinctOption, PrimaryKeyConstraint, TableConstraint, UniqueConstraint,
};

use super::draft::Draft;
use super::index_column::{check_method, key_columns, stored_columns};
use super::name::{choose, columns_part};
use super::{expression, foreign_key};
use crate::catalog::descriptor::{CheckConstraint, IndexColumn, IndexDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::keys::IndexId;
use crate::sql::bind::ExpressionUse;
use crate::sql::statement::Work;

/// What adding a constraint to a table that has rows asks for.
pub(super) enum Added {
    /// The primary index is another one: every row moves.
    Primary,
    /// An index to fill.
    Index(IndexId),
    /// A check to make of every row, by name.
    Check(String),
    /// A foreign key to look up for every row, by name.
    ForeignKey(String),
}

/// Adds a constraint to a draft.
pub(super) fn add(
    work: &mut Work<'_>,
    draft: &mut Draft,
    constraint: &TableConstraint,
) -> Result<Added> {
    match constraint {
        TableConstraint::PrimaryKey(key) => {
            primary_key(work, draft, key)?;
            Ok(Added::Primary)
        }
        TableConstraint::Unique(key) => unique(work, draft, key).map(Added::Index),
        TableConstraint::Check(check) => self::check(work, draft, check).map(Added::Check),
        TableConstraint::ForeignKey(key) => {
            foreign_key::add(work, draft, key).map(Added::ForeignKey)
        }
        TableConstraint::Exclude(_) => Err(Error::unsupported("exclusion constraints")),
        TableConstraint::PrimaryKeyUsingIndex(_) | TableConstraint::UniqueUsingIndex(_) => {
            Err(Error::unsupported("constraints USING INDEX"))
        }
        TableConstraint::Index(_) | TableConstraint::FulltextOrSpatial(_) => {
            Err(Error::unsupported("this form of index"))
        }
    }
}

/// Refuses what a constraint may say but is not kept here.
pub(super) fn characteristics(said: Option<&ConstraintCharacteristics>, what: &str) -> Result<()> {
    let Some(said) = said else { return Ok(()) };
    if said.deferrable == Some(true) || said.initially.is_some() {
        return Err(Error::unsupported(format!("deferrable {what} constraints")));
    }
    if said.enforced == Some(false) {
        return Err(Error::unsupported("NOT ENFORCED constraints"));
    }
    Ok(())
}

/// The name of an index behind a constraint: the one given, if it is free, or one made up.
fn index_name(
    work: &mut Work<'_>,
    draft: &Draft,
    given: Option<&Ident>,
    part: &str,
    label: &str,
) -> Result<String> {
    let catalog = work.catalog()?;
    match given {
        None => Ok(choose(&draft.table.name, part, label, |n| {
            draft.is_taken(&catalog, n) || draft.has_constraint(n)
        })),
        Some(ident) => {
            let name = &ident.value;
            draft.check_constraint_name(name)?;
            if draft.is_taken(&catalog, name) {
                return Err(Error::new(
                    sqlstate::DUPLICATE_TABLE,
                    format!("relation \"{name}\" already exists"),
                ));
            }
            Ok(name.clone())
        }
    }
}

fn column_names(draft: &Draft, columns: &[IndexColumn]) -> String {
    columns_part(columns.iter().filter_map(|c| draft.table.column(c.column)).map(|c| &*c.name))
}

/// The columns of a key as the statement has them.
struct Key<'t> {
    columns: &'t [ColumnTree],
    method: Option<&'t IndexType>,
    include: &'t [Ident],
    said: Option<&'t ConstraintCharacteristics>,
}

fn primary_key(work: &mut Work<'_>, draft: &mut Draft, tree: &PrimaryKeyConstraint) -> Result<()> {
    let key = Key {
        columns: &tree.columns,
        method: tree.index_type.as_ref(),
        include: &tree.include,
        said: tree.characteristics.as_ref(),
    };
    characteristics(key.said, "primary key")?;
    check_method(key.method)?;
    if !draft.table.primary_index.columns.is_empty() {
        return Err(Error::new(
            sqlstate::INVALID_TABLE_DEFINITION,
            format!("multiple primary keys for table \"{}\" are not allowed", draft.table.name),
        ));
    }
    let columns = key_columns(&draft.table, key.columns, "primary key")?;
    for ident in key.include {
        draft.column(&ident.value)?;
    }
    let name = index_name(work, draft, tree.name.as_ref(), "", "pkey")?;
    for column in &columns {
        if let Some(c) = draft.table.columns.iter_mut().find(|c| c.id == column.column) {
            c.nullable = false;
        }
    }
    draft.table.primary_index = IndexDescriptor {
        columns,
        constraint: true,
        ..IndexDescriptor::new(draft.table.primary_index.id, name, true, &[])
    };
    Ok(())
}

fn unique(work: &mut Work<'_>, draft: &mut Draft, tree: &UniqueConstraint) -> Result<IndexId> {
    characteristics(tree.characteristics.as_ref(), "unique")?;
    check_method(tree.index_type.as_ref())?;
    if tree.nulls_distinct == NullsDistinctOption::NotDistinct {
        return Err(Error::unsupported("NULLS NOT DISTINCT"));
    }
    let columns = key_columns(&draft.table, &tree.columns, "unique")?;
    let storing = stored_columns(&draft.table, &tree.include, &columns)?;
    let part = column_names(draft, &columns);
    let name = index_name(work, draft, tree.name.as_ref(), &part, "key")?;
    let id = draft.next_index_id();
    draft.table.indexes.push(IndexDescriptor {
        columns,
        storing,
        constraint: true,
        ..IndexDescriptor::new(id, name, true, &[])
    });
    Ok(id)
}

fn check(work: &mut Work<'_>, draft: &mut Draft, tree: &CheckTree) -> Result<String> {
    if tree.enforced == Some(false) {
        return Err(Error::unsupported("NOT ENFORCED constraints"));
    }
    let stored = expression::store(work, &tree.expr, &draft.table, ExpressionUse::Check, None)?;
    let columns = expression::columns_in(&tree.expr, &draft.table);
    let name = match &tree.name {
        Some(ident) => {
            draft.check_constraint_name(&ident.value)?;
            ident.value.clone()
        }
        None => {
            let part = match columns.as_slice() {
                [only] => draft.table.column(*only).map_or("", |c| &c.name),
                _ => "",
            };
            choose(&draft.table.name, part, "check", |n| draft.has_constraint(n))
        }
    };
    draft.table.checks.push(CheckConstraint {
        name: name.clone(),
        expression: stored.sql,
        columns,
        not_valid: false,
    });
    Ok(name)
}
