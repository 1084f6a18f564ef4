//! Tables whose rows are the same on every server: access methods, collations, operator classes,
//! languages, tablespaces.

use super::class::BTREE;
use super::notation::{Definition, NULL, none, row, table};
use super::number;
use crate::catalog::role::ROOT_ID;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::sql::function;
use crate::types::{Datum, Type, oid};

pub(super) const TABLES: &[Definition] = &[
    table(
        2602,
        "pg_amop",
        "oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, amopstrategy int2, amoppurpose char, amopopr oid, amopmethod oid, amopsortfamily oid",
        ordering_operators,
    ),
    // What compares two values has no function of its own.
    table(
        2603,
        "pg_amproc",
        "oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, amprocnum int2, amproc regproc",
        none,
    ),
    table(2601, "pg_am", "oid oid, amname name, amhandler regproc, amtype char", access_methods),
    table(
        3456,
        "pg_collation",
        "oid oid, collname name, collnamespace oid, collowner oid, collprovider char, \
         collisdeterministic bool, collencoding int4, collcollate text, collctype text, \
         colliculocale text, collversion text",
        collations,
    ),
    table(
        2616,
        "pg_opclass",
        "oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, \
         opcfamily oid, opcintype oid, opcdefault bool, opckeytype oid",
        operator_classes,
    ),
    table(
        2753,
        "pg_opfamily",
        "oid oid, opfmethod oid, opfname name, opfnamespace oid, opfowner oid",
        operator_families,
    ),
    table(
        2612,
        "pg_language",
        "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, \
         lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl _text",
        languages,
    ),
    table(
        1213,
        "pg_tablespace",
        "oid oid, spcname name, spcowner oid, spcacl _text, spcoptions _text",
        tablespaces,
    ),
];

fn access_methods(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(vec![row![2u32, "heap", 0u32, b't'], row![BTREE, "btree", 0u32, b'i']])
}

/// The collations: text is compared by its bytes.
const COLLATIONS: [(u32, &str, u8, i32); 4] = [
    (100, "default", b'd', -1),
    (950, "C", b'c', -1),
    (951, "POSIX", b'c', -1),
    (12_340, "ucs_basic", b'c', 6),
];

/// The OID of a collation, 0 if there is none of that name.
pub(super) fn collation_oid(name: &str) -> u32 {
    COLLATIONS.iter().find(|c| c.1 == name).map_or(0, |c| c.0)
}

/// The names of the collations.
pub(super) fn collation_names() -> impl Iterator<Item = &'static str> {
    COLLATIONS.iter().map(|c| c.1)
}

fn collations(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let rows = COLLATIONS.iter().map(|(oid, name, provider, encoding)| {
        let locale = (*provider == b'c').then_some("C");
        row![
            *oid,
            *name,
            number::PG_CATALOG,
            ROOT_ID,
            *provider,
            true,
            *encoding,
            locale,
            locale,
            NULL,
            NULL
        ]
    });
    Ok(rows.collect())
}

/// The operator classes of B-trees that types have by default: OID, name, family, type.
const CLASSES: [(u32, &str, u32, Type); 21] = [
    (10_003, "bool_ops", 424, Type::Bool),
    (10_004, "bpchar_ops", 426, Type::Bpchar),
    (10_006, "bytea_ops", 428, Type::Bytea),
    (10_007, "char_ops", 429, Type::Char),
    (3_122, "date_ops", 434, Type::Date),
    (10_012, "float4_ops", 1970, Type::Float4),
    (3_123, "float8_ops", 1970, Type::Float8),
    (1_979, "int2_ops", 1976, Type::Int2),
    (1_978, "int4_ops", 1976, Type::Int4),
    (3_124, "int8_ops", 1976, Type::Int8),
    (10_022, "interval_ops", 1982, Type::Interval),
    (10_028, "name_ops", 1994, Type::Name),
    (3_125, "numeric_ops", 1988, Type::Numeric),
    (1_981, "oid_ops", 1989, Type::Oid),
    (10_032, "oidvector_ops", 1991, Type::OidVector),
    (3_126, "text_ops", 1994, Type::Text),
    (10_038, "time_ops", 1996, Type::Time),
    (3_127, "timestamptz_ops", 434, Type::Timestamptz),
    (3_128, "timestamp_ops", 434, Type::Timestamp),
    (10_065, "uuid_ops", 2968, Type::Uuid),
    (10_088, "jsonb_ops", 4033, Type::Jsonb),
];

/// The classes of arrays and of `timetz`, whose types are no constants or that come last.
const ARRAY_CLASS: (u32, &str, u32) = (10_000, "array_ops", 397);
const TIMETZ_CLASS: (u32, &str, u32) = (10_041, "timetz_ops", 2000);
const ENUM_CLASS: (u32, &str, u32) = (10_073, "enum_ops", 3522);
const ANY_ARRAY: u32 = 2277;
const ANY_ENUM: u32 = 3500;

/// The operator class by which an index orders a type.
pub(super) fn operator_class(ty: &Type) -> u32 {
    match ty {
        Type::Array(_) => ARRAY_CLASS.0,
        Type::Timetz => TIMETZ_CLASS.0,
        Type::Varchar => operator_class(&Type::Text),
        Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace | Type::Regrole => {
            operator_class(&Type::Oid)
        }
        Type::Enum(_) => ENUM_CLASS.0,
        other => CLASSES.iter().find(|c| c.3 == *other).map_or(0, |c| c.0),
    }
}

fn operator_classes(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let plain = CLASSES.iter().map(|(oid, name, family, ty)| (*oid, *name, *family, oid_of(ty)));
    let array = (ARRAY_CLASS.0, ARRAY_CLASS.1, ARRAY_CLASS.2, ANY_ARRAY);
    let timetz = (TIMETZ_CLASS.0, TIMETZ_CLASS.1, TIMETZ_CLASS.2, oid_of(&Type::Timetz));
    let enums = (ENUM_CLASS.0, ENUM_CLASS.1, ENUM_CLASS.2, ANY_ENUM);
    let rows = plain.chain([array, timetz, enums]).map(|(oid, name, family, ty)| {
        row![oid, BTREE, name, number::PG_CATALOG, ROOT_ID, family, ty, true, 0u32]
    });
    Ok(rows.collect())
}

fn oid_of(ty: &Type) -> u32 {
    oid::oid(ty)
}

fn operator_families(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let families = [
        (397u32, "array_ops"),
        (3522, "enum_ops"),
        (424, "bool_ops"),
        (426, "bpchar_ops"),
        (428, "bytea_ops"),
        (429, "char_ops"),
        (434, "datetime_ops"),
        (1970, "float_ops"),
        (1976, "integer_ops"),
        (1982, "interval_ops"),
        (1988, "numeric_ops"),
        (1989, "oid_ops"),
        (1991, "oidvector_ops"),
        (1994, "text_ops"),
        (1996, "time_ops"),
        (2000, "timetz_ops"),
        (2968, "uuid_ops"),
        (4033, "jsonb_ops"),
    ];
    let rows = families.map(|(oid, name)| row![oid, BTREE, name, number::PG_CATALOG, ROOT_ID]);
    Ok(rows.into())
}

/// The operator that says whether two values of a type are equal; 0 if there is none.
pub(super) fn equality_operator(ty: &Type) -> u32 {
    comparison_operator("=", ty)
}

fn comparison_operator(name: &str, ty: &Type) -> u32 {
    let wanted = match ty {
        Type::Varchar => &Type::Text,
        other => other,
    };
    let is = |s: &function::Signature| match (s, wanted) {
        (function::Signature::Is(t), _) => t == wanted,
        (function::Signature::AnyArray, Type::Array(_)) => true,
        _ => false,
    };
    let mut named = function::operators(name).iter();
    let found = named.find(|o| o.left.as_ref().is_some_and(is) && is(&o.right));
    found.map_or(0, |operator| operator.oid)
}

/// The five comparisons by which a B-tree is searched, in the order of their strategies.
const STRATEGIES: [&str; 5] = ["<", "<=", "=", ">=", ">"];

fn ordering_operators(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let mut rows = Vec::new();
    for (class, _, family, ty) in &CLASSES {
        for (i, name) in STRATEGIES.iter().enumerate() {
            let operator = comparison_operator(name, ty);
            let strategy = i16::try_from(i + 1).unwrap_or(0);
            if operator != 0 {
                let oid = class * 8 + u32::from(strategy.unsigned_abs());
                let ty = oid_of(ty);
                rows.push(row![oid, *family, ty, ty, strategy, b's', operator, BTREE, 0u32]);
            }
        }
    }
    Ok(rows)
}

fn languages(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let language = |oid: u32, name: &str, trusted: bool| {
        row![oid, name, ROOT_ID, false, trusted, 0u32, 0u32, 0u32, NULL]
    };
    Ok(vec![language(12, "internal", false), language(14, "sql", true)])
}

fn tablespaces(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(vec![
        row![1663u32, "pg_default", ROOT_ID, NULL, NULL],
        row![1664u32, "pg_global", ROOT_ID, NULL, NULL],
    ])
}
