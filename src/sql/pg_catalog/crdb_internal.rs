//! `crdb_internal`: what tools written for CockroachDB read. Columns as in v21.1; what there is
//! nothing of here (leases, localities, regions) is NULL or empty.

use super::activity::{sees_all, time};
use super::notation::{Definition, NULL, list, row, table};
use super::scene::Scene;
use crate::catalog::descriptor::State;
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::role::RoleOption;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::jobs::JobRecord;
use crate::settings;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, Numeric, Type};

pub(super) const TABLES: &[Definition] = &[
    table(
        9110,
        "cluster_settings",
        "variable text, value text, type text, public bool, description text",
        cluster_settings,
    ),
    table(
        9111,
        "cluster_sessions",
        "node_id int8, session_id text, user_name text, client_address text, \
         application_name text, active_queries text, last_active_query text, \
         session_start timestamp, oldest_query_start timestamp, kv_txn text, alloc_bytes int8, \
         max_alloc_bytes int8",
        sessions,
    ),
    table(
        9112,
        "databases",
        "id int8, name text, owner name, primary_region text, regions _text, survival_goal text",
        databases,
    ),
    table(
        9113,
        "jobs",
        "job_id int8, job_type text, description text, statement text, user_name text, \
         descriptor_ids _int8, status text, running_status text, created timestamp, \
         started timestamp, finished timestamp, modified timestamp, fraction_completed float8, \
         high_water_timestamp numeric, error text, coordinator_id int8",
        jobs,
    ),
    table(9114, "node_build_info", "node_id int8, field text, value text", build_info),
    table(
        9115,
        "tables",
        "table_id int8, parent_id int8, name text, database_name text, version int8, \
         mod_time timestamp, mod_time_logical numeric, format_version text, state text, \
         sc_lease_node_id int8, sc_lease_expiration_time timestamp, drop_time timestamp, \
         audit_mode text, schema_name text, parent_schema_id int8, locality text",
        tables,
    ),
];

/// The only node's number.
const NODE: i64 = 1;

/// A time as `timestamp`, in UTC.
fn utc(at: Timestamp) -> Datum {
    match time(at) {
        Datum::Timestamptz(micros) => Datum::Timestamp(micros),
        other => other,
    }
}

fn cluster_settings(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let me = &*scene.session.current_user;
    if !privilege::has_option(scene.catalog, me, RoleOption::ModifyClusterSetting)
        && !privilege::holds_system(scene.catalog, me, Privilege::ModifyClusterSetting)
    {
        privilege::require_admin(scene.catalog, me, "read crdb_internal.cluster_settings")?;
    }
    let in_force = &context.eval.server.settings;
    let rows = settings::ALL.iter().map(|setting| {
        let (name, kind) = (setting.name, setting.kind.letter());
        row![name, in_force.text(setting), kind, true, setting.description]
    });
    Ok(rows.collect())
}

fn sessions(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let all = sees_all(&scene);
    let me = &*scene.session.current_user;
    let sessions = context.eval.server.sessions.list();
    let rows = sessions.into_iter().filter(|s| all || s.user == me).map(|session| {
        let activity = session.activity.lock().clone();
        let (active, query) = (activity.state == "active", activity.query());
        row![
            NODE,
            session.pid.to_string(),
            &session.user,
            &session.client_address,
            activity.application,
            if active { query.as_str() } else { "" },
            if active { "" } else { query.as_str() },
            utc(session.started),
            activity.query_started.filter(|_| active).map(utc),
            NULL,
            NULL,
            NULL,
        ]
    });
    Ok(rows.collect())
}

fn databases(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let rows = scene.catalog.databases().map(|database| {
        row![
            i64::from(database.id),
            &database.name,
            &database.privileges.owner,
            NULL,
            list(Type::Text, Vec::<String>::new()),
            NULL
        ]
    });
    Ok(rows.collect())
}

fn tables(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let catalog = context.eval.catalog;
    let scene = Scene::of(context);
    let rows = catalog.tables_any_state().filter(|t| scene.may_see(&t.privileges)).map(|table| {
        let database = catalog.database_any_state(table.database);
        let schema = catalog.schema_any_state(table.schema);
        let state = match table.state {
            State::Public => "PUBLIC",
            State::Offline(_) => "OFFLINE",
        };
        row![
            i64::from(table.id),
            i64::from(table.database),
            &table.name,
            database.map(|d| &d.name),
            i64::try_from(table.version).unwrap_or(i64::MAX),
            utc(table.created),
            Numeric::parse(&table.created.to_string()).ok().map(Datum::Numeric),
            "InterleavedFormatVersion",
            state,
            NULL,
            NULL,
            NULL,
            "DISABLED",
            schema.map(|s| &s.name),
            i64::from(table.schema),
            NULL,
        ]
    });
    Ok(rows.collect())
}

fn jobs(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let mut records = context.eval.server.jobs.list(context.txn)?;
    let scene = Scene::of(context);
    let me = &*scene.session.current_user;
    records.retain(|job| privilege::may_see_job(scene.catalog, me, &job.payload.user));
    Ok(records.into_iter().map(job_row).collect())
}

fn job_row(job: JobRecord) -> Vec<Datum> {
    let (payload, progress) = (job.payload, job.progress);
    let objects = payload.descriptor_ids.iter().map(|id| i64::from(*id));
    let running = Some(progress.running_status).filter(|status| !status.is_empty());
    let error = payload.error.map_or_else(String::new, |error| error.message);
    row![
        job.id,
        payload.kind,
        payload.description,
        payload.statement,
        payload.user,
        list(Type::Int8, objects),
        job.state.as_str(),
        running,
        utc(job.created),
        payload.started.map(utc),
        payload.finished.map(utc),
        utc(progress.modified),
        progress.fraction,
        NULL,
        error,
        job.claim.map(|_| NODE),
    ]
}

fn build_info(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let version = env!("CARGO_PKG_VERSION");
    Ok(vec![
        row![NODE, "Name", "Cairn"],
        row![NODE, "Version", format!("v{version}")],
        row![NODE, "Organization", ""],
    ])
}
