//! The table of types: PostgreSQL's OIDs, names, lengths and categories, as `pg_type` has them.

use super::{Type, typmod};

/// OIDs of user-defined types begin here, clear of PostgreSQL's own.
pub const USER_TYPES: u32 = 100_000;
/// OIDs of the arrays over them begin here.
pub const USER_ARRAYS: u32 = 1 << 29;
/// And end here.
const USER_END: u32 = 1 << 30;

/// A row of `pg_type` for a scalar or pseudo type.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    /// The type.
    pub ty: Type,
    /// `oid`
    pub oid: u32,
    /// `typarray`, or 0.
    pub array_oid: u32,
    /// `typname`
    pub name: &'static str,
    /// `typlen`: bytes, -1 for variable length, -2 for a C string.
    pub len: i16,
    /// `typbyval`
    pub by_value: bool,
    /// `typcategory`
    pub category: char,
    /// `typispreferred`
    pub preferred: bool,
    /// `typalign`
    pub align: char,
}

const fn info(
    ty: Type,
    oid: u32,
    array_oid: u32,
    name: &'static str,
    (len, by_value, align): (i16, bool, char),
    (category, preferred): (char, bool),
) -> TypeInfo {
    TypeInfo { ty, oid, array_oid, name, len, by_value, category, preferred, align }
}

/// Every type that is not an array, in the order of [`Type`]'s variants.
pub static TYPES: [TypeInfo; 33] = [
    info(Type::Bool, 16, 1000, "bool", (1, true, 'c'), ('B', true)),
    info(Type::Int2, 21, 1005, "int2", (2, true, 's'), ('N', false)),
    info(Type::Int4, 23, 1007, "int4", (4, true, 'i'), ('N', false)),
    info(Type::Int8, 20, 1016, "int8", (8, true, 'd'), ('N', false)),
    info(Type::Float4, 700, 1021, "float4", (4, true, 'i'), ('N', false)),
    info(Type::Float8, 701, 1022, "float8", (8, true, 'd'), ('N', true)),
    info(Type::Numeric, 1700, 1231, "numeric", (-1, false, 'i'), ('N', false)),
    info(Type::Text, 25, 1009, "text", (-1, false, 'i'), ('S', true)),
    info(Type::Varchar, 1043, 1015, "varchar", (-1, false, 'i'), ('S', false)),
    info(Type::Bpchar, 1042, 1014, "bpchar", (-1, false, 'i'), ('S', false)),
    info(Type::Name, 19, 1003, "name", (64, false, 'c'), ('S', false)),
    info(Type::Char, 18, 1002, "char", (1, true, 'c'), ('Z', false)),
    info(Type::Bytea, 17, 1001, "bytea", (-1, false, 'i'), ('U', false)),
    info(Type::Date, 1082, 1182, "date", (4, true, 'i'), ('D', false)),
    info(Type::Time, 1083, 1183, "time", (8, true, 'd'), ('D', false)),
    info(Type::Timetz, 1266, 1270, "timetz", (12, false, 'd'), ('D', false)),
    info(Type::Timestamp, 1114, 1115, "timestamp", (8, true, 'd'), ('D', false)),
    info(Type::Timestamptz, 1184, 1185, "timestamptz", (8, true, 'd'), ('D', true)),
    info(Type::Interval, 1186, 1187, "interval", (16, false, 'd'), ('T', true)),
    info(Type::Uuid, 2950, 2951, "uuid", (16, false, 'c'), ('U', false)),
    info(Type::Json, 114, 199, "json", (-1, false, 'i'), ('U', false)),
    info(Type::Jsonb, 3802, 3807, "jsonb", (-1, false, 'i'), ('U', false)),
    info(Type::Oid, 26, 1028, "oid", (4, true, 'i'), ('N', true)),
    info(Type::Regclass, 2205, 2210, "regclass", (4, true, 'i'), ('N', false)),
    info(Type::Regtype, 2206, 2211, "regtype", (4, true, 'i'), ('N', false)),
    info(Type::Regproc, 24, 1008, "regproc", (4, true, 'i'), ('N', false)),
    info(Type::Regnamespace, 4089, 4090, "regnamespace", (4, true, 'i'), ('N', false)),
    info(Type::Int2Vector, 22, 1006, "int2vector", (-1, false, 'i'), ('A', false)),
    info(Type::OidVector, 30, 1013, "oidvector", (-1, false, 'i'), ('A', false)),
    info(Type::Record, 2249, 2287, "record", (-1, false, 'd'), ('P', false)),
    info(Type::Unknown, 705, 0, "unknown", (-2, false, 'c'), ('X', false)),
    info(Type::Void, 2278, 0, "void", (4, true, 'i'), ('P', false)),
    info(Type::Regrole, 4096, 4097, "regrole", (4, true, 'i'), ('N', false)),
];

fn row(ty: &Type) -> Option<&'static TypeInfo> {
    let index = match ty {
        Type::Bool => 0,
        Type::Int2 => 1,
        Type::Int4 => 2,
        Type::Int8 => 3,
        Type::Float4 => 4,
        Type::Float8 => 5,
        Type::Numeric => 6,
        Type::Text => 7,
        Type::Varchar => 8,
        Type::Bpchar => 9,
        Type::Name => 10,
        Type::Char => 11,
        Type::Bytea => 12,
        Type::Date => 13,
        Type::Time => 14,
        Type::Timetz => 15,
        Type::Timestamp => 16,
        Type::Timestamptz => 17,
        Type::Interval => 18,
        Type::Uuid => 19,
        Type::Json => 20,
        Type::Jsonb => 21,
        Type::Oid => 22,
        Type::Regclass => 23,
        Type::Regtype => 24,
        Type::Regproc => 25,
        Type::Regnamespace => 26,
        Type::Int2Vector => 27,
        Type::OidVector => 28,
        Type::Record => 29,
        Type::Unknown => 30,
        Type::Void => 31,
        Type::Regrole => 32,
        Type::Array(_) | Type::Enum(_) => return None,
    };
    TYPES.get(index)
}

/// The type's OID; 0 for an array of something that has no arrays.
pub fn oid(ty: &Type) -> u32 {
    match ty {
        Type::Array(element) => array_oid(element),
        Type::Enum(own) => USER_TYPES.wrapping_add(own.id()),
        other => row(other).map_or(0, |r| r.oid),
    }
}

/// The OID of the array over this type, or 0.
pub fn array_oid(ty: &Type) -> u32 {
    match ty {
        Type::Enum(own) => USER_ARRAYS.wrapping_add(own.id()),
        _ => row(ty).map_or(0, |r| r.array_oid),
    }
}

/// `typname`: `int4`, `_int4`.
pub fn type_name(ty: &Type) -> String {
    match ty {
        Type::Array(element) => format!("_{}", type_name(element)),
        Type::Enum(own) => own.name().to_owned(),
        other => row(other).map_or("unknown", |r| r.name).to_string(),
    }
}

/// `typlen`, which the wire protocol sends with each column.
pub fn type_len(ty: &Type) -> i16 {
    match ty {
        Type::Enum(_) => 4,
        _ => row(ty).map_or(-1, |r| r.len),
    }
}

/// `typbyval`
pub fn by_value(ty: &Type) -> bool {
    matches!(ty, Type::Enum(_)) || row(ty).is_some_and(|r| r.by_value)
}

/// `typalign`
pub fn align(ty: &Type) -> char {
    match ty {
        Type::Array(element) if align(element) == 'd' => 'd',
        other => row(other).map_or('i', |r| r.align),
    }
}

/// `typcategory`: the letter that overload resolution groups types by.
pub fn category(ty: &Type) -> char {
    match ty {
        Type::Enum(_) => 'E',
        _ => row(ty).map_or('A', |r| r.category),
    }
}

/// `typispreferred`: the type that wins within its category.
pub fn is_preferred(ty: &Type) -> bool {
    row(ty).is_some_and(|r| r.preferred)
}

/// The number of the user-defined type that an OID means, and whether it is of the array over it.
pub fn user_type(oid: u32) -> Option<(u32, bool)> {
    match oid {
        USER_ARRAYS..USER_END => Some((oid - USER_ARRAYS, true)),
        USER_TYPES..USER_ARRAYS => Some((oid - USER_TYPES, false)),
        _ => None,
    }
}

/// The type of an OID, unless it is a user's ([`user_type`]).
pub fn type_from_oid(oid: u32) -> Option<Type> {
    if oid == 0 {
        return None;
    }
    TYPES.iter().find_map(|r| {
        if r.oid == oid {
            Some(r.ty.clone())
        } else if r.array_oid == oid {
            Some(Type::Array(Box::new(r.ty.clone())))
        } else {
            None
        }
    })
}

/// The type of a name as SQL writes it, any spelling that PostgreSQL (or, for `string` and `bytes`,
/// CockroachDB) knows: `int`, `int4`, `_int4`, `integer[]`, `pg_catalog.int4`. No modifiers.
pub fn type_from_name(name: &str) -> Option<Type> {
    let mut lower = name.trim().to_ascii_lowercase();
    if lower.contains(char::is_whitespace) {
        lower = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut base = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
    let mut is_array = false;
    while let Some(shorter) = strip_array_suffix(base) {
        base = shorter;
        is_array = true;
    }
    if let Some(element) = base.strip_prefix('_') {
        is_array = true;
        base = element;
    }
    let ty = scalar_from_name(base)?;
    match is_array {
        false => Some(ty),
        true if array_oid(&ty) == 0 => None,
        true => Some(Type::Array(Box::new(ty))),
    }
}

/// `int4[]`, `int4 []`, `int4[3]` and `int4 array` are all arrays of `int4`.
fn strip_array_suffix(name: &str) -> Option<&str> {
    if let Some(base) = name.strip_suffix(" array") {
        return Some(base);
    }
    let open = name.strip_suffix(']')?;
    let (base, extent) = open.rsplit_once('[')?;
    extent.bytes().all(|b| b.is_ascii_digit()).then(|| base.trim_end())
}

fn scalar_from_name(name: &str) -> Option<Type> {
    let ty = match name {
        "boolean" => Type::Bool,
        "smallint" => Type::Int2,
        "int" | "integer" => Type::Int4,
        "bigint" | "int64" => Type::Int8,
        "real" => Type::Float4,
        "float" | "double precision" => Type::Float8,
        "decimal" | "dec" => Type::Numeric,
        "string" => Type::Text,
        "character varying" | "char varying" => Type::Varchar,
        "character" | "char" => Type::Bpchar,
        "\"char\"" => Type::Char,
        "bytes" => Type::Bytea,
        "time without time zone" => Type::Time,
        "time with time zone" => Type::Timetz,
        "timestamp without time zone" => Type::Timestamp,
        "timestamp with time zone" => Type::Timestamptz,
        other => {
            let quoted = other.strip_prefix('"').and_then(|o| o.strip_suffix('"')).unwrap_or(other);
            return TYPES.iter().find(|r| r.name == quoted).map(|r| r.ty.clone());
        }
    };
    Some(ty)
}

/// The spelling that `format_type(oid, typmod)` gives: `character varying(20)`, `numeric(10,2)[]`.
pub fn format_type(ty: &Type, modifier: i32) -> String {
    let base = match ty {
        Type::Array(element) => return format!("{}[]", format_type(element, modifier)),
        Type::Enum(own) => return own.to_string(),
        Type::Bool => "boolean",
        Type::Int2 => "smallint",
        Type::Int4 => "integer",
        Type::Int8 => "bigint",
        Type::Float4 => "real",
        Type::Float8 => "double precision",
        Type::Varchar => "character varying",
        // Without a length it is not the SQL type `character`, which means `character(1)`.
        Type::Bpchar if modifier < 0 => "bpchar",
        Type::Bpchar => "character",
        Type::Char => "\"char\"",
        Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz => {
            let (word, zone) = match ty {
                Type::Time => ("time", "without"),
                Type::Timetz => ("time", "with"),
                Type::Timestamp => ("timestamp", "without"),
                _ => ("timestamp", "with"),
            };
            let precision = if modifier >= 0 { format!("({modifier})") } else { String::new() };
            return format!("{word}{precision} {zone} time zone");
        }
        other => row(other).map_or("???", |r| r.name),
    };
    format!("{base}{}", typmod::suffix(ty, modifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_stand_where_the_lookup_expects_them() {
        for info in &TYPES {
            assert_eq!(row(&info.ty).map(|r| r.oid), Some(info.oid));
            assert_eq!(type_from_oid(info.oid).as_ref(), Some(&info.ty));
            if info.array_oid != 0 {
                let array = Type::Array(Box::new(info.ty.clone()));
                assert_eq!(type_from_oid(info.array_oid), Some(array.clone()));
                assert_eq!(oid(&array), info.array_oid);
            }
        }
        assert_eq!(type_from_oid(0), None);
        assert_eq!(type_from_oid(99_999), None);
    }

    #[test]
    fn every_spelling_finds_its_type() {
        for (name, ty) in [
            ("int", Type::Int4),
            ("INTEGER", Type::Int4),
            ("double  precision", Type::Float8),
            ("string", Type::Text),
            ("bytes", Type::Bytea),
            ("char", Type::Bpchar),
            ("\"char\"", Type::Char),
            ("pg_catalog.timestamptz", Type::Timestamptz),
            ("timestamp without time zone", Type::Timestamp),
        ] {
            assert_eq!(type_from_name(name), Some(ty), "{name}");
        }
        for name in ["_int4", "int4[]", "integer[][]", "int [3]", "int array"] {
            assert_eq!(type_from_name(name), Some(Type::Array(Box::new(Type::Int4))), "{name}");
        }
        assert_eq!(type_from_name("void[]"), None);
        assert_eq!(type_from_name("nonsense"), None);
    }

    #[test]
    fn spellings_with_modifiers_are_postgresqls() {
        assert_eq!(format_type(&Type::Varchar, 24), "character varying(20)");
        assert_eq!(format_type(&Type::Bpchar, 5), "character(1)");
        assert_eq!(format_type(&Type::Bpchar, -1), "bpchar");
        assert_eq!(format_type(&Type::Numeric, ((10 << 16) | 2) + 4), "numeric(10,2)");
        assert_eq!(format_type(&Type::Numeric, ((3 << 16) | (-2 & 0x7ff)) + 4), "numeric(3,-2)");
        assert_eq!(format_type(&Type::Timestamptz, 3), "timestamp(3) with time zone");
        let array = Type::Array(Box::new(Type::Timestamp));
        assert_eq!(format_type(&array, -1), "timestamp without time zone[]");
    }
}
