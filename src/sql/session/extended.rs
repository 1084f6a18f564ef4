//! The extended protocol: Parse, Bind, Describe, Execute, Close, Sync.

use std::sync::Arc;

use super::prepared::Prepared;
use super::query::{StatementStart, check_same_columns};
use super::run::Request;
use super::{Session, check_room, in_failed_block};
use crate::catalog::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::BoundKind;
use crate::sql::client::{Client, Field, Format};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{self, Execution};
use crate::sql::query::Planned;
use crate::sql::variables::Note;
use crate::syntax::{self, Statement};
use crate::types::{Datum, Type, binary, oid, text};

/// A statement with its parameters, perhaps half read.
pub(super) struct Portal {
    /// The statement.
    pub prepared: Arc<Prepared>,
    /// Values of its parameters.
    pub params: Vec<Datum>,
    /// Formats of its columns.
    pub formats: Vec<Format>,
    /// How far it is.
    pub state: PortalState,
    /// Whether it outlives its transaction (WITH HOLD).
    pub held: bool,
}

/// How far a portal is.
pub(super) enum PortalState {
    /// Not run yet.
    Ready,
    /// Half read.
    Open(Box<Open>),
    /// All rows are kept, so that they can be read in any direction; `at` is the row that the
    /// cursor stands on, 0 before the first.
    Kept {
        /// The rows.
        rows: Vec<Vec<Datum>>,
        /// The row it stands on.
        at: usize,
    },
    /// Read to its end.
    Done,
}

/// A query being read.
pub(super) struct Open {
    planned: Arc<Planned>,
    catalog: Arc<CatalogSnapshot>,
    execution: Execution,
    start: StatementStart,
    left: Option<Batch>,
}

impl Portal {
    pub(super) fn survives_commit(&self) -> bool {
        self.held && matches!(self.state, PortalState::Kept { .. } | PortalState::Done)
    }
}

impl Session {
    /// Whether messages are skipped until Sync.
    pub fn skips_to_sync(&self) -> bool {
        self.skipping
    }

    /// An extended message failed.
    pub fn extended_failed(&mut self) {
        self.fail();
        self.skipping = true;
        self.note_activity(None);
    }

    /// Sync: an implicit block ends.
    pub fn sync(&mut self, client: &mut dyn Client) -> Result<()> {
        self.skipping = false;
        let result = match &self.block {
            Some(block) if !block.explicit => self.commit(client),
            _ => Ok(()),
        };
        self.note_activity(None);
        result
    }

    /// Parse.
    pub fn parse(&mut self, name: &str, text: &str, types: &[u32]) -> Result<()> {
        let mut statements = syntax::parse(text)?;
        if statements.len() > 1 {
            return Err(Error::syntax("cannot insert multiple commands into a prepared statement"));
        }
        let parsed = statements.pop();
        self.check_not_failed(parsed.as_ref().map(|p| &p.statement))?;
        let catalog = match types.iter().any(|oid| oid::user_type(*oid).is_some()) {
            true => Some(self.catalog_to_prepare()?),
            false => None,
        };
        let of_user = |oid: u32| catalog.as_ref().and_then(|c| c.user_type_by_oid(oid));
        let hints = types
            .iter()
            .map(|oid| match oid {
                0 => Ok(None),
                705 => Ok(None),
                number => oid::type_from_oid(*number)
                    .or_else(|| of_user(*number))
                    .map(Some)
                    .ok_or_else(|| {
                        Error::new(
                            sqlstate::UNDEFINED_OBJECT,
                            format!("type with OID {number} does not exist"),
                        )
                    }),
            })
            .collect::<Result<Vec<Option<Type>>>>()?;
        let prepared = self.make_prepared(parsed, hints)?;
        self.keep_prepared(name, prepared, text, false)
    }

    /// In a failed block only its end may be prepared, bound or run.
    fn check_not_failed(&self, statement: Option<&Statement>) -> Result<()> {
        let failed = self.block.as_ref().is_some_and(|b| b.failed);
        let ends = matches!(
            statement,
            None | Some(
                Statement::Commit { .. } | Statement::Rollback { .. } | Statement::RollbackTo(_)
            )
        );
        if failed && !ends { Err(in_failed_block()) } else { Ok(()) }
    }

    /// Bind.
    pub fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        formats: &[i16],
        values: &[Option<&[u8]>],
        result_formats: &[i16],
    ) -> Result<()> {
        let prepared = self.prepared_named(statement)?;
        self.check_not_failed(prepared.parsed.as_deref().map(|p| &p.statement))?;
        if values.len() != prepared.types.len() {
            return Err(Error::new(
                sqlstate::PROTOCOL_VIOLATION,
                format!(
                    "bind message supplies {} parameters, but prepared statement \"{statement}\" \
                     requires {}",
                    values.len(),
                    prepared.types.len()
                ),
            ));
        }
        let formats = spread(formats, values.len(), "parameter formats")?;
        let mut params = Vec::with_capacity(values.len());
        for ((value, ty), format) in values.iter().zip(&prepared.types).zip(formats) {
            params.push(match value {
                None => Datum::Null,
                Some(bytes) => self.parameter(bytes, ty, format, params.len() + 1)?,
            });
        }
        let columns = prepared.fields.as_ref().map_or(0, Vec::len);
        // A client may name formats for columns before it knows that there are none.
        let formats = if columns == 0 {
            Vec::new()
        } else {
            spread(result_formats, columns, "result formats")?
        };
        if !portal.is_empty() && self.portals.contains_key(portal) {
            return Err(Error::new(
                sqlstate::DUPLICATE_CURSOR,
                format!("cursor \"{portal}\" already exists"),
            ));
        }
        check_room(self.portals.len(), "portals")?;
        let state = PortalState::Ready;
        let text = prepared.parsed.as_ref().map_or_else(String::new, |p| p.text.clone());
        let now = self.server.clock.now().sql_micros();
        let is_binary = formats.first() == Some(&Format::Binary);
        let made = Portal { prepared, params, formats, state, held: false };
        self.portals.insert(portal, made, || Note {
            statement: text,
            since: now,
            is_binary,
            ..Note::default()
        });
        Ok(())
    }

    pub(super) fn parameter(
        &self,
        bytes: &[u8],
        ty: &Type,
        format: Format,
        number: usize,
    ) -> Result<Datum> {
        match format {
            Format::Binary => binary::decode(ty, bytes),
            Format::Text => {
                let word = std::str::from_utf8(bytes).map_err(|_| {
                    Error::new(
                        sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
                        "invalid byte sequence for encoding \"UTF8\"",
                    )
                })?;
                text::parse(ty, word, &self.state.format)
            }
        }
        .map_err(|e| {
            let code = e.code();
            e.context(format!("parameter ${number}")).with_code(code)
        })
    }

    /// Describe of a prepared statement: OIDs of its parameters, and its columns if it has rows.
    pub fn describe_statement(&mut self, name: &str) -> Result<(Vec<u32>, Option<Vec<Field>>)> {
        let prepared = self.prepared_named(name)?;
        self.check_not_failed(prepared.parsed.as_deref().map(|p| &p.statement))?;
        let types = prepared.types.iter().map(oid::oid).collect();
        Ok((types, prepared.fields.clone()))
    }

    /// Describe of a portal: its columns and their formats, if it has rows.
    pub fn describe_portal(&mut self, name: &str) -> Result<Option<(Vec<Field>, Vec<Format>)>> {
        let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
        Ok(portal.prepared.fields.clone().map(|fields| (fields, portal.formats.clone())))
    }

    /// Execute: all rows, or at most `limit` of them if that is not zero.
    pub fn execute(&mut self, name: &str, limit: u32, client: &mut dyn Client) -> Result<()> {
        let mut portal = self.portals.lend(name).ok_or_else(|| no_portal(name))?;
        if let Some(parsed) = &portal.prepared.parsed {
            self.note_activity(Some(&parsed.text));
        }
        let result = self.execute_portal(&mut portal, limit, client);
        // A commit ends the portals of its transaction; this one was in our hands meanwhile.
        if result.is_ok() && (self.block.is_some() || portal.survives_commit()) {
            self.portals.give_back(name, portal);
        } else {
            self.portals.remove(name);
        }
        result
    }

    fn execute_portal(
        &mut self,
        portal: &mut Portal,
        limit: u32,
        client: &mut dyn Client,
    ) -> Result<()> {
        let prepared = portal.prepared.clone();
        let Some(parsed) = &prepared.parsed else { return client.empty() };
        match &portal.state {
            PortalState::Ready => {
                let stops = limit > 0
                    && prepared.planned.as_ref().is_some_and(|p| p.kind == BoundKind::Select);
                if stops {
                    self.begin_statement()?;
                    self.check_not_failed(Some(&parsed.statement))?;
                    self.open_portal(portal)?;
                    return self.read_portal(portal, limit as usize, client);
                }
                let request = Request {
                    parsed,
                    params: &portal.params,
                    types: &prepared.types,
                    formats: &portal.formats,
                    planned: prepared.planned.as_ref(),
                    announce: false,
                    last: client.sync_follows(),
                    shared: false,
                };
                self.run(request, client)?;
                portal.state = PortalState::Done;
                Ok(())
            }
            PortalState::Open(_) => {
                self.begin_statement()?;
                self.check_not_failed(Some(&parsed.statement))?;
                let limit = if limit == 0 { usize::MAX } else { limit as usize };
                self.read_portal(portal, limit, client)
            }
            PortalState::Kept { .. } => Err(Error::unsupported("Execute of a cursor of SQL")),
            PortalState::Done => match prepared.planned.as_ref().map(|p| p.kind) {
                Some(BoundKind::Select) => client.complete("SELECT 0"),
                _ => Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "portal cannot be run anymore",
                )),
            },
        }
    }

    /// Begins to read a query's rows within the block.
    pub(super) fn open_portal(&mut self, portal: &mut Portal) -> Result<()> {
        self.ensure_block()?;
        self.open_statement()?;
        let (Some(parsed), Some(planned)) = (&portal.prepared.parsed, &portal.prepared.planned)
        else {
            return Err(Error::internal("portal without a plan"));
        };
        if let Some(expr) = &parsed.as_of {
            self.read_as_of(expr, &portal.params, &portal.prepared.types)?;
        }
        let catalog = self.catalog()?;
        let planned = if planned.is_good(&catalog, &self.state) {
            planned.clone()
        } else {
            let types = portal.prepared.types.iter().cloned().map(Some).collect();
            self.plan_with(&catalog, parsed, types, None)?
        };
        if let Some(described) = &portal.prepared.planned {
            check_same_columns(&described.fields, &planned.fields)?;
        }
        planned.check_privileges(&catalog, &self.state.current_user)?;
        self.check_writable(&planned)?;
        let execution = exec::start(&planned.plan);
        let start = self.statement_start();
        self.close_statement_savepoint()?;
        if let Some(block) = &mut self.block {
            block.statements += 1;
        }
        portal.state =
            PortalState::Open(Box::new(Open { planned, catalog, execution, start, left: None }));
        Ok(())
    }

    /// The next rows of an open portal, at most `limit`; `None` at the end.
    pub(super) fn next_rows(&mut self, portal: &mut Portal, limit: usize) -> Result<Option<Batch>> {
        let PortalState::Open(open) = &mut portal.state else { return Ok(None) };
        let batch = match open.left.take() {
            Some(batch) => Some(batch),
            None => {
                let mut ctx = self.exec_context(&open.catalog, &portal.params, open.start)?;
                open.execution.next(&mut ctx)?
            }
        };
        let Some(batch) = batch else {
            portal.state = PortalState::Done;
            return Ok(None);
        };
        if batch.rows <= limit {
            return Ok(Some(batch));
        }
        open.left = Some(batch.slice(limit, batch.rows - limit));
        Ok(Some(batch.slice(0, limit)))
    }

    fn read_portal(
        &mut self,
        portal: &mut Portal,
        limit: usize,
        client: &mut dyn Client,
    ) -> Result<()> {
        let fields = portal.prepared.fields.clone().unwrap_or_default();
        let mut sent = 0;
        while sent < limit {
            let Some(batch) = self.next_rows(portal, limit - sent)? else {
                return client.complete(&format!("SELECT {sent}"));
            };
            sent += batch.rows;
            client.rows(&batch, &fields, &portal.formats, &self.state.format)?;
        }
        client.suspended()
    }

    /// The columns that an open portal really has.
    pub(super) fn open_fields(portal: &Portal) -> Vec<Field> {
        match &portal.state {
            PortalState::Open(open) => open.planned.fields.clone(),
            _ => portal.prepared.fields.clone().unwrap_or_default(),
        }
    }

    /// Close of a prepared statement; closing none is no error.
    pub fn close_statement(&mut self, name: &str) {
        self.prepared.remove(name);
    }

    /// Close of a portal; closing none is no error.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }
}

/// Format codes for `count` values: none means text, one means all.
fn spread(codes: &[i16], count: usize, what: &str) -> Result<Vec<Format>> {
    let codes = codes.iter().map(|c| Format::from_code(*c)).collect::<Result<Vec<_>>>()?;
    match codes.as_slice() {
        [] => Ok(vec![Format::Text; count]),
        [one] => Ok(vec![*one; count]),
        _ if codes.len() == count => Ok(codes),
        _ => Err(Error::new(
            sqlstate::PROTOCOL_VIOLATION,
            format!("bind message has {} {what} but {count} values", codes.len()),
        )),
    }
}

fn no_portal(name: &str) -> Error {
    Error::new(sqlstate::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}
