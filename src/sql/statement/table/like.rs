//! `CREATE TABLE … (LIKE other)`: the columns of another table, and what else is asked for.

use std::collections::HashMap;

use sqlparser::ast::{CreateTableLikeDefaults, CreateTableLikeKind};

use super::column::own_sequence;
use super::draft::Draft;
use super::name::{choose, columns_part};
use crate::catalog::descriptor::{
    ColumnDescriptor, ColumnId, IndexColumn, IndexDescriptor, TableDescriptor,
};
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result};
use crate::sql::statement::Work;
use crate::sql::statement::object;
use crate::syntax::LikeOption;

/// What is taken over besides names, types and NOT NULL.
#[derive(Default)]
struct Including {
    defaults: bool,
    generated: bool,
    identity: bool,
    constraints: bool,
    indexes: bool,
}

fn including(like: Option<&CreateTableLikeDefaults>, options: &[LikeOption]) -> Result<Including> {
    let mut all = Including {
        defaults: like == Some(&CreateTableLikeDefaults::Including),
        ..Including::default()
    };
    for option in options {
        let on = option.including;
        match option.what.as_str() {
            "ALL" => {
                all = Including {
                    defaults: on,
                    generated: on,
                    identity: on,
                    constraints: on,
                    indexes: on,
                };
            }
            "DEFAULTS" => all.defaults = on,
            "GENERATED" => all.generated = on,
            "IDENTITY" => all.identity = on,
            "CONSTRAINTS" => all.constraints = on,
            "INDEXES" => all.indexes = on,
            // There is nothing of these to take over, or it has no effect.
            "STORAGE" | "STATISTICS" | "COMPRESSION" => {}
            _ if !on => {}
            other => return Err(Error::unsupported(format!("LIKE … INCLUDING {other}"))),
        }
    }
    Ok(all)
}

/// Copies another table's columns into a draft, and what else is asked for.
pub(super) fn copy(
    work: &mut Work<'_>,
    draft: &mut Draft,
    source: &CreateTableLikeKind,
    options: &[LikeOption],
) -> Result<()> {
    let like = match source {
        CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like) => like,
    };
    let including = including(like.defaults.as_ref(), options)?;
    let other = object::relation(work, &like.name)?;
    let catalog = work.catalog()?;
    privilege::check(&catalog, &work.session.current_user, &other, Privilege::Select)?;
    let mut ids = HashMap::new();
    for column in other.columns.iter().filter(|c| !c.hidden) {
        let mut new = ColumnDescriptor::new(0, &*column.name, column.ty.clone());
        new.nullable = column.nullable;
        new.collation.clone_from(&column.collation);
        if including.defaults && column.identity.is_none() {
            new.default.clone_from(&column.default);
            new.uses_sequences.clone_from(&column.uses_sequences);
        }
        if including.generated {
            new.computed.clone_from(&column.computed);
        }
        ids.insert(column.id, draft.add_column(new)?);
        if including.identity && column.identity.is_some() {
            own_sequence(work, draft, &column.name, &[], column.identity)?;
        }
    }
    if including.constraints {
        for check in &other.checks {
            let mut check = check.clone();
            check.not_valid = false;
            check.columns = check.columns.iter().filter_map(|c| ids.get(c).copied()).collect();
            draft.table.checks.push(check);
        }
    }
    if including.indexes {
        indexes(work, draft, &other, &ids)?;
    }
    Ok(())
}

fn indexes(
    work: &mut Work<'_>,
    draft: &mut Draft,
    other: &TableDescriptor,
    ids: &HashMap<ColumnId, ColumnId>,
) -> Result<()> {
    let catalog = work.catalog()?;
    for index in other.all_indexes() {
        let columns: Vec<IndexColumn> = index
            .columns
            .iter()
            .filter_map(|c| {
                let column = *ids.get(&c.column)?;
                Some(IndexColumn { column, descending: c.descending })
            })
            .collect();
        if columns.len() != index.columns.len() || columns.is_empty() {
            continue;
        }
        let primary = index.id == other.primary_index.id;
        let label = match (primary, index.constraint) {
            (true, _) => "pkey",
            (false, true) => "key",
            (false, false) => "idx",
        };
        let names = columns.iter().filter_map(|c| draft.table.column(c.column));
        let part = match primary {
            true => String::new(),
            false => columns_part(names.map(|c| c.name.as_str())),
        };
        let name = choose(&draft.table.name, &part, label, |n| draft.is_taken(&catalog, n));
        let id = if primary { draft.table.primary_index.id } else { draft.next_index_id() };
        let new = IndexDescriptor {
            id,
            name,
            columns,
            storing: index.storing.iter().filter_map(|c| ids.get(c).copied()).collect(),
            ..index.clone()
        };
        match primary {
            true => draft.table.primary_index = new,
            false => draft.table.indexes.push(new),
        }
    }
    Ok(())
}
