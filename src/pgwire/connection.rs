//! The loop of one connection: read a message, call the session, write what it said.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::catalog::scram::Verifier;
use crate::error::{Error, Result, sqlstate};
use crate::pgwire::auth::{self, Exchange};
use crate::pgwire::backend;
use crate::pgwire::frontend::{self, Message, violation};
use crate::pgwire::result::RowEncoder;
use crate::pgwire::server::{Security, Shared};
use crate::pgwire::startup::{self, Startup};
use crate::pgwire::stream::Stream;
use crate::sql::client::{Client, CopyShape, Field, Format, Severity};
use crate::sql::exec::batch::Batch;
use crate::sql::session::{Login, Session};
use crate::task::{Cause, Interrupt};

/// Serves a connection to its end.
pub fn serve(
    socket: TcpStream,
    shared: &Arc<Shared>,
    interrupt: &Interrupt,
    idle: &Arc<AtomicBool>,
    crowded: bool,
) {
    let peer = socket.peer_addr().map(|a| a.to_string()).unwrap_or_default();
    let mut stream = match Stream::new(socket) {
        Ok(stream) => stream,
        Err(e) => return tracing::debug!(error = %e, "connection lost at its start"),
    };
    match converse(&mut stream, shared, interrupt, idle, crowded, &peer) {
        Ok(()) => {}
        Err(e) if e.code() == sqlstate::CONNECTION_FAILURE => {
            tracing::debug!(peer, error = %e, "connection lost");
        }
        Err(e) => {
            // The connection ends with the reason, if the client still listens.
            if backend::error(&e, true, &mut stream.output).is_ok() {
                let _ = stream.flush();
            }
        }
    }
}

fn converse(
    stream: &mut Stream,
    shared: &Arc<Shared>,
    interrupt: &Interrupt,
    idle: &Arc<AtomicBool>,
    crowded: bool,
    peer: &str,
) -> Result<()> {
    let Some(hello) = startup::receive(stream, &shared.server.sessions)? else { return Ok(()) };
    if shared.is_stopping() {
        return Err(Error::new(
            sqlstate::CANNOT_CONNECT_NOW,
            "the database system is shutting down",
        ));
    }
    if crowded {
        return Err(Error::new(sqlstate::TOO_MANY_CONNECTIONS, "sorry, too many clients already"));
    }
    authenticate(stream, shared, &hello)?;
    let login = Login {
        user: hello.user,
        database: hello.database,
        parameters: hello.parameters,
        client_address: peer.to_owned(),
    };
    let mut session = Session::start(&shared.server, login, interrupt.clone())?;
    for (name, value) in session.reported_parameters() {
        backend::parameter_status(name, &value, &mut stream.output)?;
    }
    let (pid, secret) = session.cancel_key();
    backend::backend_key(pid, secret, &mut stream.output)?;
    backend::ready(session.status(), &mut stream.output)?;
    stream.flush()?;

    let mut door = Door { stream, rows: RowEncoder::default(), marked: (0, 0) };
    loop {
        idle.store(true, Ordering::SeqCst);
        let limit = session.idle_limit();
        if !door.stream.wait_readable(limit.as_ref().map(|(limit, _)| *limit))?
            && let Some((_, reason)) = limit
        {
            return Err(reason);
        }
        let message = door.stream.read_message()?;
        idle.store(false, Ordering::SeqCst);
        if interrupt.cause() == Some(Cause::Shutdown) {
            return Err(Cause::Shutdown.into());
        }
        let Some((kind, range)) = message else { return Ok(()) };
        // The body is copied out so that the session can write while it is read.
        let body = door.stream.body(range).to_vec();
        match frontend::parse(kind, &body)? {
            Message::Terminate => return Ok(()),
            message => door.handle(&mut session, message)?,
        }
    }
}

/// Asks for a password unless the server trusts everybody.
fn authenticate(stream: &mut Stream, shared: &Arc<Shared>, hello: &Startup) -> Result<()> {
    if shared.security == Security::Password {
        let stored = shared.server.password_verifier(&hello.user)?;
        let secret = shared.server.catalog.cluster_id();
        let verifier = stored
            .as_deref()
            .and_then(Verifier::parse)
            .unwrap_or_else(|| Verifier::decoy(&hello.user, secret.as_bytes()));
        let nonce = STANDARD_NO_PAD.encode(rand::random::<[u8; 18]>());
        backend::sasl(&[auth::MECHANISM], &mut stream.output)?;
        stream.flush()?;
        let exchange = Exchange::begin(&password_message(stream)?, verifier, &nonce)?;
        backend::sasl_continue(exchange.challenge().to_owned(), &mut stream.output)?;
        stream.flush()?;
        let last = exchange.finish(&password_message(stream)?, &hello.user)?;
        backend::sasl_final(last, &mut stream.output)?;
    }
    backend::authentication_ok(&mut stream.output)
}

fn password_message(stream: &mut Stream) -> Result<Vec<u8>> {
    match stream.read_message()? {
        Some((b'p', range)) => Ok(stream.body(range).to_vec()),
        Some((kind, _)) => {
            Err(violation(format!("expected SASL response, got message type {kind}")))
        }
        None => Err(Error::new(sqlstate::CONNECTION_FAILURE, "client closed the connection")),
    }
}

/// The client of a session, at the other end of a stream.
struct Door<'a> {
    stream: &'a mut Stream,
    rows: RowEncoder,
    /// What had been sent, and what waited to be sent, when the current statement began.
    marked: (u64, usize),
}

impl Door<'_> {
    fn handle(&mut self, session: &mut Session, message: Message<'_>) -> Result<()> {
        match message {
            Message::Query(text) => {
                if let Err(e) = session.simple_query(text, self) {
                    self.report(&e)?;
                }
                self.ready(session)
            }
            Message::Sync => {
                if let Err(e) = session.sync(self) {
                    self.report(&e)?;
                }
                self.ready(session)
            }
            Message::Flush => self.stream.flush(),
            Message::CopyData(_) | Message::CopyDone | Message::CopyFail(_) => {
                // Left over from a COPY that failed: the protocol says to ignore them.
                Ok(())
            }
            Message::Password(_) => Err(violation("unexpected password message")),
            extended => {
                // After an error, everything up to Sync is skipped.
                if session.skips_to_sync() {
                    return Ok(());
                }
                if let Err(e) = self.extended(session, extended) {
                    if e.code() == sqlstate::CONNECTION_FAILURE {
                        return Err(e);
                    }
                    session.extended_failed();
                    self.report(&e)?;
                    // At once, as a client that streams COPY data may not send Sync before it hears.
                    self.stream.flush()?;
                }
                Ok(())
            }
        }
    }

    fn extended(&mut self, session: &mut Session, message: Message<'_>) -> Result<()> {
        match message {
            Message::Parse { name, text, types } => {
                session.parse(name, text, &types)?;
                backend::parse_complete(&mut self.stream.output)
            }
            Message::Bind { portal, statement, formats, values, result_formats } => {
                session.bind(portal, statement, &formats, &values, &result_formats)?;
                backend::bind_complete(&mut self.stream.output)
            }
            Message::DescribeStatement(name) => {
                let (parameters, fields) = session.describe_statement(name)?;
                backend::parameters(parameters, &mut self.stream.output)?;
                match fields {
                    Some(fields) => backend::row_description(&fields, &[], &mut self.stream.output),
                    None => backend::no_data(&mut self.stream.output),
                }
            }
            Message::DescribePortal(name) => match session.describe_portal(name)? {
                Some((fields, formats)) => {
                    backend::row_description(&fields, &formats, &mut self.stream.output)
                }
                None => backend::no_data(&mut self.stream.output),
            },
            Message::Execute { portal, limit } => session.execute(portal, limit, self),
            Message::CloseStatement(name) => {
                session.close_statement(name);
                backend::close_complete(&mut self.stream.output)
            }
            Message::ClosePortal(name) => {
                session.close_portal(name);
                backend::close_complete(&mut self.stream.output)
            }
            other => Err(Error::internal(format!("message out of place: {other:?}"))),
        }
    }

    fn report(&mut self, e: &Error) -> Result<()> {
        if e.code() == sqlstate::CONNECTION_FAILURE || e.code() == sqlstate::ADMIN_SHUTDOWN {
            return Err(e.clone());
        }
        backend::error(e, false, &mut self.stream.output)
    }

    fn ready(&mut self, session: &Session) -> Result<()> {
        backend::ready(session.status(), &mut self.stream.output)?;
        self.stream.flush()
    }
}

impl Client for Door<'_> {
    fn columns(&mut self, fields: &[Field], formats: &[Format]) -> Result<()> {
        backend::row_description(fields, formats, &mut self.stream.output)
    }

    fn rows(
        &mut self,
        batch: &Batch,
        fields: &[Field],
        formats: &[Format],
        session: &crate::types::text::SessionFormat,
    ) -> Result<()> {
        for row in 0..batch.rows {
            self.rows.encode(batch, row, fields, formats, session, &mut self.stream.output)?;
            self.stream.flush_if_full()?;
        }
        Ok(())
    }

    fn complete(&mut self, tag: &str) -> Result<()> {
        backend::complete(tag, &mut self.stream.output)
    }

    fn suspended(&mut self) -> Result<()> {
        backend::portal_suspended(&mut self.stream.output)
    }

    fn empty(&mut self) -> Result<()> {
        backend::empty_query(&mut self.stream.output)
    }

    fn notice(&mut self, severity: Severity, notice: &Error) -> Result<()> {
        backend::notice(severity, notice, &mut self.stream.output)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<()> {
        backend::parameter_status(name, value, &mut self.stream.output)
    }

    fn copy_in(&mut self, shape: &CopyShape) -> Result<()> {
        backend::copy_in(shape, &mut self.stream.output)?;
        self.stream.flush()
    }

    fn copy_read(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let Some((kind, range)) = self.stream.read_message()? else {
                return Err(Error::new(
                    sqlstate::CONNECTION_FAILURE,
                    "unexpected EOF on client connection during COPY",
                ));
            };
            match frontend::parse(kind, self.stream.body(range))? {
                Message::CopyData(data) => return Ok(Some(data.to_vec())),
                Message::CopyDone => return Ok(None),
                Message::CopyFail(reason) => {
                    return Err(Error::new(
                        sqlstate::QUERY_CANCELED,
                        format!("COPY from stdin failed: {reason}"),
                    ));
                }
                Message::Flush | Message::Sync => {}
                _ => return Err(violation("unexpected message during COPY from stdin")),
            }
        }
    }

    fn copy_out(&mut self, shape: &CopyShape) -> Result<()> {
        backend::copy_out(shape, &mut self.stream.output)
    }

    fn copy_write(&mut self, data: &[u8]) -> Result<()> {
        backend::copy_data(data, &mut self.stream.output);
        self.stream.flush_if_full()
    }

    fn copy_end(&mut self) -> Result<()> {
        backend::copy_done(&mut self.stream.output);
        Ok(())
    }

    fn mark(&mut self) {
        self.marked = (self.stream.sent(), self.stream.output.len());
    }

    fn rewind(&mut self) -> bool {
        let (sent, length) = self.marked;
        if self.stream.sent() != sent {
            return false;
        }
        self.stream.output.truncate(length);
        true
    }

    fn sync_follows(&mut self) -> bool {
        self.stream.next_kind() == Some(b'S')
    }
}
