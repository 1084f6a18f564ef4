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
use crate::types::Datum;

/// Which kind of object is asked about.
#[derive(Clone, Copy)]
enum Kind {
    Table,
    Sequence,
    Schema,
    Database,
}

macro_rules! questions {
    ($($name:literal $kind:ident: $role_name:literal $role_oid:literal $name_only:literal $oid_only:literal;)*) => {
        pub(super) const FUNCTIONS: &[Row] = &[
            $(
                f($role_name, $name, "name text text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
                f($role_oid, $name, "name oid text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
                f($name_only, $name, "text text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
                f($oid_only, $name, "oid text", "bool", |c, a| ask(c, Kind::$kind, a)).stable(),
            )*
            f(2705, "pg_has_role", "name name text", "bool", |c, a| {
                has_role(c, txt(a, 0)?, txt(a, 1)?)
            })
            .stable(),
            f(2709, "pg_has_role", "name text", "bool", |c, a| {
                let current = c.session.current_user.clone();
                has_role(c, &current, txt(a, 0)?)
            })
            .stable(),
        ];
    };
}

questions! {
    "has_table_privilege" Table: 1922 1923 1926 1927;
    "has_sequence_privilege" Sequence: 2181 2182 2185 2186;
    "has_schema_privilege" Schema: 2268 2269 2272 2273;
    "has_database_privilege" Database: 2250 2251 2254 2255;
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
        [role, object, wanted] => {
            let role = txt(std::slice::from_ref(role), 0)?;
            known_role(context, role)?;
            (role.clone(), object, wanted)
        }
        [object, wanted] => (context.session.current_user.clone(), object, wanted),
        _ => return Err(Error::internal("privileges of nothing")),
    };
    let wanted = txt(std::slice::from_ref(wanted), 0)?;
    let object = match object {
        Datum::Oid(_) => {
            let number = oid(std::slice::from_ref(object), 0)?;
            match context.catalog.descriptor(number) {
                Some(object) => object,
                // What is gone between two statements is no error.
                None => return Ok(Datum::Null),
            }
        }
        name => {
            let name = txt(std::slice::from_ref(name), 0)?;
            let parts = split_name(name);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let number = match kind {
                Kind::Table | Kind::Sequence => {
                    names::resolve_relation(context.catalog, scope(context)?, &parts)?.id
                }
                Kind::Schema => names::resolve_schema(context.catalog, scope(context)?, &parts)?.id,
                Kind::Database => names::resolve_database(context.catalog, name)?.id,
            };
            context.catalog.descriptor(number).ok_or_else(|| names::undefined("object", &parts))?
        }
    };
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
