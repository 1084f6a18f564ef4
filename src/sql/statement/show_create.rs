//! Objects as the statements that make them: SHOW CREATE, and the schemas in SHOW BACKUP.

use std::fmt::Write as _;

use super::{Outcome, Work, field};
use crate::catalog::descriptor::{
    ColumnDescriptor, ColumnId, Descriptor, DescriptorId, ForeignKey, Identity, IndexDescriptor,
    ReferentialAction, SequenceOptions, TableDescriptor, TableKind, TypeDescriptor,
};
use crate::catalog::user_type::{enum_type, replace_types};
use crate::catalog::{CatalogSnapshot, names, privilege};
use crate::error::{Error, Result};
use crate::restore::Holdings;
use crate::sql::client::Field;
use crate::sql::pg_catalog::definition;
use crate::sql::statement::object::words;
use crate::syntax::{ShowCreate, quote_identifier, quote_literal};
use crate::types::{Datum, Type, oid};

/// Where the names behind numbers are: a catalog of now, or that of a backup.
pub trait Relations {
    /// A table, view or sequence.
    fn relation(&self, id: DescriptorId) -> Option<&TableDescriptor>;
    /// The name of a schema.
    fn schema_name(&self, id: DescriptorId) -> &str;
    /// A user-defined type.
    fn user_type(&self, id: DescriptorId) -> Option<&TypeDescriptor>;
}

impl Relations for CatalogSnapshot {
    fn relation(&self, id: DescriptorId) -> Option<&TableDescriptor> {
        self.table_any_state(id).map(AsRef::as_ref)
    }

    fn schema_name(&self, id: DescriptorId) -> &str {
        self.schema_any_state(id).map_or("", |schema| &schema.name)
    }

    fn user_type(&self, id: DescriptorId) -> Option<&TypeDescriptor> {
        self.type_any_state(id).map(AsRef::as_ref)
    }
}

impl Relations for Holdings {
    fn relation(&self, id: DescriptorId) -> Option<&TableDescriptor> {
        self.table(id)
    }

    fn schema_name(&self, id: DescriptorId) -> &str {
        self.schema(id).map_or("", |schema| &schema.name)
    }

    fn user_type(&self, id: DescriptorId) -> Option<&TypeDescriptor> {
        match self.object(id) {
            Some(Descriptor::Type(ty)) => Some(ty),
            _ => None,
        }
    }
}

/// Runs SHOW CREATE.
pub fn run(what: &ShowCreate, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let user = work.session.current_user.clone();
    let rows = match what {
        ShowCreate::Relation(name) => {
            let parts = words(name)?;
            let table = names::resolve_relation(&catalog, work.scope(&catalog)?, &parts)?;
            vec![vec![Datum::text(&table.name), Datum::text(relation(&*catalog, &table))]]
        }
        ShowCreate::Database(name) => {
            let database = names::resolve_database(&catalog, &name.value)?;
            let sql = format!("CREATE DATABASE {}", quote_identifier(&database.name));
            vec![vec![Datum::text(&database.name), Datum::text(sql)]]
        }
        ShowCreate::Schema(name) => {
            let parts = words(name)?;
            let schema = names::resolve_schema(&catalog, work.scope(&catalog)?, &parts)?;
            let sql = format!("CREATE SCHEMA {}", quote_identifier(&schema.name));
            vec![vec![Datum::text(&schema.name), Datum::text(sql)]]
        }
        ShowCreate::Type(name) => {
            let parts = words(name)?;
            let found = names::find_type(&catalog, work.scope(&catalog)?, &parts)?;
            let ty = found.ok_or_else(|| names::undefined("type", &parts))?;
            vec![vec![Datum::text(&ty.name), Datum::text(enumeration(&*catalog, &ty))]]
        }
        ShowCreate::AllTables => {
            let database = work.scope(&catalog)?.database;
            let tables = catalog.tables_any_state().filter(|t| {
                t.database == database
                    && t.state.is_public()
                    && !t.temporary
                    && privilege::holds(&catalog, &user, *t, privilege::Privilege::Select)
            });
            tables.map(|t| vec![Datum::text(relation(&*catalog, t))]).collect()
        }
        _ => return Err(Error::unsupported("this form of SHOW CREATE")),
    };
    Outcome::rows(fields(what), rows)
}

/// The columns of SHOW CREATE.
pub fn fields(what: &ShowCreate) -> Vec<Field> {
    let first = match what {
        ShowCreate::Relation(_) => "table_name",
        ShowCreate::Database(_) => "database_name",
        ShowCreate::Schema(_) => "schema_name",
        ShowCreate::Type(_) => "type_name",
        _ => return vec![field("create_statement", Type::Text)],
    };
    vec![field(first, Type::Text), field("create_statement", Type::Text)]
}

/// The statement that makes a table, view, materialised view or sequence.
pub fn relation(relations: &dyn Relations, table: &TableDescriptor) -> String {
    let name = qualified(relations, table);
    let columns = || names_of(table, table.columns.iter().map(|c| c.id));
    let stored = match &table.kind {
        TableKind::Table => create_table(relations, table, &name),
        TableKind::View { query } => format!("CREATE VIEW {name} ({}) AS {query}", columns()),
        TableKind::MaterializedView { query } => {
            format!("CREATE MATERIALIZED VIEW {name} AS {query}")
        }
        TableKind::Sequence(options) => create_sequence(relations, options, &name),
    };
    replace_types(&stored, &|id| {
        let ty = relations.user_type(id)?;
        Some(enum_type(ty, relations.schema_name(ty.schema)).to_string())
    })
}

/// The statement that makes an enumerated type.
pub fn enumeration(relations: &dyn Relations, ty: &TypeDescriptor) -> String {
    let members: Vec<String> =
        ty.members.iter().map(|member| quote_literal(&member.label)).collect();
    format!(
        "CREATE TYPE {}.{} AS ENUM ({})",
        quote_identifier(relations.schema_name(ty.schema)),
        quote_identifier(&ty.name),
        members.join(", ")
    )
}

fn create_table(relations: &dyn Relations, table: &TableDescriptor, name: &str) -> String {
    let mut lines = Vec::new();
    for column in table.columns.iter().filter(|column| !column.hidden) {
        lines.push(column_line(relations, column));
    }
    let is_hidden =
        |id: ColumnId| table.column(id).is_none_or(|column: &ColumnDescriptor| column.hidden);
    let primary = &table.primary_index;
    if !primary.columns.is_empty() && !primary.columns.iter().all(|c| is_hidden(c.column)) {
        lines.push(format!(
            "CONSTRAINT {} PRIMARY KEY ({})",
            quote_identifier(&primary.name),
            key_columns(table, primary)
        ));
    }
    lines.extend(table.indexes.iter().map(|index| index_line(relations, table, index)));
    for check in &table.checks {
        lines.push(format!(
            "CONSTRAINT {} CHECK ({}){}",
            quote_identifier(&check.name),
            expression(relations, &check.expression),
            if check.not_valid { " NOT VALID" } else { "" }
        ));
    }
    lines.extend(table.foreign_keys.iter().filter_map(|key| foreign_key(relations, table, key)));
    let temporary = if table.temporary { "TEMPORARY " } else { "" };
    format!("CREATE {temporary}TABLE {name} (\n\t{}\n)", lines.join(",\n\t"))
}

fn column_line(relations: &dyn Relations, column: &ColumnDescriptor) -> String {
    let mut line = format!(
        "{} {}",
        quote_identifier(&column.name),
        oid::format_type(&column.ty.ty, column.ty.modifier)
    );
    if let Some(collation) = &column.collation {
        let _ = write!(line, " COLLATE {}", quote_identifier(collation));
    }
    line.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
    match (&column.identity, &column.computed, &column.default) {
        (Some(Identity::Always), ..) => line.push_str(" GENERATED ALWAYS AS IDENTITY"),
        (Some(Identity::ByDefault), ..) => line.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
        (None, Some(computed), _) => {
            let _ =
                write!(line, " GENERATED ALWAYS AS ({}) STORED", expression(relations, computed));
        }
        (None, None, Some(default)) => {
            let _ = write!(line, " DEFAULT {}", expression(relations, default));
        }
        (None, None, None) => {}
    }
    line
}

fn index_line(
    relations: &dyn Relations,
    table: &TableDescriptor,
    index: &IndexDescriptor,
) -> String {
    let (name, columns) = (quote_identifier(&index.name), key_columns(table, index));
    let mut line = match (index.constraint, index.unique) {
        (true, true) if index.storing.is_empty() && index.predicate.is_none() => {
            return format!("CONSTRAINT {name} UNIQUE ({columns})");
        }
        (_, true) => format!("UNIQUE INDEX {name} ({columns})"),
        (_, false) => format!("INDEX {name} ({columns})"),
    };
    if !index.storing.is_empty() {
        let _ = write!(line, " STORING ({})", names_of(table, index.storing.iter().copied()));
    }
    if let Some(predicate) = &index.predicate {
        let _ = write!(line, " WHERE {}", expression(relations, predicate));
    }
    line
}

/// A foreign key; `None` if nobody knows its parent.
fn foreign_key(
    relations: &dyn Relations,
    table: &TableDescriptor,
    key: &ForeignKey,
) -> Option<String> {
    let parent = relations.relation(key.referenced_table)?;
    let mut line = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({})",
        quote_identifier(&key.name),
        names_of(table, key.columns.iter().copied()),
        qualified(relations, parent),
        names_of(parent, key.referenced_columns.iter().copied())
    );
    if key.match_full {
        line.push_str(" MATCH FULL");
    }
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        let words = match action {
            ReferentialAction::NoAction => continue,
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        let _ = write!(line, " ON {event} {words}");
    }
    match key.deferrable {
        Some(true) => line.push_str(" DEFERRABLE INITIALLY DEFERRED"),
        Some(false) => line.push_str(" DEFERRABLE"),
        None => {}
    }
    if key.not_valid {
        line.push_str(" NOT VALID");
    }
    Some(line)
}

fn create_sequence(relations: &dyn Relations, options: &SequenceOptions, name: &str) -> String {
    let mut sql = format!(
        "CREATE SEQUENCE {name} MINVALUE {} MAXVALUE {} INCREMENT {} START {}",
        options.minimum, options.maximum, options.increment, options.start
    );
    if options.cache > 1 {
        let _ = write!(sql, " CACHE {}", options.cache);
    }
    if options.cycle {
        sql.push_str(" CYCLE");
    }
    if let Some((owner, column)) = options.owned_by
        && let Some(table) = relations.relation(owner)
    {
        let column = names_of(table, [column]);
        let _ = write!(sql, " OWNED BY {}.{column}", qualified(relations, table));
    }
    sql
}

fn qualified(relations: &dyn Relations, table: &TableDescriptor) -> String {
    let schema = quote_identifier(relations.schema_name(table.schema));
    format!("{schema}.{}", quote_identifier(&table.name))
}

fn names_of(table: &TableDescriptor, ids: impl IntoIterator<Item = ColumnId>) -> String {
    let columns = ids.into_iter().filter_map(|id| table.column(id));
    columns.map(|column| quote_identifier(&column.name)).collect::<Vec<_>>().join(", ")
}

fn key_columns(table: &TableDescriptor, index: &IndexDescriptor) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let columns = index.columns.iter().filter_map(|key| {
        let column = table.column(key.column)?;
        let name = match column.indexed_expression() {
            Some(sql) => format!("({sql})"),
            None => quote_identifier(&column.name),
        };
        Some(format!("{name} {}", direction(key.descending)))
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// A stored expression as a person would write it: `104::regclass` becomes
/// `'public.t_seq'::regclass`.
fn expression(relations: &dyn Relations, stored: &str) -> String {
    definition::expression_with(stored, &|id| {
        relations.relation(id).map(|relation| qualified(relations, relation))
    })
}
