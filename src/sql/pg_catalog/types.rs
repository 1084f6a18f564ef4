//! `pg_type`, `pg_enum`, `pg_range`: types.

use super::notation::{Definition, NULL, none, row, table};
use super::scene::Scene;
use super::{number, type_functions};
use crate::catalog::CatalogSnapshot;
use crate::catalog::privilege::ObjectKind;
use crate::catalog::role::ROOT_ID;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::syntax::quote_identifier;
use crate::types::{Datum, Type, oid};

pub(super) const TABLES: &[Definition] = &[
    table(
        1247,
        "pg_type",
        "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, \
         typbyval bool, typtype char, typcategory char, typispreferred bool, \
         typisdefined bool, typdelim char, typrelid oid, typsubscript regproc, \
         typelem oid, typarray oid, typinput regproc, typoutput regproc, \
         typreceive regproc, typsend regproc, typmodin regproc, typmodout regproc, \
         typanalyze regproc, typalign char, typstorage char, typnotnull bool, \
         typbasetype oid, typtypmod int4, typndims int4, typcollation oid, \
         typdefaultbin text, typdefault text, typacl _text",
        types,
    ),
    table(
        3501,
        "pg_enum",
        "oid oid, enumtypid oid, enumsortorder float4, enumlabel name",
        enum_members,
    ),
    table(
        3541,
        "pg_range",
        "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, \
         rngcanonical regproc, rngsubdiff regproc",
        none,
    ),
];

/// A type that no value has: OID, name, length, passed by value, alignment.
type Pseudo = (u32, &'static str, i16, bool, u8);

/// The types that only signatures name.
const PSEUDO: [Pseudo; 9] = [
    (3500, "anyenum", 4, true, b'i'),
    (2275, "cstring", -2, false, b'c'),
    (2276, "any", 4, true, b'i'),
    (2277, "anyarray", -1, false, b'd'),
    (2279, "trigger", 4, true, b'i'),
    (2283, "anyelement", 4, true, b'i'),
    (2776, "anynonarray", 4, true, b'i'),
    (5077, "anycompatible", 4, true, b'i'),
    (5078, "anycompatiblearray", -1, false, b'd'),
];

/// The OID of a type that only signatures name.
pub(super) fn pseudo_type(name: &str) -> Option<u32> {
    let name = name.trim().trim_matches('"');
    PSEUDO.iter().find(|p| p.1 == name).map(|p| p.0)
}

/// The name of a type that only signatures name.
pub(super) fn pseudo_type_name(number: u32) -> &'static str {
    PSEUDO.iter().find(|p| p.0 == number).map_or("", |p| p.1)
}

/// What `regtype` shows for an OID.
pub(crate) fn type_name(catalog: &CatalogSnapshot, number: u32) -> Option<String> {
    if let Some(ty) = oid::type_from_oid(number) {
        return Some(oid::format_type(&ty, -1));
    }
    if let Some(pseudo) = PSEUDO.iter().find(|p| p.0 == number) {
        return Some(quote_identifier(pseudo.1));
    }
    catalog.user_type_by_oid(number).map(|ty| ty.to_string())
}

/// `typcollation`
pub(super) fn collation(ty: &Type) -> u32 {
    match ty {
        Type::Array(element) => collation(element),
        Type::Text | Type::Varchar | Type::Bpchar => 100,
        Type::Name => 950,
        _ => 0,
    }
}

/// `typstorage`
pub(super) fn storage(ty: &Type) -> u8 {
    match ty {
        Type::Array(_) => b'x',
        Type::Numeric => b'm',
        Type::Int2Vector | Type::OidVector => b'p',
        other if oid::type_len(other) == -1 => b'x',
        _ => b'p',
    }
}

/// What the rows of all kinds of types differ in.
struct Row<'a> {
    oid: u32,
    name: &'a str,
    schema: u32,
    owner: u32,
    len: i16,
    by_value: bool,
    kind: u8,
    category: u8,
    preferred: bool,
    subscript: u32,
    element: u32,
    array: u32,
    in_out: [u32; 4],
    modifier: (u32, u32),
    align: u8,
    storage: u8,
    collation: u32,
    access: Option<Vec<String>>,
}

impl Row<'_> {
    fn row(self) -> Vec<Datum> {
        let [input, output, receive, send] = self.in_out;
        row![
            self.oid,
            self.name,
            self.schema,
            self.owner,
            self.len,
            self.by_value,
            self.kind,
            self.category,
            self.preferred,
            true,
            b',',
            0u32,
            self.subscript,
            self.element,
            self.array,
            input,
            output,
            receive,
            send,
            self.modifier.0,
            self.modifier.1,
            0u32,
            self.align,
            self.storage,
            false,
            0u32,
            -1i32,
            0i32,
            self.collation,
            NULL,
            NULL,
            self.access,
        ]
    }
}

fn types(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for info in &oid::TYPES {
        rows.push(built_in(&info.ty).row());
        if info.array_oid != 0 {
            rows.push(built_in(&Type::Array(Box::new(info.ty.clone()))).row());
        }
    }
    for (number, name, len, by_value, align) in PSEUDO {
        let row = Row {
            oid: number,
            name,
            len,
            by_value,
            kind: b'p',
            category: b'P',
            in_out: [0; 4],
            modifier: (0, 0),
            align,
            storage: if len == -1 { b'x' } else { b'p' },
            ..built_in(&Type::Void)
        };
        rows.push(row.row());
    }
    for (schema, own) in scene.types() {
        let Some(ty) = scene.catalog.enum_type(own.id).cloned().map(Type::Enum) else { continue };
        let (schema, owner) = (schema.id, scene.role(&own.privileges.owner));
        let array_name = format!("_{}", own.name);
        let array = Row {
            name: &array_name,
            schema,
            owner,
            ..built_in(&Type::Array(Box::new(ty.clone())))
        };
        let row = Row {
            name: &own.name,
            schema,
            owner,
            kind: b'e',
            array: array.oid,
            access: scene.access_list(&own.privileges, ObjectKind::Type),
            ..built_in(&ty)
        };
        rows.extend([row.row(), array.row()]);
    }
    Ok(rows)
}

fn built_in(ty: &Type) -> Row<'static> {
    let functions = type_functions::of(ty);
    let info = oid::TYPES.iter().find(|info| info.ty == *ty);
    let [array_handler, raw_handler] = type_functions::SUBSCRIPT.map(|(oid, _)| oid);
    let (subscript, element) = match ty {
        Type::Array(element) => (array_handler, oid::oid(element)),
        Type::Int2Vector => (array_handler, oid::oid(&Type::Int2)),
        Type::OidVector => (array_handler, oid::oid(&Type::Oid)),
        Type::Name => (raw_handler, oid::oid(&Type::Char)),
        _ => (0, 0),
    };
    Row {
        oid: oid::oid(ty),
        name: info.map_or_else(|| array_name(ty), |info| info.name),
        schema: number::PG_CATALOG,
        owner: ROOT_ID,
        len: oid::type_len(ty),
        by_value: oid::by_value(ty),
        kind: if matches!(ty, Type::Record | Type::Unknown | Type::Void) { b'p' } else { b'b' },
        category: oid::category(ty) as u8,
        preferred: oid::is_preferred(ty),
        subscript,
        element,
        array: info.map_or(0, |info| info.array_oid),
        in_out: functions.map_or([0; 4], |f| f.in_out),
        modifier: functions.map_or((0, 0), |f| f.modifier),
        align: oid::align(ty) as u8,
        storage: storage(ty),
        collation: collation(ty),
        access: None,
    }
}

/// `_int4`; the names are made once.
fn array_name(ty: &Type) -> &'static str {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static NAMES: LazyLock<HashMap<u32, String>> = LazyLock::new(|| {
        oid::TYPES.iter().map(|info| (info.array_oid, format!("_{}", info.name))).collect()
    });
    NAMES.get(&oid::oid(ty)).map_or("", String::as_str)
}

fn enum_members(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (_, ty) in scene.types() {
        for (i, member) in ty.members.iter().enumerate() {
            let position = u32::try_from(i).unwrap_or(u32::MAX);
            let oid = number::default(ty.id, position);
            rows.push(row![oid, number::user_type(ty.id), position as f32 + 1.0, &member.label]);
        }
    }
    Ok(rows)
}
