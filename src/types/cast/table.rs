//! `pg_cast`: which casts there are, and in which contexts.

use super::CastContext::{self, Assignment, Explicit, Implicit};
use crate::types::Type;
use crate::types::oid::category;

/// The narrowest context in which `from` becomes `to`; `None` if never.
pub fn cast_context(from: &Type, to: &Type) -> Option<CastContext> {
    if from == to {
        return Some(Implicit);
    }
    // Nothing becomes void; a literal of unknown type becomes anything, by its text.
    if *to == Type::Void || *from == Type::Void {
        return None;
    }
    if *from == Type::Unknown {
        return Some(Implicit);
    }
    catalogued(from, to).or_else(|| by_items(from, to)).or_else(|| by_text(from, to))
}

/// The rows of `pg_cast`.
pub fn catalogued(from: &Type, to: &Type) -> Option<CastContext> {
    use Type::*;
    let context = match (from, to) {
        (Bool, Int4) | (Int4, Bool) => Explicit,
        (Bool, Text | Varchar | Bpchar) => Assignment,

        (Int2, Int4 | Int8 | Float4 | Float8 | Numeric) => Implicit,
        (Int4, Int8 | Float4 | Float8 | Numeric) => Implicit,
        (Int8, Float4 | Float8 | Numeric) => Implicit,
        (Int4 | Int8, Int2) | (Int8, Int4) => Assignment,
        (Int2 | Int4 | Int8, Oid | Regclass | Regtype | Regproc | Regnamespace | Regrole) => {
            Implicit
        }
        (Oid | Regclass | Regtype | Regproc | Regnamespace | Regrole, Int4 | Int8) => Assignment,
        (Oid, Regclass | Regtype | Regproc | Regnamespace | Regrole)
        | (Regclass | Regtype | Regproc | Regnamespace | Regrole, Oid) => Implicit,

        (Numeric, Float4 | Float8) | (Float4, Float8) => Implicit,
        (Numeric | Float4 | Float8, Int2 | Int4 | Int8) => Assignment,
        (Float4 | Float8, Numeric) | (Float8, Float4) => Assignment,

        (Int4, Char) | (Char, Int4) => Explicit,
        (Char, Text) => Implicit,
        (Char, Varchar | Bpchar) | (Text | Varchar, Char) => Assignment,
        (Bpchar, Char) => Assignment,
        (Text | Varchar | Bpchar, Name) => Implicit,
        (Name, Text) => Implicit,
        (Name, Varchar | Bpchar) => Assignment,
        (Text, Varchar | Bpchar)
        | (Varchar, Text | Bpchar)
        | (Bpchar, Text | Varchar)
        | (Text | Varchar, Regclass) => Implicit,

        (Date, Timestamp | Timestamptz) | (Timestamp, Timestamptz) => Implicit,
        (Time, Interval | Timetz) => Implicit,
        (Timestamp, Date | Time) | (Timetz, Time) | (Interval, Time) => Assignment,
        (Timestamptz, Date | Time | Timetz | Timestamp) => Assignment,

        (Json, Jsonb) | (Jsonb, Json) => Assignment,
        (Jsonb, Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric) => Explicit,
        _ => return None,
    };
    Some(context)
}

/// Arrays become arrays as their items do.
fn by_items(from: &Type, to: &Type) -> Option<CastContext> {
    let element = match from {
        Type::Array(element) => element.as_ref(),
        Type::Int2Vector => &Type::Int2,
        Type::OidVector => &Type::Oid,
        _ => return None,
    };
    match to {
        Type::Array(target) => cast_context(element, target),
        _ => None,
    }
}

/// Everything can be assigned to a string, and a string written out becomes anything.
fn by_text(from: &Type, to: &Type) -> Option<CastContext> {
    if category(to) == 'S' {
        Some(Assignment)
    } else if category(from) == 'S' && *to != Type::Record {
        Some(Explicit)
    } else {
        None
    }
}
