//! # SHOW of what exists
//!
//! Databases, schemas, tables, columns, indexes, grants, roles and sessions, with the columns that
//! CockroachDB v21.1 gives them.
//!
//! ```text
//!   SHOW DATABASES · SCHEMAS · TABLES · SEQUENCES · ENUMS   database.rs
//!   SHOW COLUMNS · INDEXES                                  table.rs
//!   SHOW USERS · ROLES · GRANTS                             access.rs
//!   SHOW SESSIONS · QUERIES · TRANSACTIONS                  activity.rs
//!   SHOW CREATE                                             ../show_create.rs
//! ```
//!
//! Words: a form is one of the statements that begin with SHOW and are no variable.
//!
//! Invariants:
//! - Each form has its columns in one place, which Describe and the rows share.
//! - What a role may not see is left out or refused, as the form's original does.
//!
//! What it is not: SHOW of a variable (`session`), of jobs, of backups or of cluster settings.

mod access;
mod activity;
mod database;
mod table;

use crate::error::{Error, Result};
use crate::sql::client::Field;
use crate::sql::statement::{Outcome, Work, field, show_create};
use crate::syntax::Show;
use crate::types::{Datum, Type};

/// Runs a form of SHOW.
pub fn run(show: &Show, work: &mut Work<'_>) -> Result<Outcome> {
    let rows = match show {
        Show::Create(what) => return show_create::run(what, work),
        Show::Databases { with_comment } => database::databases(*with_comment, work)?,
        Show::Schemas { from } => database::schemas(from.as_ref(), work)?,
        Show::Tables { from, with_comment } => {
            database::tables(from.as_ref(), *with_comment, work)?
        }
        Show::Sequences { from } => database::sequences(from.as_ref(), work)?,
        Show::Enums { from } => database::enums(from.as_ref(), work)?,
        Show::Types => database::types(work)?,
        Show::Columns { table, with_comment } => table::columns(table, *with_comment, work)?,
        Show::Indexes { table, with_comment } => table::indexes(table, *with_comment, work)?,
        Show::Statistics { table, json: false } => table::statistics(table, work)?,
        Show::Users | Show::Roles => access::roles(work)?,
        Show::Grants { on, grantees } => access::grants(on.as_ref(), grantees, work)?,
        Show::RoleGrants { roles, grantees } => access::role_grants(roles, grantees, work)?,
        Show::Sessions { .. } => activity::sessions(work)?,
        Show::Queries { .. } => activity::queries(work)?,
        Show::TransactionStatus => {
            let status = if work.explicit { "Open" } else { "NoTxn" };
            vec![vec![Datum::text(status)]]
        }
        Show::Locality => vec![vec![Datum::text(tiers(&work.server.cloud.locality))]],
        _ => return Err(Error::unsupported("this form of SHOW")),
    };
    let fields = fields(show).ok_or_else(|| Error::internal("SHOW without columns"))?;
    Outcome::rows(fields, rows)
}

/// The columns of a form.
pub fn fields(show: &Show) -> Option<Vec<Field>> {
    let mut fields = match show {
        Show::Create(what) => show_create::fields(what),
        Show::Databases { .. } => {
            texts(&["database_name", "owner", "primary_region", "regions", "survival_goal"])
        }
        Show::Schemas { .. } => texts(&["schema_name", "owner"]),
        Show::Tables { .. } => {
            let mut fields = texts(&["schema_name", "table_name", "type", "owner"]);
            fields.push(field("estimated_row_count", Type::Int8));
            fields.push(field("locality", Type::Text));
            fields
        }
        Show::Sequences { .. } => texts(&["sequence_schema", "sequence_name"]),
        Show::Enums { .. } => texts(&["schema", "name", "values", "owner"]),
        Show::Types => texts(&["schema", "name", "owner"]),
        Show::Columns { .. } => vec![
            field("column_name", Type::Text),
            field("data_type", Type::Text),
            field("is_nullable", Type::Bool),
            field("column_default", Type::Text),
            field("generation_expression", Type::Text),
            field("indices", Type::Array(Box::new(Type::Text))),
            field("is_hidden", Type::Bool),
        ],
        Show::Indexes { .. } => vec![
            field("table_name", Type::Text),
            field("index_name", Type::Text),
            field("non_unique", Type::Bool),
            field("seq_in_index", Type::Int8),
            field("column_name", Type::Text),
            field("direction", Type::Text),
            field("storing", Type::Bool),
            field("implicit", Type::Bool),
        ],
        Show::Statistics { json: false, .. } => vec![
            field("statistics_name", Type::Text),
            field("column_names", Type::Array(Box::new(Type::Text))),
            field("created", Type::Timestamp),
            field("row_count", Type::Int8),
            field("distinct_count", Type::Int8),
            field("null_count", Type::Int8),
        ],
        Show::Users | Show::Roles => vec![
            field("username", Type::Text),
            field("options", Type::Text),
            field("member_of", Type::Array(Box::new(Type::Text))),
        ],
        Show::Grants { on, .. } => access::grant_fields(on.as_ref()),
        Show::RoleGrants { .. } => vec![
            field("role_name", Type::Text),
            field("member", Type::Text),
            field("is_admin", Type::Bool),
        ],
        Show::Sessions { .. } => activity::session_fields(),
        Show::Queries { .. } => activity::query_fields(),
        Show::TransactionStatus => texts(&["TRANSACTION STATUS"]),
        Show::Locality => texts(&["locality"]),
        _ => return None,
    };
    if let Show::Databases { with_comment: true }
    | Show::Tables { with_comment: true, .. }
    | Show::Columns { with_comment: true, .. }
    | Show::Indexes { with_comment: true, .. } = show
    {
        fields.push(field("comment", Type::Text));
    }
    Some(fields)
}

fn texts(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, Type::Text)).collect()
}

/// A locality as it was given: `region=eu,zone=a`.
fn tiers(locality: &[(String, String)]) -> String {
    locality.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// A text or NULL.
fn optional(text: Option<&str>) -> Datum {
    text.map_or(Datum::Null, Datum::text)
}
