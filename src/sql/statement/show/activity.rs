//! SHOW SESSIONS, SHOW QUERIES.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::sql::client::Field;
use crate::sql::sessions::SessionInfo;
use crate::sql::statement::{Work, field};
use crate::types::{Datum, Type};

type Rows = Vec<Vec<Datum>>;

fn time(at: Option<Timestamp>) -> Datum {
    at.map_or(Datum::Null, |at| Datum::Timestamp(at.sql_micros()))
}

/// The sessions that a role may see: its own, or all as administrator.
fn visible(work: &mut Work<'_>) -> Result<Vec<Arc<SessionInfo>>> {
    let catalog = work.catalog()?;
    let user = &work.session.current_user;
    let admin = catalog.is_admin(user);
    let mut sessions = work.server.sessions.list();
    sessions.retain(|s| admin || *s.user == **user);
    Ok(sessions)
}

/// The columns of SHOW SESSIONS.
pub(super) fn session_fields() -> Vec<Field> {
    vec![
        field("node_id", Type::Int8),
        field("session_id", Type::Text),
        field("user_name", Type::Text),
        field("client_address", Type::Text),
        field("application_name", Type::Text),
        field("active_queries", Type::Text),
        field("last_active_query", Type::Text),
        field("session_start", Type::Timestamp),
        field("oldest_query_start", Type::Timestamp),
    ]
}

/// SHOW SESSIONS.
pub(super) fn sessions(work: &mut Work<'_>) -> Result<Rows> {
    let rows = visible(work)?.into_iter().map(|session| {
        let activity = session.activity.lock().clone();
        let (active, query) = (activity.state == "active", activity.query());
        let (now, last) = if active { (query.as_str(), "") } else { ("", query.as_str()) };
        vec![
            Datum::Int8(1),
            Datum::text(session.pid.to_string()),
            Datum::text(&session.user),
            Datum::text(&session.client_address),
            Datum::text(&activity.application),
            Datum::text(now),
            Datum::text(last),
            time(Some(session.started)),
            if active { time(activity.query_started) } else { Datum::Null },
        ]
    });
    Ok(rows.collect())
}

/// The columns of SHOW QUERIES.
pub(super) fn query_fields() -> Vec<Field> {
    vec![
        field("query_id", Type::Text),
        field("node_id", Type::Int8),
        field("session_id", Type::Text),
        field("user_name", Type::Text),
        field("start", Type::Timestamp),
        field("query", Type::Text),
        field("client_address", Type::Text),
        field("application_name", Type::Text),
        field("distributed", Type::Bool),
        field("phase", Type::Text),
    ]
}

/// SHOW QUERIES.
pub(super) fn queries(work: &mut Work<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for session in visible(work)? {
        let activity = session.activity.lock().clone();
        if activity.state != "active" {
            continue;
        }
        rows.push(vec![
            Datum::text(session.pid.to_string()),
            Datum::Int8(1),
            Datum::text(session.pid.to_string()),
            Datum::text(&session.user),
            time(activity.query_started),
            Datum::text(activity.query()),
            Datum::text(&session.client_address),
            Datum::text(&activity.application),
            Datum::Bool(false),
            Datum::text("executing"),
        ]);
    }
    Ok(rows)
}
