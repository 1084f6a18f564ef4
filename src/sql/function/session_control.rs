//! What one session does to its variables and to other sessions: `set_config`,
//! `pg_cancel_backend`, `pg_terminate_backend`; and where the two ends of a connection are.

use super::args::{boolean, i4, is_null, txt};
use super::row::{Row, f};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::role::RoleOption;
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::sql::session;
use crate::task::Cause;
use crate::types::{Array, Datum, Type};

pub(super) const FUNCTIONS: &[Row] = &[
    f(2078, "set_config", "text text bool", "text", set_config).volatile().lax(),
    f(2171, "pg_cancel_backend", "int4", "bool", |c, a| {
        interrupt(c, i4(a, 0)?, Cause::Cancel, "cancel")
    })
    .volatile(),
    f(2096, "pg_terminate_backend", "int4 int8", "bool", |c, a| {
        interrupt(c, i4(a, 0)?, Cause::Shutdown, "terminate")
    })
    .volatile()
    .named("pid timeout")
    .defaults(|| vec![Datum::Int8(0)]),
    f(2196, "inet_client_addr", "", "text", |c, _| Ok(client(c).0)).stable().lax(),
    f(2197, "inet_client_port", "", "int4", |c, _| Ok(client(c).1)).stable().lax(),
    // A node does not know by which of its addresses a client came.
    f(2198, "inet_server_addr", "", "text", |_, _| Ok(Datum::Null)).stable().lax(),
    f(2199, "inet_server_port", "", "int4", |_, _| Ok(Datum::Null)).stable().lax(),
    f(2561, "pg_blocking_pids", "int4", "_int4", |_, _| {
        Ok(Datum::Array(Array::from_items(Type::Int4, Vec::new()).into()))
    })
    .volatile(),
    f(1039, "getdatabaseencoding", "", "name", |_, _| Ok(Datum::text("UTF8"))).stable(),
    f(2319, "pg_encoding_max_length", "int4", "int4", |_, a| {
        Ok(match i4(a, 0)? {
            6 => Datum::Int4(4),
            0 | 8 => Datum::Int4(1),
            _ => Datum::Null,
        })
    }),
    f(3163, "pg_trigger_depth", "", "int4", |_, _| Ok(Datum::Int4(0))).stable(),
    f(315, "pg_jit_available", "", "bool", |_, _| Ok(Datum::Bool(false))).volatile(),
    f(9030, "crdb_internal.cluster_id", "", "uuid", |c, _| {
        Ok(Datum::Uuid(*c.server.catalog.cluster_id().as_bytes()))
    })
    .stable(),
    f(9031, "crdb_internal.node_id", "", "int8", |_, _| Ok(Datum::Int8(1))).stable(),
];

/// Sets a variable and says what it is now. Roles, databases and transactions are for SET, which
/// can check and undo.
fn set_config(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    if is_null(a, 0) {
        return Err(Error::new(sqlstate::NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"));
    }
    let name = txt(a, 0)?.to_lowercase();
    let value = if is_null(a, 1) { "" } else { txt(a, 1)? };
    let special = ["role", "session_authorization", "database"].contains(&&*name)
        || name.starts_with("transaction_");
    if special {
        return Err(Error::unsupported(format!("set_config of {name}")).with_hint("Use SET."));
    }
    let is_local = !is_null(a, 2) && boolean(a, 2)?;
    let old = context.session.variables.get(&name).cloned();
    session::set_variable(context.session, &name, value)?;
    if is_local {
        context.session.local_values.push((name.clone(), old.unwrap_or_default()));
    }
    Ok(session::show_variable(context.session, &name).map(Datum::text).into())
}

/// Interrupts another session of the same role, or of anyone if the role may.
fn interrupt(context: &EvalContext<'_>, pid: i32, cause: Cause, verb: &str) -> Result<Datum> {
    let Some(other) = context.server.sessions.get(pid) else { return Ok(Datum::Bool(false)) };
    let (catalog, me) = (context.catalog, &*context.session.current_user);
    let allowed = other.user == me
        || (catalog.is_member(me, &other.user) && !catalog.is_admin(&other.user))
        || catalog.is_admin(me)
        || ((privilege::has_option(catalog, me, RoleOption::CancelQuery)
            || privilege::holds_system(catalog, me, Privilege::CancelQuery))
            && !catalog.is_admin(&other.user));
    if !allowed {
        return Err(Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!(
                "must be a member of the role whose process is being {verb}ed or have the option \
                 CANCELQUERY"
            ),
        ));
    }
    other.interrupt.raise(cause);
    Ok(Datum::Bool(true))
}

/// The client's address and port; NULL where it is not on a network.
fn client(context: &EvalContext<'_>) -> (Datum, Datum) {
    let own = context.server.sessions.get(context.session.backend_pid);
    let found = own.and_then(|session| {
        let (address, port) = session.client_address.rsplit_once(':')?;
        let address = address.trim_matches(|c| c == '[' || c == ']');
        Some((Datum::text(address), Datum::Int4(port.parse().ok()?)))
    });
    found.unwrap_or((Datum::Null, Datum::Null))
}
