//! A table in the making.

use std::sync::Arc;

use super::expression;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{
    ColumnDescriptor, ColumnId, Descriptor, IndexDescriptor, SchemaDescriptor, State,
    TableDescriptor, TableKind,
};
use crate::catalog::privilege::{self, ObjectKind};
use crate::catalog::row::TableCodec;
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{IndexId, TableId};
use crate::limits::COLUMNS_MAX;
use crate::sql::relation::Produced;
use crate::sql::scalar::ColumnRef;
use crate::sql::statement::Work;
use crate::sql::statement::object;
use crate::types::{ColumnType, Type};

/// The name of the hidden column that tells rows apart where no primary key does.
const ROW_ID: &str = "rowid";

/// The name of a hidden column that holds the value of an indexed expression.
const INDEXED_EXPRESSION: &str = "crdb_internal_idx_expr";

/// A descriptor that is not written yet, and what goes with it.
pub(in crate::sql::statement) struct Draft {
    /// The table.
    pub table: TableDescriptor,
    /// The schema that it is in.
    pub schema: Arc<SchemaDescriptor>,
    /// Sequences to write with it.
    pub sequences: Vec<TableDescriptor>,
    /// Tables that a foreign key refers to, whose version rises so that plans see it.
    pub referenced: Vec<TableId>,
}

impl Draft {
    /// A new relation without columns.
    pub fn new(
        work: &mut Work<'_>,
        schema: &Arc<SchemaDescriptor>,
        name: &str,
        kind: TableKind,
    ) -> Result<Draft> {
        let catalog = work.catalog()?;
        let object = match kind {
            TableKind::Sequence(_) => ObjectKind::Sequence,
            _ => ObjectKind::Table,
        };
        let (database, id) = (schema.database, work.server.catalog.allocate_id()?);
        let creator = &work.session.current_user;
        let privileges =
            privilege::for_new_object(&catalog, database, Some(schema.id), object, creator);
        let mut primary_index = IndexDescriptor::new(1, format!("{name}_pkey"), true, &[]);
        primary_index.constraint = true;
        Ok(Draft {
            table: TableDescriptor {
                id,
                database,
                schema: schema.id,
                name: name.to_owned(),
                version: 1,
                state: State::Public,
                privileges,
                kind,
                columns: Vec::new(),
                next_column_id: 1,
                primary_index,
                indexes: Vec::new(),
                next_index_id: 2,
                checks: Vec::new(),
                foreign_keys: Vec::new(),
                depends_on: Vec::new(),
                created: work.server.mvcc.now(),
                data_since: Timestamp::MIN,
                temporary: schema.is_temporary(),
                storage_parameters: Vec::new(),
                mutations: Vec::new(),
            },
            schema: Arc::clone(schema),
            sequences: Vec::new(),
            referenced: Vec::new(),
        })
    }

    /// A table that exists, to be changed.
    pub fn of(catalog: &CatalogSnapshot, table: &Arc<TableDescriptor>) -> Result<Draft> {
        let schema = catalog
            .schema_any_state(table.schema)
            .ok_or_else(|| Error::internal("a table without a schema"))?;
        Ok(Draft {
            table: table.as_ref().clone(),
            schema: Arc::clone(schema),
            sequences: Vec::new(),
            referenced: Vec::new(),
        })
    }

    /// Whether a relation or index of the schema, or of this draft, has a name.
    pub fn is_taken(&self, catalog: &CatalogSnapshot, name: &str) -> bool {
        self.table.name == name
            || self.sequences.iter().any(|s| s.name == name)
            // A primary index without columns is only waiting for its own name.
            || self.table.all_indexes().any(|i| i.name == name && !i.columns.is_empty())
            || object::is_taken(catalog, &self.schema, name)
    }

    /// Whether a constraint of the table has a name.
    pub fn has_constraint(&self, name: &str) -> bool {
        let table = &self.table;
        table.checks.iter().any(|c| c.name == name)
            || table.foreign_keys.iter().any(|f| f.name == name)
            || table.indexes.iter().any(|i| i.constraint && i.name == name)
            || (!object::has_row_id(table)
                && !table.primary_index.columns.is_empty()
                && table.primary_index.name == name)
    }

    /// Says of a check or foreign key whether every row satisfies it.
    pub fn set_validated(&mut self, name: &str, validated: bool) {
        for check in self.table.checks.iter_mut().filter(|c| c.name == name) {
            check.not_valid = !validated;
        }
        for key in self.table.foreign_keys.iter_mut().filter(|f| f.name == name) {
            key.not_valid = !validated;
        }
    }

    /// Fails with 42710 if a constraint of the table has a name.
    pub fn check_constraint_name(&self, name: &str) -> Result<()> {
        if !self.has_constraint(name) {
            return Ok(());
        }
        Err(Error::new(
            sqlstate::DUPLICATE_OBJECT,
            format!("constraint \"{name}\" for relation \"{}\" already exists", self.table.name),
        ))
    }

    /// Adds a column; 42701 if there is one with its name.
    pub fn add_column(&mut self, mut column: ColumnDescriptor) -> Result<ColumnId> {
        if self.table.column_named(&column.name).is_some() {
            return Err(Error::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", column.name),
            ));
        }
        if self.table.columns.len() >= COLUMNS_MAX {
            return Err(Error::new(
                sqlstate::TOO_MANY_COLUMNS,
                format!("tables can have at most {COLUMNS_MAX} columns"),
            ));
        }
        column.id = self.next_column_id();
        let id = column.id;
        // The row number stays last.
        let at = self.table.columns.iter().position(|c| c.hidden);
        self.table.columns.insert(at.unwrap_or(self.table.columns.len()), column);
        Ok(id)
    }

    fn next_column_id(&mut self) -> ColumnId {
        let id = self.table.next_column_id;
        self.table.next_column_id += 1;
        id
    }

    /// A number for an index.
    pub fn next_index_id(&mut self) -> IndexId {
        let id = self.table.next_index_id;
        self.table.next_index_id += 1;
        id
    }

    /// Gives every index a new number: what they hold now is not theirs any more.
    pub fn renumber(&mut self) -> Vec<IndexId> {
        let first = self.table.next_index_id;
        let indexes = std::iter::once(&mut self.table.primary_index).chain(&mut self.table.indexes);
        let ids: Vec<IndexId> = (first..)
            .zip(indexes)
            .map(|(id, index)| {
                index.id = id;
                id
            })
            .collect();
        self.table.next_index_id = ids.last().map_or(first, |last| last + 1);
        ids
    }

    /// Gives a table without a primary key the hidden column that stands in for one.
    pub fn add_row_id(&mut self) {
        let mut name = ROW_ID.to_owned();
        let mut number = 0;
        while self.table.column_named(&name).is_some() {
            number += 1;
            name = format!("{ROW_ID}_{number}");
        }
        let mut column = ColumnDescriptor::new(self.next_column_id(), name, Type::Int8);
        column.nullable = false;
        column.hidden = true;
        column.default = Some("unique_rowid()".to_owned());
        let (id, name) = (self.table.primary_index.id, format!("{}_pkey", self.table.name));
        self.table.primary_index = IndexDescriptor::new(id, name, true, &[column.id]);
        self.table.columns.push(column);
    }

    /// Adds a hidden column that holds the value of an expression for an index, and gives back its
    /// name.
    pub fn add_indexed_expression(&mut self, sql: String, ty: ColumnType) -> Result<String> {
        let mut name = INDEXED_EXPRESSION.to_owned();
        let mut number = 0;
        while self.table.column_named(&name).is_some() {
            number += 1;
            name = format!("{INDEXED_EXPRESSION}_{number}");
        }
        let mut column = ColumnDescriptor::new(0, name.clone(), ty);
        column.hidden = true;
        column.computed = Some(sql);
        self.add_column(column)?;
        Ok(name)
    }

    /// Takes away the hidden columns that no index uses any more.
    pub fn drop_unused_expressions(&mut self) {
        let indexes = &self.table.indexes;
        self.table.columns.retain(|c| {
            c.indexed_expression().is_none()
                || indexes.iter().any(|i| i.columns.iter().any(|k| k.column == c.id))
        });
    }

    /// A column by name; 42703 otherwise.
    pub fn column(&self, name: &str) -> Result<&ColumnDescriptor> {
        self.table
            .columns
            .iter()
            .find(|c| c.name == name && !c.hidden)
            .ok_or_else(|| undefined_column(&self.table, name))
    }

    /// A column by name, to be changed.
    pub fn column_mut(&mut self, name: &str) -> Result<&mut ColumnDescriptor> {
        let missing = undefined_column(&self.table, name);
        self.table.columns.iter_mut().find(|c| c.name == name && !c.hidden).ok_or(missing)
    }

    /// How its rows are written.
    pub fn codec(&self) -> Result<Arc<TableCodec>> {
        TableCodec::new(&Arc::new(self.table.clone())).map(Arc::new)
    }

    /// Writes the table and its sequences.
    pub fn write(self, work: &mut Work<'_>) -> Result<()> {
        for sequence in self.sequences {
            work.server.catalog.write(work.txn, &Descriptor::Table(sequence))?;
        }
        let id = self.table.id;
        work.server.catalog.write(work.txn, &Descriptor::Table(self.table))?;
        if self.referenced.iter().any(|other| *other != id) {
            let catalog = work.catalog()?;
            for other in self.referenced.into_iter().filter(|other| *other != id) {
                if let Some(table) = catalog.table_any_state(other) {
                    let table = Descriptor::Table(table.as_ref().clone());
                    work.server.catalog.write(work.txn, &table)?;
                }
            }
        }
        Ok(())
    }
}

/// 42703 for a column of a table.
pub(super) fn undefined_column(table: &TableDescriptor, name: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
    )
}

/// Columns that stand for a table's row in expressions.
pub(in crate::sql) fn row_of(table: &TableDescriptor) -> Vec<Produced> {
    (0..)
        .zip(&table.columns)
        .map(|(n, c)| Produced { column: ColumnRef(n), ty: c.ty.clone() })
        .collect()
}

/// Puts a table's new name into those of its expressions that say the old one.
pub(in crate::sql::statement) fn rename_in_expressions(
    table: &mut TableDescriptor,
    new: &str,
) -> Result<()> {
    let old = table.name.clone();
    let checks = table.checks.iter_mut().map(|c| &mut c.expression);
    let computed = table.columns.iter_mut().filter_map(|c| c.computed.as_mut());
    let indexes = std::iter::once(&mut table.primary_index).chain(&mut table.indexes);
    let predicates = indexes.filter_map(|i| i.predicate.as_mut());
    for sql in checks.chain(computed).chain(predicates) {
        *sql = expression::rename_table(sql, &old, new)?;
    }
    Ok(())
}
