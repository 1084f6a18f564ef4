//! CREATE INDEX, and indexes among the columns of CREATE TABLE.

use sqlparser::ast::{CreateIndex, Expr, Ident, IndexColumn as ColumnTree};

use super::draft::Draft;
use super::index_column::{check_method, index_columns, stored_columns};
use super::name::{choose, columns_part};
use super::{expression, rewrite};
use crate::catalog::descriptor::{ColumnDescriptor, IndexDescriptor, TableDescriptor, TableKind};
use crate::catalog::mutation::{Change, NewValue};
use crate::catalog::{CatalogSnapshot, privilege};
use crate::error::{Error, Result, sqlstate};
use crate::keys::IndexId;
use crate::mvcc::WaitPolicy;
use crate::sql::bind::ExpressionUse;
use crate::sql::statement::schema_change::{self, Wanted};
use crate::sql::statement::{Outcome, Work, object, sequence};
use crate::syntax::TableIndex;

/// An index as a statement has it.
struct Said<'t> {
    name: Option<&'t str>,
    unique: bool,
    columns: &'t [ColumnTree],
    storing: &'t [Ident],
    predicate: Option<&'t Expr>,
}

/// Runs CREATE INDEX. CONCURRENTLY changes nothing: readers are never kept waiting, and writers
/// wait for the statement in any case.
pub fn run(stmt: &CreateIndex, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::Done("CREATE INDEX".to_owned());
    if stmt.concurrently && work.explicit {
        return Err(Error::new(
            sqlstate::ACTIVE_SQL_TRANSACTION,
            "CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
        ));
    }
    check_method(stmt.using.as_ref())?;
    if stmt.nulls_distinct == Some(false) {
        return Err(Error::unsupported("NULLS NOT DISTINCT"));
    }
    let found = object::relation(work, &stmt.table_name)?;
    if !matches!(found.kind, TableKind::Table | TableKind::MaterializedView { .. }) {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("cannot create index on relation \"{}\"", found.name),
        ));
    }
    object::refuse_system(found.id, &found.name)?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, &found)?;
    let online = schema_change::is_online(work, &found)?;
    let table = object::hold(work, found.id, WaitPolicy::Wait)?;
    let catalog = work.catalog()?;
    let mut draft = Draft::of(&catalog, &table)?;
    let name = match &stmt.name {
        // PostgreSQL wants it unqualified; a qualified one is taken if it says the table's schema.
        Some(name) => {
            let words = object::words(name)?;
            let (own, schema) = match words.as_slice() {
                [own] => (*own, None),
                [.., schema, own] => (*own, Some(*schema)),
                [] => return Err(Error::syntax("an index needs a name")),
            };
            if schema.is_some_and(|s| s != draft.schema.name) {
                return Err(Error::syntax("an index is in the schema of its table"));
            }
            Some(own)
        }
        None => None,
    };
    if let Some(name) = name
        && (object::has_index(&table, name) || object::is_taken(&catalog, &draft.schema, name))
    {
        sequence::already(work, name, stmt.if_not_exists)?;
        return Ok(done());
    }
    let said = Said {
        name,
        unique: stmt.unique,
        columns: &stmt.columns,
        storing: &stmt.include,
        predicate: stmt.predicate.as_ref(),
    };
    let id = add(work, &mut draft, &said)?;
    if online {
        let description = describe(stmt, &catalog, &table);
        let change = change(&mut draft, &table, id)?;
        let wanted = Wanted { change, description, tag: "CREATE INDEX" };
        return schema_change::begin(work, draft, wanted);
    }
    rewrite::with_expressions(work, &table, &mut draft, &[id])?;
    draft.write(work)?;
    Ok(done())
}

/// The change that an index of a draft makes. The values of new expressions are written into every
/// row, which takes another form of the table.
fn change(draft: &mut Draft, table: &TableDescriptor, id: IndexId) -> Result<Change> {
    let new = draft.table.columns.iter().filter(|c| table.column(c.id).is_none());
    let made = |c: &ColumnDescriptor| {
        let sql = c.indexed_expression()?.to_owned();
        Some(NewValue { column: c.id, sql, over_new: true })
    };
    let values: Vec<NewValue> = new.filter_map(made).collect();
    if values.is_empty() {
        return schema_change::index_of(draft, id);
    }
    let primary = draft.next_index_id();
    draft.table.primary_index.id = primary;
    Ok(schema_change::form_of(draft, table, vec![primary, id], values))
}

/// The statement as people see it among the jobs: the table's name in full.
fn describe(stmt: &CreateIndex, catalog: &CatalogSnapshot, table: &TableDescriptor) -> String {
    let list = |items: &[String]| items.join(", ");
    let columns: Vec<String> = stmt.columns.iter().map(|c| c.to_string()).collect();
    let include: Vec<String> = stmt.include.iter().map(|c| c.to_string()).collect();
    let word = |said: bool, word: &str| if said { word.to_owned() } else { String::new() };
    let mut text = format!(
        "CREATE {}INDEX {}{}{}ON {} ({})",
        word(stmt.unique, "UNIQUE "),
        word(stmt.concurrently, "CONCURRENTLY "),
        word(stmt.if_not_exists, "IF NOT EXISTS "),
        stmt.name.as_ref().map_or_else(String::new, |name| format!("{name} ")),
        object::qualified(catalog, table),
        list(&columns),
    );
    if !include.is_empty() {
        text += &format!(" STORING ({})", list(&include));
    }
    if let Some(predicate) = &stmt.predicate {
        text += &format!(" WHERE {predicate}");
    }
    text
}

/// Adds an index of CREATE TABLE to a draft.
pub(super) fn add_inline(
    work: &mut Work<'_>,
    draft: &mut Draft,
    tree: &TableIndex,
) -> Result<IndexId> {
    if tree.inverted {
        return Err(Error::unsupported("inverted indexes"));
    }
    let said = Said {
        name: tree.name.as_ref().map(|ident| ident.value.as_str()),
        unique: tree.unique,
        columns: &tree.columns,
        storing: &tree.storing,
        predicate: tree.predicate.as_ref(),
    };
    add(work, draft, &said)
}

fn add(work: &mut Work<'_>, draft: &mut Draft, said: &Said<'_>) -> Result<IndexId> {
    let trees = expression_columns(work, draft, said.columns)?;
    let columns = index_columns(&draft.table, &trees)?;
    let storing = stored_columns(&draft.table, said.storing, &columns)?;
    let predicate = match said.predicate {
        Some(tree) => {
            let purpose = ExpressionUse::IndexPredicate;
            Some(expression::store(work, tree, &draft.table, purpose, None)?.sql)
        }
        None => None,
    };
    let catalog = work.catalog()?;
    let name = match said.name {
        Some(name) if draft.is_taken(&catalog, name) => {
            return Err(Error::new(
                sqlstate::DUPLICATE_TABLE,
                format!("relation \"{name}\" already exists"),
            ));
        }
        Some(name) => name.to_owned(),
        None => {
            let names = columns.iter().filter_map(|c| draft.table.column(c.column));
            let part = columns_part(names.map(|c| match c.indexed_expression() {
                Some(sql) => function_name(sql),
                None => c.name.as_str(),
            }));
            choose(&draft.table.name, &part, "idx", |n| draft.is_taken(&catalog, n))
        }
    };
    let id = draft.next_index_id();
    draft.table.indexes.push(IndexDescriptor {
        columns,
        storing,
        predicate,
        ..IndexDescriptor::new(id, name, said.unique, &[])
    });
    Ok(id)
}

/// What an index on an expression is called after: the function that it calls, or `expr`.
fn function_name(sql: &str) -> &str {
    match sql.split_once('(') {
        Some((name, _)) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()) => name,
        _ => "expr",
    }
}

/// The columns of an index, with a hidden generated column in place of each expression.
fn expression_columns(
    work: &mut Work<'_>,
    draft: &mut Draft,
    trees: &[ColumnTree],
) -> Result<Vec<ColumnTree>> {
    let mut trees = trees.to_vec();
    for tree in &mut trees {
        let mut expr = &tree.column.expr;
        while let Expr::Nested(inner) = expr {
            expr = inner;
        }
        if let Expr::Identifier(_) = expr {
            continue;
        }
        if !matches!(draft.table.kind, TableKind::Table) {
            return Err(Error::unsupported("indexes on expressions of a materialized view"));
        }
        let purpose = ExpressionUse::Generated;
        let stored =
            expression::store(work, expr, &draft.table, purpose, None).map_err(|e| {
                match e.code() {
                    sqlstate::INVALID_OBJECT_DEFINITION => Error::new(
                        e.code(),
                        "functions in index expression must be marked IMMUTABLE",
                    ),
                    _ => e,
                }
            })?;
        let known =
            draft.table.columns.iter().find(|c| c.indexed_expression() == Some(&stored.sql));
        let name = match known {
            Some(column) => column.name.clone(),
            None => draft.add_indexed_expression(stored.sql, stored.ty)?,
        };
        tree.column.expr = Expr::Identifier(Ident::with_quote('"', name));
    }
    Ok(trees)
}
