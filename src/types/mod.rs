//! # Types and values
//!
//! What a value *is*: its type ([`Type`], with a modifier in [`ColumnType`]) and the value itself
//! ([`Datum`]). PostgreSQL 15 is the specification: ranges, rounding, text forms, ordering, NULLs,
//! error codes.
//!
//! ```text
//!   text on the wire ──▶ text.rs ──┐                ┌──▶ text.rs ──▶ text on the wire
//!                                  ├──▶  Datum  ────┤
//! binary on the wire ─▶ binary.rs ─┘   │    ▲       └──▶ binary.rs ─▶ binary on the wire
//!                                      ▼    │
//!                         cast.rs · numeric.rs · datetime.rs · interval.rs · json.rs · compare.rs
//! ```
//!
//! Words: a *type* is named by an OID; a *modifier* narrows it (`numeric(10,2)`, `varchar(20)`)
//! and is encoded as PostgreSQL's typmod; a *datum* is one value, NULL included.
//!
//! Invariants:
//! - No I/O, no clock, no catalogue: time zones and "now" are parameters.
//! - Arithmetic is checked: overflow is an error, never a wrap.
//! - [`Datum`]'s total order is the order of ORDER BY and of index keys, NULL last, NaN largest.
//! - Text output of every value reads back as the same value.
//!
//! What it is not: the table of operators and functions (`sql::function`).

pub mod arith;
pub mod binary;
pub mod cast;
pub mod compare;
pub mod datetime;
pub mod enumeration;
pub mod format_pattern;
pub mod interval;
pub mod json;
pub mod numeric;
pub mod oid;
pub mod session;
pub mod text;
pub mod typmod;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use enumeration::{EnumMember, EnumType};
pub use interval::Interval;
pub use numeric::Numeric;
pub use session::SessionFormat;

/// A type without its modifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`
    Numeric,
    /// `text`
    Text,
    /// `character varying`
    Varchar,
    /// `character` (blank-padded)
    Bpchar,
    /// `name`
    Name,
    /// `"char"`, one byte, used by the system catalogues
    Char,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time without time zone`
    Time,
    /// `time with time zone`
    Timetz,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`
    Timestamptz,
    /// `interval`
    Interval,
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `oid`
    Oid,
    /// `regclass`
    Regclass,
    /// `regtype`
    Regtype,
    /// `regproc`
    Regproc,
    /// `regnamespace`
    Regnamespace,
    /// `int2vector`
    Int2Vector,
    /// `oidvector`
    OidVector,
    /// An array of a scalar type.
    Array(Box<Type>),
    /// An anonymous row.
    Record,
    /// A literal or parameter whose type is not yet known.
    Unknown,
    /// The type of functions that return nothing.
    Void,
    /// `regrole`
    Regrole,
    /// A user's enumerated type.
    Enum(EnumType),
}

/// A type with its modifier, as a column or a cast has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnType {
    /// The type.
    pub ty: Type,
    /// PostgreSQL's typmod: `-1` for none; `n + 4` for `varchar(n)` and `char(n)`;
    /// `((precision << 16) | (scale & 0x7ff)) + 4` for numeric; the precision for times.
    pub modifier: i32,
}

impl ColumnType {
    /// The type without a modifier.
    pub fn plain(ty: Type) -> Self {
        ColumnType { ty, modifier: -1 }
    }
}

impl From<Type> for ColumnType {
    fn from(ty: Type) -> Self {
        ColumnType::plain(ty)
    }
}

impl fmt::Display for ColumnType {
    /// The SQL spelling that `format_type` gives: `character varying(20)`, `numeric(10,2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&oid::format_type(&self.ty, self.modifier))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&oid::format_type(self, -1))
    }
}

/// One value. Cheap to clone: long values are shared.
#[derive(Clone, Debug)]
pub enum Datum {
    /// SQL's NULL, of any type.
    Null,
    /// `boolean`
    Bool(bool),
    /// `smallint`
    Int2(i16),
    /// `integer`
    Int4(i32),
    /// `bigint`
    Int8(i64),
    /// `real`
    Float4(f32),
    /// `double precision`
    Float8(f64),
    /// `numeric`
    Numeric(Numeric),
    /// `text`, `varchar`, `char(n)` (with its padding), `name`, unknown literals
    Text(Arc<str>),
    /// `"char"`
    Char(u8),
    /// `bytea`
    Bytea(Arc<[u8]>),
    /// Days since 2000-01-01; `i32::MIN` is `-infinity`, `i32::MAX` is `infinity`.
    Date(i32),
    /// Microseconds since midnight, 0 ..= 86,400,000,000.
    Time(i64),
    /// Microseconds since midnight, and the zone as seconds *west* of UTC (PostgreSQL's sign).
    Timetz(i64, i32),
    /// Microseconds since 2000-01-01 00:00; the extremes are the infinities.
    Timestamp(i64),
    /// Microseconds since 2000-01-01 00:00 UTC; the extremes are the infinities.
    Timestamptz(i64),
    /// Months, days and microseconds, kept apart.
    Interval(Interval),
    /// Sixteen bytes.
    Uuid([u8; 16]),
    /// `json`: the text as it was given.
    Json(Arc<str>),
    /// `jsonb`: the parsed value.
    Jsonb(Arc<serde_json::Value>),
    /// `oid`, `regclass` and their like.
    Oid(u32),
    /// An array, int2vector or oidvector.
    Array(Arc<Array>),
    /// A row.
    Record(Arc<[Datum]>),
    /// A member of an enumerated type.
    Enum(Arc<EnumMember>),
}

/// An array value: the elements in row-major order and the extent of each dimension.
#[derive(Clone, Debug)]
pub struct Array {
    /// The element type.
    pub element: Type,
    /// Length and lower bound of each dimension; empty for `{}`.
    pub dimensions: Vec<(usize, i32)>,
    /// The elements, `dimensions` product many.
    pub items: Vec<Datum>,
}

impl Array {
    /// A one-dimensional array with lower bound 1 (or the empty array).
    pub fn from_items(element: Type, items: Vec<Datum>) -> Self {
        let dimensions = if items.is_empty() { vec![] } else { vec![(items.len(), 1)] };
        Array { element, dimensions, items }
    }
}

impl Datum {
    /// A text value.
    pub fn text(s: impl AsRef<str>) -> Self {
        Datum::Text(Arc::from(s.as_ref()))
    }

    /// A bytea value.
    pub fn bytes(b: impl AsRef<[u8]>) -> Self {
        Datum::Bytea(Arc::from(b.as_ref()))
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// The type that the value itself shows. Values of `varchar`, `regclass` and the like show the
    /// type whose representation they share; NULL shows [`Type::Unknown`].
    pub fn shown_type(&self) -> Type {
        match self {
            Datum::Null => Type::Unknown,
            Datum::Bool(_) => Type::Bool,
            Datum::Int2(_) => Type::Int2,
            Datum::Int4(_) => Type::Int4,
            Datum::Int8(_) => Type::Int8,
            Datum::Float4(_) => Type::Float4,
            Datum::Float8(_) => Type::Float8,
            Datum::Numeric(_) => Type::Numeric,
            Datum::Text(_) => Type::Text,
            Datum::Char(_) => Type::Char,
            Datum::Bytea(_) => Type::Bytea,
            Datum::Date(_) => Type::Date,
            Datum::Time(_) => Type::Time,
            Datum::Timetz(..) => Type::Timetz,
            Datum::Timestamp(_) => Type::Timestamp,
            Datum::Timestamptz(_) => Type::Timestamptz,
            Datum::Interval(_) => Type::Interval,
            Datum::Uuid(_) => Type::Uuid,
            Datum::Json(_) => Type::Json,
            Datum::Jsonb(_) => Type::Jsonb,
            Datum::Oid(_) => Type::Oid,
            Datum::Array(array) => Type::Array(Box::new(array.element.clone())),
            Datum::Record(_) => Type::Record,
            // The member alone does not know its type.
            Datum::Enum(_) => Type::Text,
        }
    }
}

impl From<Option<Datum>> for Datum {
    fn from(value: Option<Datum>) -> Self {
        value.unwrap_or(Datum::Null)
    }
}
