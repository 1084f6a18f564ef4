//! FOREIGN KEY constraints.

use std::sync::Arc;

use sqlparser::ast::{
    ConstraintReferenceMatchKind, DeferrableInitial, ForeignKeyConstraint as Tree,
    ReferentialAction as ActionTree,
};

use super::draft::Draft;
use super::name::{choose, columns_part};
use crate::catalog::descriptor::{ColumnId, ForeignKey, ReferentialAction, TableDescriptor};
use crate::catalog::names;
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::WaitPolicy;
use crate::sql::exec::write::foreign_key::unique_index;
use crate::sql::statement::Work;
use crate::sql::statement::object;
use crate::types::Type;

/// Adds a foreign key to a draft and gives back its name. The referenced table is kept as it is
/// until the transaction ends, and nobody removes rows of it meanwhile.
pub(super) fn add(work: &mut Work<'_>, draft: &mut Draft, tree: &Tree) -> Result<String> {
    let deferrable = deferrable(tree)?;
    let match_full = match tree.match_kind {
        None | Some(ConstraintReferenceMatchKind::Simple) => false,
        Some(ConstraintReferenceMatchKind::Full) => true,
        Some(ConstraintReferenceMatchKind::Partial) => {
            return Err(Error::unsupported("MATCH PARTIAL not yet implemented"));
        }
    };
    let mut columns: Vec<ColumnId> = Vec::with_capacity(tree.columns.len());
    for ident in &tree.columns {
        let found = draft.column(&ident.value).map_err(|_| missing(&ident.value))?;
        columns.push(found.id);
    }
    let parent = parent(work, draft, tree)?;
    let referenced = referenced_columns(&parent, tree)?;
    if referenced.len() != columns.len() {
        return Err(Error::new(
            sqlstate::INVALID_FOREIGN_KEY,
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    if unique_index(&parent, &referenced).is_none() {
        return Err(Error::new(
            sqlstate::INVALID_FOREIGN_KEY,
            format!(
                "there is no unique constraint matching given keys for referenced table \"{}\"",
                parent.name
            ),
        ));
    }
    let name = match &tree.name {
        Some(ident) => {
            draft.check_constraint_name(&ident.value)?;
            ident.value.clone()
        }
        None => {
            let part = columns_part(tree.columns.iter().map(|ident| ident.value.as_str()));
            choose(&draft.table.name, &part, "fkey", |n| draft.has_constraint(n))
        }
    };
    for (own, other) in columns.iter().zip(&referenced) {
        check_types(&draft.table, &parent, *own, *other, &name)?;
    }
    if parent.id != draft.table.id {
        draft.referenced.push(parent.id);
    }
    draft.table.foreign_keys.push(ForeignKey {
        name: name.clone(),
        columns,
        referenced_table: parent.id,
        referenced_columns: referenced,
        on_delete: action(tree.on_delete),
        on_update: action(tree.on_update),
        match_full,
        deferrable,
        not_valid: false,
    });
    Ok(name)
}

/// The table that a foreign key refers to.
fn parent(work: &mut Work<'_>, draft: &Draft, tree: &Tree) -> Result<Arc<TableDescriptor>> {
    let words = object::words(&tree.foreign_table)?;
    let catalog = work.catalog()?;
    let own = match words.as_slice() {
        [name] => *name == draft.table.name,
        [schema, name] => *name == draft.table.name && *schema == draft.schema.name,
        _ => false,
    };
    // A table may refer to itself while it is being made.
    let known = object::scoped(work, &catalog, |s| names::find_relation(&catalog, s, &words))?;
    if own && known.is_none() {
        return Ok(Arc::new(draft.table.clone()));
    }
    let found = known.ok_or_else(|| names::undefined("relation", &words))?;
    if found.id == draft.table.id {
        return Ok(Arc::new(draft.table.clone()));
    }
    if !matches!(found.kind, crate::catalog::descriptor::TableKind::Table) {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("referenced relation \"{}\" is not a table", found.name),
        ));
    }
    object::refuse_system(found.id, &found.name)?;
    if found.database != draft.table.database {
        return Err(Error::unsupported("foreign keys between databases"));
    }
    if found.temporary != draft.table.temporary {
        let (own, other) =
            if found.temporary { ("permanent", "permanent") } else { ("temporary", "temporary") };
        return Err(Error::new(
            sqlstate::INVALID_TABLE_DEFINITION,
            format!("constraints on {own} tables may reference only {other} tables"),
        ));
    }
    privilege::check(&catalog, &work.session.current_user, &found, Privilege::References)?;
    object::keep(work, found.id, WaitPolicy::Wait)
}

fn referenced_columns(parent: &TableDescriptor, tree: &Tree) -> Result<Vec<ColumnId>> {
    if tree.referred_columns.is_empty() {
        if parent.primary_index.columns.is_empty() || object::has_row_id(parent) {
            return Err(Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("there is no primary key for referenced table \"{}\"", parent.name),
            ));
        }
        return Ok(parent.primary_index.columns.iter().map(|c| c.column).collect());
    }
    let mut ids = Vec::with_capacity(tree.referred_columns.len());
    for ident in &tree.referred_columns {
        let found = parent.columns.iter().find(|c| c.name == ident.value && !c.hidden);
        let id = found.ok_or_else(|| missing(&ident.value))?.id;
        if ids.contains(&id) {
            return Err(Error::new(
                sqlstate::INVALID_FOREIGN_KEY,
                "foreign key referenced-columns list must not contain duplicates",
            ));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn missing(column: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_COLUMN,
        format!("column \"{column}\" referenced in foreign key constraint does not exist"),
    )
}

/// Types whose values meet at one key.
fn family(ty: &Type) -> Option<u8> {
    match ty {
        Type::Int2 | Type::Int4 | Type::Int8 => Some(1),
        Type::Text | Type::Varchar => Some(2),
        _ => None,
    }
}

/// Fails with 42804 unless columns of a foreign key have types whose values meet.
pub(super) fn check_types(
    table: &TableDescriptor,
    parent: &TableDescriptor,
    own: ColumnId,
    other: ColumnId,
    name: &str,
) -> Result<()> {
    let (Some(own), Some(other)) = (table.column(own), parent.column(other)) else {
        return Err(Error::internal("a column of a foreign key went missing"));
    };
    let (a, b) = (&own.ty.ty, &other.ty.ty);
    if a == b || (family(a).is_some() && family(a) == family(b)) {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::DATATYPE_MISMATCH,
        format!("foreign key constraint \"{name}\" cannot be implemented"),
    )
    .with_detail(format!(
        "Key columns \"{}\" and \"{}\" are of incompatible types: {a} and {b}.",
        own.name, other.name
    )))
}

fn deferrable(tree: &Tree) -> Result<Option<bool>> {
    let Some(said) = &tree.characteristics else { return Ok(None) };
    if said.enforced == Some(false) {
        return Err(Error::unsupported("NOT ENFORCED constraints"));
    }
    if said.initially == Some(DeferrableInitial::Deferred) {
        return Err(Error::unsupported("INITIALLY DEFERRED constraints"));
    }
    Ok(said.deferrable.filter(|yes| *yes).map(|_| false))
}

fn action(tree: Option<ActionTree>) -> ReferentialAction {
    match tree {
        None | Some(ActionTree::NoAction) => ReferentialAction::NoAction,
        Some(ActionTree::Restrict) => ReferentialAction::Restrict,
        Some(ActionTree::Cascade) => ReferentialAction::Cascade,
        Some(ActionTree::SetNull) => ReferentialAction::SetNull,
        Some(ActionTree::SetDefault) => ReferentialAction::SetDefault,
    }
}
