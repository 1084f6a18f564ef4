//! A table's rows and expressions outside of any session.

use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::row::TableCodec;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::sql::bind::{BindContext, bind_scalar_over_table};
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::plan::compile::compile_over;
use crate::sql::server::Server;
use crate::sql::statement::table::row_of;
use crate::sql::variables::SessionState;
use crate::task::Interrupt;
use crate::types::Datum;

/// A table as it is now, and what its expressions are evaluated in.
pub struct Lens {
    pub table: Arc<TableDescriptor>,
    /// The name of its schema.
    pub schema: String,
    pub codec: Arc<TableCodec>,
    pub catalog: Arc<CatalogSnapshot>,
    pub session: SessionState,
    server: Arc<Server>,
    interrupt: Interrupt,
}

impl Lens {
    /// Over a table, for what a role asked for.
    pub fn new(server: &Arc<Server>, table: &Arc<TableDescriptor>, role: &str) -> Result<Lens> {
        let catalog = server.catalog.current()?;
        let schema =
            catalog.schema_any_state(table.schema).map_or_else(String::new, |s| s.name.clone());
        Ok(Lens {
            table: Arc::clone(table),
            schema,
            codec: Arc::new(TableCodec::new(table)?),
            catalog,
            session: SessionState::of(role.into(), "system".into()),
            server: Arc::clone(server),
            interrupt: Interrupt::new(),
        })
    }

    /// Compiles a kept expression over a row.
    pub fn compile(&self, sql: &str) -> Result<Expr> {
        let ctx = BindContext::new(&self.catalog, &self.session);
        let row = row_of(&self.table);
        let scalar = bind_scalar_over_table(&ctx, sql, &self.table, &row)?;
        compile_over(&scalar, &row)
    }

    /// The value of an expression over a row.
    pub fn value(&mut self, expr: &Expr, row: &[Datum]) -> Result<Datum> {
        let now = self.server.clock.now();
        let mut ctx = EvalContext {
            server: &self.server,
            session: &mut self.session,
            catalog: &self.catalog,
            params: &[],
            statement_time: now.sql_micros(),
            transaction_time: now.sql_micros(),
            read_at: Timestamp::MIN,
            interrupt: &self.interrupt,
        };
        expr.pure(&mut ctx, Row::Datums(row))
    }
}
