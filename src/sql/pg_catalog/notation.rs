//! The notation in which the tables are written down, and how values become cells of a row.
//!
//! `table(1259, "pg_class", "oid oid, relname name, …", rows)` is a table; types are written as
//! `pg_type` names them, with `_` before an array's.

use super::{VirtualColumn, VirtualTable};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{Array, ColumnType, Datum, Type, oid};

/// How a table's rows are made.
pub(super) type Rows = fn(&mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>>;

/// One line of a list of tables.
#[derive(Clone, Copy)]
pub(super) struct Definition {
    oid: u32,
    name: &'static str,
    columns: &'static str,
    is_view: bool,
    rows: Rows,
}

/// A table with the OID that PostgreSQL gives it (or one above 9000 that is free there).
pub(super) const fn table(
    oid: u32,
    name: &'static str,
    columns: &'static str,
    rows: Rows,
) -> Definition {
    Definition { oid, name, columns, is_view: false, rows }
}

/// The same for what PostgreSQL has as a view.
pub(super) const fn view(
    oid: u32,
    name: &'static str,
    columns: &'static str,
    rows: Rows,
) -> Definition {
    Definition { oid, name, columns, is_view: true, rows }
}

impl Definition {
    /// The table that the line describes.
    pub(super) fn table(&self, schema: &'static str) -> VirtualTable {
        let columns = self.columns.split(", ").filter_map(|column| {
            let (name, ty) = column.trim().split_once(' ')?;
            Some(VirtualColumn { name, ty: ColumnType::plain(type_named(ty)) })
        });
        VirtualTable {
            oid: self.oid,
            schema,
            name: self.name,
            columns: columns.collect(),
            is_view: self.is_view,
            rows: self.rows,
        }
    }
}

/// A type by its `typname`; `char` is the catalogue's type of one byte.
pub(super) fn type_named(name: &str) -> Type {
    match name {
        "char" => Type::Char,
        "_char" => Type::Array(Box::new(Type::Char)),
        _ => oid::type_from_name(name).unwrap_or(Type::Text),
    }
}

/// No rows: there is nothing of the kind.
pub(super) fn none(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(Vec::new())
}

/// What can stand in a row.
pub(super) trait Cell {
    /// The value.
    fn datum(self) -> Datum;
}

macro_rules! cells {
    ($($ty:ty => $make:expr),* $(,)?) => {$(
        impl Cell for $ty {
            fn datum(self) -> Datum {
                let make: fn($ty) -> Datum = $make;
                make(self)
            }
        }
    )*};
}

cells! {
    bool => Datum::Bool,
    i16 => Datum::Int2,
    i32 => Datum::Int4,
    i64 => Datum::Int8,
    u32 => Datum::Oid,
    f32 => Datum::Float4,
    f64 => Datum::Float8,
    u8 => Datum::Char,
    String => Datum::text,
    Datum => |datum| datum,
    Vec<String> => |items| list(Type::Text, items),
    Vec<u32> => |items| list(Type::Oid, items),
}

impl Cell for &str {
    fn datum(self) -> Datum {
        Datum::text(self)
    }
}

impl Cell for &String {
    fn datum(self) -> Datum {
        Datum::text(self)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn datum(self) -> Datum {
        self.map_or(Datum::Null, Cell::datum)
    }
}

/// A row of cells.
macro_rules! row {
    ($($cell:expr),* $(,)?) => {
        vec![$($crate::sql::pg_catalog::notation::Cell::datum($cell)),*]
    };
}
pub(super) use row;

/// An array of one dimension.
pub(super) fn list<T: Cell>(element: Type, items: impl IntoIterator<Item = T>) -> Datum {
    let items = items.into_iter().map(Cell::datum).collect();
    Datum::Array(Array::from_items(element, items).into())
}

/// An `int2vector` or `oidvector`, which counts from 0.
pub(super) fn vector<T: Cell>(element: Type, items: impl IntoIterator<Item = T>) -> Datum {
    let items: Vec<Datum> = items.into_iter().map(Cell::datum).collect();
    Datum::Array(Array { element, dimensions: vec![(items.len(), 0)], items }.into())
}

/// SQL's NULL.
pub(super) const NULL: Datum = Datum::Null;

/// `YES` or `NO`, as the information schema says it.
pub(super) fn yes(condition: bool) -> &'static str {
    if condition { "YES" } else { "NO" }
}
