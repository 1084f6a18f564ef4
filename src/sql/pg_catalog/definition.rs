//! Indexes, constraints and expressions as SQL: what `pg_get_indexdef`, `pg_get_constraintdef` and
//! `pg_get_expr` say, in PostgreSQL's words.

use std::fmt::Write as _;

use super::number;
use super::scene::{indexes, is_primary};
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{
    CheckConstraint, ColumnId, DescriptorId, ForeignKey, IndexDescriptor, ReferentialAction,
    TableDescriptor,
};
use crate::catalog::user_type::replace_types;
use crate::syntax::{quote_identifier, quote_literal};

/// A constraint of a table.
#[derive(Clone, Copy, Debug)]
pub enum Constraint<'a> {
    /// PRIMARY KEY
    Primary(&'a IndexDescriptor),
    /// UNIQUE
    Unique(&'a IndexDescriptor),
    /// CHECK, and its position in the table's list.
    Check(usize, &'a CheckConstraint),
    /// FOREIGN KEY, and its position in the table's list.
    Foreign(usize, &'a ForeignKey),
}

/// The constraints of a table.
pub fn constraints(table: &TableDescriptor) -> impl Iterator<Item = Constraint<'_>> {
    let keys = indexes(table).filter_map(|index| {
        if is_primary(table, index) {
            Some(Constraint::Primary(index))
        } else {
            (index.constraint && index.unique).then_some(Constraint::Unique(index))
        }
    });
    let checks = table.checks.iter().enumerate().map(|(i, c)| Constraint::Check(i, c));
    let foreign = table.foreign_keys.iter().enumerate().map(|(i, c)| Constraint::Foreign(i, c));
    keys.chain(checks).chain(foreign)
}

impl<'a> Constraint<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Constraint::Primary(index) | Constraint::Unique(index) => &index.name,
            Constraint::Check(_, check) => &check.name,
            Constraint::Foreign(_, key) => &key.name,
        }
    }

    /// Its OID.
    pub fn oid(self, table: &TableDescriptor) -> u32 {
        match self {
            Constraint::Primary(index) | Constraint::Unique(index) => {
                number::index(table.id, index.id)
            }
            Constraint::Check(i, _) => number::check(table.id, i),
            Constraint::Foreign(i, _) => number::foreign_key(table.id, i),
        }
    }

    /// `contype`
    pub fn letter(self) -> u8 {
        match self {
            Constraint::Primary(_) => b'p',
            Constraint::Unique(_) => b'u',
            Constraint::Check(..) => b'c',
            Constraint::Foreign(..) => b'f',
        }
    }

    /// What the information schema calls its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Constraint::Primary(_) => "PRIMARY KEY",
            Constraint::Unique(_) => "UNIQUE",
            Constraint::Check(..) => "CHECK",
            Constraint::Foreign(..) => "FOREIGN KEY",
        }
    }

    /// The table's columns that it is about.
    pub fn columns(self) -> Vec<ColumnId> {
        match self {
            Constraint::Primary(index) | Constraint::Unique(index) => {
                index.columns.iter().map(|c| c.column).collect()
            }
            Constraint::Check(_, check) => check.columns.clone(),
            Constraint::Foreign(_, key) => key.columns.clone(),
        }
    }

    /// Whether it is DEFERRABLE, and INITIALLY DEFERRED.
    pub fn deferral(self) -> (bool, bool) {
        match self {
            Constraint::Foreign(_, key) => (key.deferrable.is_some(), key.deferrable == Some(true)),
            _ => (false, false),
        }
    }

    /// Whether every row satisfies it.
    pub fn is_validated(self) -> bool {
        match self {
            Constraint::Primary(_) | Constraint::Unique(_) => true,
            Constraint::Check(_, check) => !check.not_valid,
            Constraint::Foreign(_, key) => !key.not_valid,
        }
    }

    /// It as SQL, without its name.
    pub fn sql(self, catalog: &CatalogSnapshot, table: &TableDescriptor) -> String {
        let mut sql = match self {
            Constraint::Primary(index) => key("PRIMARY KEY", table, index),
            Constraint::Unique(index) => key("UNIQUE", table, index),
            Constraint::Check(_, check) => {
                format!("CHECK (({}))", expression(catalog, &check.expression))
            }
            Constraint::Foreign(_, key) => foreign_key(catalog, table, key),
        };
        if !self.is_validated() {
            sql.push_str(" NOT VALID");
        }
        sql
    }
}

/// The constraint with an OID, and its table.
pub fn constraint(
    catalog: &CatalogSnapshot,
    oid: u32,
) -> Option<(&TableDescriptor, Constraint<'_>)> {
    candidates(catalog, oid).find_map(|table| {
        let found = constraints(table).find(|c| c.oid(table) == oid)?;
        Some((table, found))
    })
}

/// The index with an OID, and its table.
pub fn index_with_oid(
    catalog: &CatalogSnapshot,
    oid: u32,
) -> Option<(&TableDescriptor, &IndexDescriptor)> {
    candidates(catalog, oid).find_map(|table| {
        let found = indexes(table).find(|index| number::index(table.id, index.id) == oid)?;
        Some((table, found))
    })
}

/// The tables among whose parts a number may be: first the likely one, then, as large numbers of
/// indexes are scattered, all.
fn candidates(catalog: &CatalogSnapshot, oid: u32) -> impl Iterator<Item = &TableDescriptor> {
    let likely = number::table_of(oid);
    let first = likely.and_then(|id| catalog.table_any_state(id));
    let rest = likely.map(|_| catalog.tables_any_state());
    first.into_iter().chain(rest.into_iter().flatten()).map(|table| &**table)
}

fn key(word: &str, table: &TableDescriptor, index: &IndexDescriptor) -> String {
    let mut sql = format!("{word} ({})", columns(table, index.columns.iter().map(|c| c.column)));
    including(&mut sql, table, index);
    sql
}

fn including(sql: &mut String, table: &TableDescriptor, index: &IndexDescriptor) {
    if !index.storing.is_empty() {
        let _ = write!(sql, " INCLUDE ({})", columns(table, index.storing.iter().copied()));
    }
}

/// Names of columns, quoted where they must be, with commas between them.
fn columns(table: &TableDescriptor, ids: impl IntoIterator<Item = ColumnId>) -> String {
    let names = ids.into_iter().filter_map(|id| table.column(id));
    let names: Vec<String> = names.map(|c| quote_identifier(&c.name)).collect();
    names.join(", ")
}

fn foreign_key(catalog: &CatalogSnapshot, table: &TableDescriptor, key: &ForeignKey) -> String {
    let mut sql = format!("FOREIGN KEY ({})", columns(table, key.columns.iter().copied()));
    if let Some(parent) = catalog.table_any_state(key.referenced_table) {
        let referenced = columns(parent, key.referenced_columns.iter().copied());
        let _ = write!(sql, " REFERENCES {}({referenced})", relative_name(catalog, table, parent));
    }
    if key.match_full {
        sql.push_str(" MATCH FULL");
    }
    for (word, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
        if action != ReferentialAction::NoAction {
            let _ = write!(sql, " ON {word} {}", action_words(action));
        }
    }
    match key.deferrable {
        Some(true) => sql.push_str(" DEFERRABLE INITIALLY DEFERRED"),
        Some(false) => sql.push_str(" DEFERRABLE"),
        None => {}
    }
    sql
}

/// A relation's name as it is written beside another: bare within one schema.
fn relative_name(
    catalog: &CatalogSnapshot,
    beside: &TableDescriptor,
    relation: &TableDescriptor,
) -> String {
    if beside.schema == relation.schema {
        return quote_identifier(&relation.name);
    }
    qualified_name(catalog, relation)
}

/// `schema.relation`, quoted where it must be.
pub fn qualified_name(catalog: &CatalogSnapshot, relation: &TableDescriptor) -> String {
    let schema = catalog.schema_any_state(relation.schema).map_or("", |s| &s.name);
    format!("{}.{}", quote_identifier(schema), quote_identifier(&relation.name))
}

/// What ON DELETE and ON UPDATE say.
pub fn action_words(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "NO ACTION",
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    }
}

/// CREATE INDEX for an index.
pub fn index_sql(
    catalog: &CatalogSnapshot,
    table: &TableDescriptor,
    index: &IndexDescriptor,
) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let keys: Vec<String> = (0..index.columns.len())
        .filter_map(|i| {
            let descending = index.columns.get(i).is_some_and(|c| c.descending);
            let name = index_column(table, index, i)?;
            Some(if descending { format!("{name} DESC") } else { name })
        })
        .collect();
    let mut sql = format!(
        "CREATE {unique}INDEX {} ON {} USING btree ({})",
        quote_identifier(&index.name),
        qualified_name(catalog, table),
        keys.join(", ")
    );
    including(&mut sql, table, index);
    if let Some(predicate) = &index.predicate {
        let _ = write!(sql, " WHERE ({})", expression(catalog, predicate));
    }
    sql
}

/// The name of an index's column, those kept beside the key after those of the key.
pub fn index_column(
    table: &TableDescriptor,
    index: &IndexDescriptor,
    position: usize,
) -> Option<String> {
    let mut ids = index.columns.iter().map(|c| c.column).chain(index.storing.iter().copied());
    let column = table.column(ids.nth(position)?)?;
    Some(match column.indexed_expression() {
        Some(sql) => format!("({sql})"),
        None => quote_identifier(&column.name),
    })
}

/// A stored expression as a person would write it: `104::regclass` becomes `'t_seq'::regclass`.
pub fn expression(catalog: &CatalogSnapshot, stored: &str) -> String {
    expression_with(&with_types(catalog, stored), &|id| {
        let relation = catalog.table_any_state(id)?;
        let schema = catalog.schema_any_state(relation.schema).map_or("", |s| &s.name);
        Some(match schema {
            crate::catalog::names::PUBLIC_SCHEMA => quote_identifier(&relation.name),
            _ => qualified_name(catalog, relation),
        })
    })
}

/// A stored text with the names of the types that it has numbers of.
pub fn with_types(catalog: &CatalogSnapshot, stored: &str) -> String {
    replace_types(stored, &|id| catalog.enum_type(id).map(ToString::to_string))
}

/// The same, where `name_of` says how a relation is written.
pub fn expression_with(stored: &str, name_of: &dyn Fn(DescriptorId) -> Option<String>) -> String {
    const CAST: &str = "::regclass";
    let mut out = String::with_capacity(stored.len());
    let mut rest = stored;
    // Lower case of ASCII only keeps every byte where it is.
    while let Some(at) = rest.to_ascii_lowercase().find(CAST) {
        let (before, after) = rest.split_at(at);
        let word = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = before.get(word.len()..).unwrap_or_default();
        let stands_alone = !word.ends_with(|c: char| c.is_alphanumeric() || "_\"'.".contains(c));
        let name = number.parse().ok().filter(|_| stands_alone).and_then(name_of);
        match name {
            Some(name) => {
                out.push_str(word);
                out.push_str(&quote_literal(&name));
            }
            None => out.push_str(before),
        }
        out.push_str(CAST);
        rest = after.get(CAST.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
