//! `has_*_privilege` and `pg_has_role`: what a role may do.
//!
//! The role is the first argument (a name) or the current one; the object is a name or a number;
//! the privileges are a list of which one suffices.

use super::args::{oid, txt};
use super::catalog_names::{scope, split_name};
use super::row::{Row, f};
use crate::catalog::names;
use crate::catalog::object::ObjectRef;
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::{Array, Datum, Type};

/// Which kind of object is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Sequence,
    Schema,
    Database,
    /// What everybody may use: functions, types, languages, tablespaces.
    Everybodys,
    /// What there is nothing of: foreign data wrappers and servers.
    Missing,
}

/// The six forms of a question: the role by name, by number or the current one; the object by name
/// or by number. PostgreSQL numbers them in a row.
macro_rules! questions {
    ($($name:literal $kind:ident $first:literal;)*) => {
        pub(super) const FUNCTIONS: &[Row] = &[
            $(
                f($first, $name, "name text text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
                f($first + 1, $name, "name oid text", "bool", |c, a| ask(c, Kind::$kind, a))
                    .stable(),
                f($first + 2, $name, "oid text text", "bool", |c, a| ask(c, Kind::$kind, a))
                    .stable(),
                f($first + 3, $name, "oid oid text", "bool", |c, a| ask(c, Kind::$kind, a))
                    .stable(),
                f($first + 4, $name, "text text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
                f($first + 5, $name, "oid text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
            )*
            f(3012, "has_column_privilege", "name text text text", "bool", ask_column).stable(),
            f(3013, "has_column_privilege", "name text int2 text", "bool", ask_column).stable(),
            f(3014, "has_column_privilege", "name oid text text", "bool", ask_column).stable(),
            f(3015, "has_column_privilege", "name oid int2 text", "bool", ask_column).stable(),
            f(3020, "has_column_privilege", "text text text", "bool", ask_column).stable(),
            f(3021, "has_column_privilege", "text int2 text", "bool", ask_column).stable(),
            f(3022, "has_column_privilege", "oid text text", "bool", ask_column).stable(),
            f(3023, "has_column_privilege", "oid int2 text", "bool", ask_column).stable(),
            f(3943, "acldefault", "char oid", "_text", access_by_default).stable(),
            f(2705, "pg_has_role", "name name text", "bool", member).stable(),
            f(2706, "pg_has_role", "name oid text", "bool", member).stable(),
            f(2707, "pg_has_role", "oid name text", "bool", member).stable(),
            f(2708, "pg_has_role", "oid oid text", "bool", member).stable(),
            f(2709, "pg_has_role", "name text", "bool", member).stable(),
            f(2710, "pg_has_role", "oid text", "bool", member).stable(),
        ];
    };
}

questions! {
    "has_table_privilege" Table 1922;
    "has_any_column_privilege" Table 3024;
    "has_sequence_privilege" Sequence 2181;
    "has_schema_privilege" Schema 2268;
    "has_database_privilege" Database 2250;
    "has_function_privilege" Everybodys 2256;
    "has_language_privilege" Everybodys 2262;
    "has_tablespace_privilege" Everybodys 2390;
    "has_type_privilege" Everybodys 3138;
    "has_foreign_data_wrapper_privilege" Missing 3000;
    "has_server_privilege" Missing 3006;
}

/// The role that an argument names or numbers; `None` for a number that nobody has.
fn role_of(context: &EvalContext<'_>, argument: &Datum) -> Result<Option<std::sync::Arc<str>>> {
    if let Datum::Oid(number) = argument {
        let mut roles = context.catalog.roles().roles();
        return Ok(roles.find(|role| role.id == *number).map(|role| role.name.as_str().into()));
    }
    let role = txt(std::slice::from_ref(argument), 0)?;
    known_role(context, role)?;
    Ok(Some(role.clone()))
}

fn member(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let (role, target) = match a {
        [role, target, _] => (role_of(context, role)?, target),
        [target, _] => (Some(context.session.current_user.clone()), target),
        _ => return Err(Error::internal("membership of nothing")),
    };
    match (role, role_of(context, target)?) {
        (Some(role), Some(target)) => has_role(context, &role, &target),
        _ => Ok(Datum::Bool(false)),
    }
}

/// A table's privileges are its columns'.
fn ask_column(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let (before, column, wanted) = match a {
        [role, table, column, wanted] => (vec![role.clone(), table.clone()], column, wanted),
        [table, column, wanted] => (vec![table.clone()], column, wanted),
        _ => return Err(Error::internal("privileges of nothing")),
    };
    let Some(table) = before.last() else { return Ok(Datum::Null) };
    let Some(ObjectRef::Table(table)) = object_of(context, Kind::Table, table)? else {
        return Ok(Datum::Null);
    };
    let known = match column {
        Datum::Int2(number) => u32::try_from(*number).is_ok_and(|id| table.column(id).is_some()),
        name => {
            let name = txt(std::slice::from_ref(name), 0)?;
            if table.column_named(name).is_none() {
                return Err(Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
                ));
            }
            true
        }
    };
    if !known {
        return Ok(Datum::Null);
    }
    let mut question = before;
    question.push(wanted.clone());
    ask(context, Kind::Table, &question)
}

/// The object that an argument names or numbers; `None` for a number that nothing has.
fn object_of<'a>(
    context: &'a EvalContext<'_>,
    kind: Kind,
    argument: &Datum,
) -> Result<Option<ObjectRef<'a>>> {
    if let Datum::Oid(number) = argument {
        // What is gone between two statements is no error.
        return Ok(context.catalog.descriptor(*number));
    }
    let name = txt(std::slice::from_ref(argument), 0)?;
    let parts = split_name(name);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let number = match kind {
        Kind::Schema => names::resolve_schema(context.catalog, scope(context)?, &parts)?.id,
        Kind::Database => names::resolve_database(context.catalog, name)?.id,
        _ => names::resolve_relation(context.catalog, scope(context)?, &parts)?.id,
    };
    context.catalog.descriptor(number).map(Some).ok_or_else(|| names::undefined("object", &parts))
}

/// Whether an object is one that the server makes up, which everybody may read.
fn is_virtual(kind: Kind, argument: &Datum) -> bool {
    use crate::sql::pg_catalog as made_up;
    match (kind, argument) {
        (Kind::Table, Datum::Oid(number)) => made_up::virtual_table_by_oid(*number).is_some(),
        (Kind::Schema, Datum::Oid(number)) => made_up::VIRTUAL_SCHEMAS
            .iter()
            .any(|name| made_up::number::virtual_schema(name) == *number),
        (Kind::Table, Datum::Text(name)) => match split_name(name).as_slice() {
            [name] => made_up::virtual_table("pg_catalog", name).is_some(),
            [schema, name] => made_up::virtual_table(schema, name).is_some(),
            _ => false,
        },
        (Kind::Schema, Datum::Text(name)) => made_up::is_virtual_schema(name),
        _ => false,
    }
}

fn known_role(context: &EvalContext<'_>, role: &str) -> Result<()> {
    if role != "public" && context.catalog.role(role).is_none() {
        return Err(Error::new(
            sqlstate::UNDEFINED_OBJECT,
            format!("role \"{role}\" does not exist"),
        ));
    }
    Ok(())
}

fn ask(context: &EvalContext<'_>, kind: Kind, a: &[Datum]) -> Result<Datum> {
    let (role, object, wanted) = match a {
        [role, object, wanted] => (role_of(context, role)?, object, wanted),
        [object, wanted] => (Some(context.session.current_user.clone()), object, wanted),
        _ => return Err(Error::internal("privileges of nothing")),
    };
    let Some(role) = role else { return Ok(Datum::Bool(false)) };
    let wanted = txt(std::slice::from_ref(wanted), 0)?;
    if is_virtual(kind, object) {
        let mut words = wanted.split(',').map(|word| word.trim().to_ascii_uppercase());
        let readable = words.any(|word| word == "SELECT" || word == "USAGE");
        return Ok(Datum::Bool(readable || context.catalog.is_admin(&role)));
    }
    let object = match kind {
        Kind::Everybodys => return Ok(Datum::Bool(true)),
        Kind::Missing => return Ok(Datum::Null),
        _ => object_of(context, kind, object)?,
    };
    let Some(object) = object else { return Ok(Datum::Null) };
    for word in wanted.split(',') {
        if holds(context, &role, object, word.trim())? {
            return Ok(Datum::Bool(true));
        }
    }
    Ok(Datum::Bool(false))
}

/// Whether a role holds one privilege, or may pass it on if the word says so.
fn holds(context: &EvalContext<'_>, role: &str, object: ObjectRef<'_>, word: &str) -> Result<bool> {
    let upper = word.to_ascii_uppercase();
    let (name, with_grant) = match upper.strip_suffix("WITH GRANT OPTION") {
        Some(name) => (name.trim_end(), true),
        None => (upper.as_str(), false),
    };
    let privilege = Privilege::from_name(name).ok_or_else(|| {
        Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("unrecognized privilege type: \"{word}\""),
        )
    })?;
    Ok(match with_grant {
        true => privilege::may_grant(context.catalog, role, object, privilege),
        false => privilege::holds(context.catalog, role, object, privilege),
    })
}

fn has_role(context: &EvalContext<'_>, role: &str, target: &str) -> Result<Datum> {
    known_role(context, role)?;
    known_role(context, target)?;
    let member =
        role == target || context.catalog.is_admin(role) || context.catalog.is_member(role, target);
    Ok(Datum::Bool(member))
}

/// The access list of an object whose privileges nobody changed, by kind of object and owner.
fn access_by_default(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let Some(Datum::Char(kind)) = a.first() else { return Ok(Datum::Null) };
    let (everybody, owners) = match kind {
        b'c' => ("", ""),
        b'r' => ("", "arwdDxt"),
        b's' => ("", "rwU"),
        b'd' => ("Tc", "CTc"),
        b'n' => ("", "UC"),
        b'f' => ("X", "X"),
        b'l' | b'T' => ("U", "U"),
        b'L' => ("", "rw"),
        b't' => ("", "C"),
        b'F' | b'S' => ("", "U"),
        other => {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("unrecognized object type abbreviation: {}", char::from(*other)),
            ));
        }
    };
    let number = oid(a, 1)?;
    let mut roles = context.catalog.roles().roles();
    let owner = roles.find(|role| role.id == number).map_or("root", |role| &role.name);
    let items = [("", everybody), (owner, owners)]
        .into_iter()
        .filter(|(_, letters)| !letters.is_empty())
        .map(|(role, letters)| Datum::text(format!("{role}={letters}/{owner}")));
    Ok(Datum::Array(Array::from_items(Type::Text, items.collect()).into()))
}
