//! `pg_stat_activity`: who is connected and what they do.

use super::notation::{Definition, NULL, row, view};
use super::scene::Scene;
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::role::RoleOption;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[view(
    12222,
    "pg_stat_activity",
    "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, \
         application_name text, client_addr text, client_hostname text, client_port int4, \
         backend_start timestamptz, xact_start timestamptz, query_start timestamptz, \
         state_change timestamptz, wait_event_type text, wait_event text, state text, \
         backend_xid int8, backend_xmin int8, query_id int8, query text, backend_type text",
    activity,
)];

/// A time as `timestamptz`.
pub(super) fn time(at: Timestamp) -> Datum {
    Datum::Timestamptz(at.sql_micros())
}

/// Whether the session may see what others do.
pub(super) fn sees_all(scene: &Scene<'_>) -> bool {
    let me = &scene.session.current_user;
    privilege::has_option(scene.catalog, me, RoleOption::ViewActivity)
        || privilege::holds_system(scene.catalog, me, Privilege::ViewActivity)
}

fn activity(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let sees_all = sees_all(&scene);
    let rows = context.eval.server.sessions.list().into_iter().map(|session| {
        let database = scene.catalog.database_named_any_state(&session.database).map(|d| d.id);
        let me = &*scene.session.current_user;
        let mine = sees_all || session.user == me || scene.catalog.is_member(me, &session.user);
        let activity = session.activity.lock().clone();
        let query = activity.query();
        let (address, port) = match session.client_address.rsplit_once(':') {
            Some((address, port)) => (Some(address.to_owned()), port.parse::<i32>().ok()),
            None => (None, None),
        };
        let waits = mine && session.interrupt.waits_for_lock();
        let when = |at: Option<Timestamp>| at.filter(|_| mine).map(time);
        row![
            database,
            &session.database,
            session.pid,
            NULL,
            scene.role(&session.user),
            &session.user,
            activity.application,
            address.filter(|_| mine),
            NULL,
            port.filter(|_| mine),
            when(Some(session.started)),
            when(activity.transaction_started),
            when(activity.query_started),
            when(activity.query_started),
            waits.then_some("Lock"),
            waits.then_some("tuple"),
            mine.then_some(activity.state),
            NULL,
            NULL,
            NULL,
            if mine { query } else { "<insufficient privilege>".to_owned() },
            "client backend",
        ]
    });
    Ok(rows.collect())
}
