//! A query from its tree to its rows: bound, planned, privileges checked, run.

use std::sync::Arc;

use crate::catalog::{CatalogSnapshot, privilege};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::settings;
use crate::sql::bind::{BoundKind, BoundStatement, RequiredPrivilege};
use crate::sql::client::Field;
use crate::sql::exec;
use crate::sql::exec::context::ExecContext;
use crate::sql::plan::{self, PhysicalPlan, PlanContext};
use crate::sql::scalar::{ColumnRef, OutputColumn};
use crate::sql::server::Server;
use crate::sql::variables::SessionState;
use crate::types::{Datum, Type};

/// A query, INSERT, UPDATE or DELETE that is ready to run any number of times.
#[derive(Debug)]
pub struct Planned {
    /// How.
    pub plan: Arc<PhysicalPlan>,
    /// Its result columns; none if it returns no rows.
    pub output: Vec<OutputColumn>,
    /// The same, as a client is told.
    pub fields: Vec<Field>,
    /// What its command tag says.
    pub kind: BoundKind,
    /// Types of its parameters.
    pub params: Vec<Type>,
    /// Whether it writes.
    pub modifies: bool,
    privileges: Vec<RequiredPrivilege>,
    /// The catalogue that it was planned against; `None` if it must not be kept.
    version: Option<Timestamp>,
    /// What else the meaning of its names depends on.
    database: Arc<str>,
    search_path: Vec<String>,
}

impl Planned {
    /// Plans what was bound.
    pub fn new(
        server: &Arc<Server>,
        catalog: &Arc<CatalogSnapshot>,
        session: &SessionState,
        bound: BoundStatement,
    ) -> Result<Planned> {
        let columns: Vec<ColumnRef> = bound.output.iter().map(|o| o.column).collect();
        let ctx = PlanContext { catalog, server, session };
        let plan = plan::plan(&ctx, bound.relation, &columns)?;
        let fields = bound.output.iter().map(field_of).collect();
        let keep = bound.reusable && !catalog.is_private();
        Ok(Planned {
            plan,
            output: bound.output,
            fields,
            kind: bound.kind,
            params: bound.params,
            modifies: bound.modifies,
            privileges: bound.privileges,
            version: keep.then(|| catalog.version()),
            database: session.database.clone(),
            search_path: session.search_path.clone(),
        })
    }

    /// Whether it can run again at all.
    pub fn can_be_kept(&self) -> bool {
        self.version.is_some()
    }

    /// Whether it still means the same.
    pub fn is_good(&self, catalog: &CatalogSnapshot, session: &SessionState) -> bool {
        self.version == Some(catalog.version())
            && !catalog.is_private()
            && self.database == session.database
            && self.search_path == session.search_path
    }

    /// Fails with 42501 unless the role, or a view's owner in its place, may do all of it.
    pub fn check_privileges(&self, catalog: &CatalogSnapshot, role: &str) -> Result<()> {
        for required in &self.privileges {
            let Some(object) = catalog.descriptor(required.object) else {
                return Err(Error::internal(format!("no descriptor {}", required.object)));
            };
            let role = required.role.as_deref().unwrap_or(role);
            privilege::check(catalog, role, object, required.privilege)?;
        }
        Ok(())
    }

    /// The command tag for a number of rows.
    pub fn tag(&self, rows: u64) -> String {
        match self.kind {
            BoundKind::Select => format!("SELECT {rows}"),
            BoundKind::Insert => format!("INSERT 0 {rows}"),
            BoundKind::Update => format!("UPDATE {rows}"),
            BoundKind::Delete => format!("DELETE {rows}"),
        }
    }
}

fn field_of(column: &OutputColumn) -> Field {
    Field {
        name: column.name.to_string(),
        ty: column.ty.clone(),
        table: column.origin.0,
        attribute: column.origin.1,
    }
}

/// Memory that one statement may hold, in bytes.
pub fn statement_memory(server: &Server) -> usize {
    usize::try_from(server.settings.bytes(settings::SERVER_STATEMENT_MEMORY)).unwrap_or(usize::MAX)
}

/// Runs a query to its end and keeps its rows, charged to the statement's memory.
pub fn collect(planned: &Planned, ctx: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let mut execution = exec::start(&planned.plan);
    let mut rows = Vec::new();
    let mut left = ctx.memory_max;
    while let Some(batch) = execution.next(ctx)? {
        let bytes = batch.bytes().saturating_mul(2);
        left = left.checked_sub(bytes).ok_or_else(exec::memory::exceeded)?;
        rows.extend((0..batch.rows).map(|row| batch.row(row)));
    }
    Ok(rows)
}
