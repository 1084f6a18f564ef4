//! What an index takes of a row, outside of any session.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::{RowDecoder, TableCodec};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sql::bind::{BindContext, bind_scalar_over_table};
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::plan::compile::compile_over;
use crate::sql::server::Server;
use crate::sql::statement::table::{duplicate, row_of};
use crate::sql::variables::{Notes, SessionState};
use crate::task::Interrupt;
use crate::types::{Datum, SessionFormat};

/// An index over a table, ready to say which entry a row has.
pub struct Shape {
    pub table: Arc<TableDescriptor>,
    pub schema: String,
    pub codec: Arc<TableCodec>,
    pub index: IndexDescriptor,
    server: Arc<Server>,
    catalog: Arc<CatalogSnapshot>,
    session: SessionState,
    predicate: Option<Expr>,
    decoder: RowDecoder,
    /// Positions of the columns that the decoder gives.
    wanted: Vec<usize>,
    row: Vec<Datum>,
}

impl Shape {
    /// The shape of an index of a table as it is now.
    pub fn new(
        server: &Arc<Server>,
        table: &Arc<TableDescriptor>,
        index: &IndexDescriptor,
    ) -> Result<Shape> {
        let catalog = server.catalog.current()?;
        let session = nobody();
        let codec = Arc::new(TableCodec::new(table)?);
        let predicate = match &index.predicate {
            Some(sql) => {
                let ctx = BindContext::new(&catalog, &session);
                let row = row_of(table);
                let scalar = bind_scalar_over_table(&ctx, sql, table, &row)?;
                Some(compile_over(&scalar, &row)?)
            }
            None => None,
        };
        let used = |id| {
            predicate.is_some()
                || index.storing.contains(&id)
                || index.columns.iter().any(|c| c.column == id)
                || table.primary_index.columns.iter().any(|c| c.column == id)
        };
        let wanted: Vec<usize> =
            (0..).zip(&table.columns).filter(|(_, c)| used(c.id)).map(|(at, _)| at).collect();
        let decoder = RowDecoder::new(&codec, table.primary_index.id, &wanted)?;
        let schema =
            catalog.schema_any_state(table.schema).map_or_else(String::new, |s| s.name.clone());
        Ok(Shape {
            table: Arc::clone(table),
            schema,
            codec,
            index: index.clone(),
            server: Arc::clone(server),
            catalog,
            session,
            predicate,
            decoder,
            row: vec![Datum::Null; table.columns.len()],
            wanted,
        })
    }

    /// Whether every row has an entry.
    pub fn is_total(&self) -> bool {
        self.predicate.is_none()
    }

    /// The entry of a stored row, if the index covers it.
    pub fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<Option<(Key, Vec<u8>)>> {
        let (row, table, wanted) = (&mut self.row, &self.table, &self.wanted);
        self.decoder.decode(key, value, &mut |at, datum| {
            let position = wanted.get(at).copied().unwrap_or_default();
            if let (Some(slot), Some(column)) = (row.get_mut(position), table.columns.get(position))
            {
                *slot = datum.to_datum(&column.ty.ty);
            }
        })?;
        if let Some(predicate) = &self.predicate {
            let interrupt = Interrupt::new();
            // Predicates are immutable, so neither time nor session matter.
            let mut ctx = EvalContext {
                server: &self.server,
                session: &mut self.session,
                catalog: &self.catalog,
                params: &[],
                statement_time: 0,
                transaction_time: 0,
                read_at: Timestamp::MIN,
                interrupt: &interrupt,
            };
            if !matches!(predicate.pure(&mut ctx, Row::Datums(&self.row))?, Datum::Bool(true)) {
                return Ok(None);
            }
        }
        self.codec.index_entries(&self.index, &self.row).map(Some)
    }

    /// 23505 for an entry that two rows have.
    pub fn duplicate(&self, key: &[u8], value: &[u8]) -> Error {
        let names = (self.schema.as_str(), &*self.codec);
        duplicate(names, &self.index, (key, value), &self.session)
    }
}

/// The session of nobody, for expressions that ask nothing of it.
fn nobody() -> SessionState {
    SessionState {
        session_user: "node".into(),
        current_user: "node".into(),
        database: "system".into(),
        search_path: Vec::new(),
        format: SessionFormat::default(),
        backend_pid: 0,
        sequence_values: HashMap::new(),
        last_sequence: None,
        local_values: Vec::new(),
        prepared: Notes::default(),
        cursors: Notes::default(),
        on_commit: Vec::new(),
        variables: HashMap::new(),
    }
}
