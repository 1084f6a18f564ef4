//! userfile storage: files of external storage that lie in two tables of the database itself.
//!
//! `userfile://db.schema.prefix/path` is the file `path` among those of the tables
//! `prefix_upload_files` (one row a file) and `prefix_upload_payload` (its pieces). Who may use
//! them is checked where a statement names the URI (`statement/userfile.rs`); what is below works
//! for whoever runs the statement or its job.

use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use uuid::Uuid;

use super::answer::Answer;
use super::server::Server;
use super::session::{Login, Session};
use crate::catalog::role::ROOT;
use crate::cloud::store::{already_exists, not_found, short_read};
use crate::cloud::{ExternalUri, ListEntry, Listing, Store, StoreWriter, WriteMode, path};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::quote_identifier;
use crate::task::Interrupt;
use crate::types::Datum;

/// Bytes of a row of the payload.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes that one query gives, so that a large file does not need a statement's memory.
const READ_BYTES: u64 = 4 << 20;

/// Times that a write is tried when another one was in its way.
const ATTEMPTS_MAX: u32 = 8;

/// How long a file's own transaction waits for somebody else's.
const LOCK_TIMEOUT: &str = "30s";

/// The two tables of a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The database.
    pub database: String,
    /// The schema in it.
    pub schema: String,
    /// What the names of both begin with.
    pub prefix: String,
}

impl Tables {
    /// What the host of a URI names; `None` for an empty one.
    pub fn of(uri: &ExternalUri) -> Result<Option<Tables>> {
        if uri.host().is_empty() {
            return Ok(None);
        }
        let parts: Vec<&str> = uri.host().split('.').collect();
        match parts.as_slice() {
            [database, schema, prefix] if parts.iter().all(|part| !part.is_empty()) => {
                Ok(Some(Tables {
                    database: (*database).to_owned(),
                    schema: (*schema).to_owned(),
                    prefix: (*prefix).to_owned(),
                }))
            }
            _ => Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                "host component of userfile URI must be of the form database.schema.prefix",
            )
            .with_hint("Without a host, files are in defaultdb.public.userfiles_<user>.")),
        }
    }

    /// The name of the table of files.
    pub fn files(&self) -> String {
        format!("{}_upload_files", self.prefix)
    }

    /// The name of the table of pieces.
    pub fn payload(&self) -> String {
        format!("{}_upload_payload", self.prefix)
    }

    fn qualified(&self, table: &str) -> String {
        let parts = [self.database.as_str(), self.schema.as_str(), table];
        parts.map(quote_identifier).join(".")
    }

    /// Creates what is missing, for an owner.
    pub fn create(&self, server: &Arc<Server>, owner: &str) -> Result<()> {
        let (files, payload) = (self.qualified(&self.files()), self.qualified(&self.payload()));
        let owner = quote_identifier(owner);
        let text = format!(
            "CREATE TABLE IF NOT EXISTS {files} (filename TEXT PRIMARY KEY, \
             file_id UUID NOT NULL UNIQUE, file_size INT8 NOT NULL, username TEXT, \
             upload_time TIMESTAMPTZ NOT NULL DEFAULT now()); \
             CREATE TABLE IF NOT EXISTS {payload} (file_id UUID, byte_offset INT8, \
             payload BYTEA NOT NULL, PRIMARY KEY (file_id, byte_offset)); \
             ALTER TABLE {files} OWNER TO {owner}; ALTER TABLE {payload} OWNER TO {owner}"
        );
        let mut session = start(server, &self.database, Interrupt::new())?;
        session.simple_query(&text, &mut Answer::default())
    }
}

/// Lets external storage of a server reach the server's tables.
pub fn install(server: &Arc<Server>) {
    let weak = Arc::downgrade(server);
    let open = move |uri: &ExternalUri, interrupt: Option<Interrupt>| -> Result<Arc<dyn Store>> {
        Ok(Arc::new(Userfile::new(weak.clone(), uri, interrupt)?))
    };
    // A server's storage is given this once; a second time would say the same.
    let _ = server.cloud.userfiles.set(Arc::new(open));
}

fn start(server: &Arc<Server>, database: &str, interrupt: Interrupt) -> Result<Session> {
    let parameters = vec![
        ("application_name".to_owned(), "userfile".to_owned()),
        ("lock_timeout".to_owned(), LOCK_TIMEOUT.to_owned()),
    ];
    let (user, database) = (ROOT.to_owned(), database.to_owned());
    Session::start(server, Login { user, database, parameters, ..Login::default() }, interrupt)
}

/// A parameter of a statement.
enum Param<'a> {
    Text(String),
    Bytes(&'a [u8]),
}

/// A directory of files.
#[derive(Clone)]
struct Userfile {
    server: Weak<Server>,
    tables: Tables,
    files: String,
    payload: String,
    root: String,
    shown: String,
    interrupt: Option<Interrupt>,
}

/// A file as the table of files knows it.
struct Found {
    id: String,
    size: u64,
}

impl Userfile {
    fn new(
        server: Weak<Server>,
        uri: &ExternalUri,
        interrupt: Option<Interrupt>,
    ) -> Result<Userfile> {
        let tables = Tables::of(uri)?.ok_or_else(|| {
            Error::new(sqlstate::INVALID_PARAMETER_VALUE, "a userfile URI names no tables")
        })?;
        Ok(Userfile {
            server,
            files: tables.qualified(&tables.files()),
            payload: tables.qualified(&tables.payload()),
            tables,
            root: path::clean(uri.path())?,
            shown: uri.redacted(),
            interrupt,
        })
    }

    fn session(&self, interrupt: Interrupt) -> Result<Session> {
        let server = self.server.upgrade().ok_or_else(|| {
            Error::new(sqlstate::ADMIN_SHUTDOWN, "userfile storage ended with its server")
        })?;
        start(&server, &self.tables.database, interrupt)
    }

    fn interrupt(&self) -> Interrupt {
        self.interrupt.clone().unwrap_or_default()
    }

    /// The name of a file in the table.
    fn name(&self, file: &str) -> Result<String> {
        Ok(path::join(&self.root, &path::clean(file)?))
    }

    /// Runs a query. Where there are no tables there are no files.
    fn rows(&self, text: &str, params: &[Param<'_>]) -> Result<Vec<Vec<Datum>>> {
        let mut session = match self.session(self.interrupt()) {
            Err(e) if e.code() == sqlstate::INVALID_CATALOG_NAME => return Ok(Vec::new()),
            session => session?,
        };
        match ask(&mut session, text, params) {
            Err(e) if e.code() == sqlstate::UNDEFINED_TABLE => Ok(Vec::new()),
            rows => rows,
        }
    }

    /// Runs statements as one transaction, again if another one was in the way.
    fn change(&self, work: impl Fn(&mut Session) -> Result<()>) -> Result<()> {
        let mut session = self.session(self.interrupt())?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            control(&mut session, "BEGIN")?;
            let done = work(&mut session).and_then(|()| control(&mut session, "COMMIT"));
            match done {
                Ok(()) => return Ok(()),
                Err(e) => {
                    // After a failed commit there is no transaction, and this only warns.
                    control(&mut session, "ROLLBACK")?;
                    if e.code() != sqlstate::SERIALIZATION_FAILURE || attempt >= ATTEMPTS_MAX {
                        return Err(e);
                    }
                }
            }
        }
    }

    fn find(&self, name: &str) -> Result<Option<Found>> {
        let text =
            format!("SELECT file_id::text, file_size FROM {} WHERE filename = $1", self.files);
        let rows = self.rows(&text, &[Param::Text(name.to_owned())])?;
        match rows.first().map(Vec::as_slice) {
            None => Ok(None),
            Some([Datum::Text(id), Datum::Int8(size)]) => Ok(Some(Found {
                id: id.to_string(),
                size: u64::try_from(*size).map_err(|_| damaged(name))?,
            })),
            Some(_) => Err(damaged(name)),
        }
    }

    /// A range of a found file, in pieces of what one query may give.
    fn get(&self, found: &Found, file: &str, offset: u64, len: u64) -> Result<Bytes> {
        let short = || short_read(&self.shown, file, offset, len);
        let end = offset.checked_add(len).filter(|end| *end <= found.size).ok_or_else(short)?;
        let mut out = BytesMut::new();
        let mut at = offset;
        while at < end {
            let to = end.min(at.saturating_add(READ_BYTES));
            let text = format!(
                "SELECT byte_offset, payload FROM {} WHERE file_id = $1::text::uuid AND \
                 byte_offset > $2::text::int8 AND byte_offset < $3::text::int8 ORDER BY byte_offset",
                self.payload
            );
            let signed = |n: u64| i64::try_from(n).map_err(|_| short());
            let from = signed(at)?.saturating_sub(PIECE_BYTES as i64);
            let params = [
                Param::Text(found.id.clone()),
                Param::Text(from.to_string()),
                Param::Text(signed(to)?.to_string()),
            ];
            for row in self.rows(&text, &params)? {
                let [Datum::Int8(begins), Datum::Bytea(piece)] = row.as_slice() else {
                    return Err(damaged(file));
                };
                let begins = u64::try_from(*begins).map_err(|_| damaged(file))?;
                let skip = at.saturating_sub(begins);
                // A piece may be missing, or one may be that ends before the range.
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                let Some(rest) = piece.get(skip..).filter(|_| begins <= at) else { continue };
                let take = usize::try_from(to - at).unwrap_or(usize::MAX).min(rest.len());
                out.extend_from_slice(rest.get(..take).unwrap_or_default());
                at += take as u64;
                if at >= to {
                    break;
                }
            }
            if at < to {
                return Err(damaged(file));
            }
        }
        Ok(out.freeze())
    }

    fn put_pieces(&self, session: &mut Session, id: Uuid, at: u64, content: &[u8]) -> Result<()> {
        let text = format!(
            "INSERT INTO {} VALUES ($1::text::uuid, $2::text::int8, $3::bytea)",
            self.payload
        );
        let mut at = at;
        for piece in content.chunks(PIECE_BYTES) {
            let params =
                [Param::Text(id.to_string()), Param::Text(at.to_string()), Param::Bytes(piece)];
            ask(session, &text, &params)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn put_name(&self, session: &mut Session, name: &str, id: Uuid, size: u64) -> Result<()> {
        // The owner of the tables is who the files belong to.
        let text = format!(
            "INSERT INTO {} (filename, file_id, file_size, username) VALUES ($1, \
             $2::text::uuid, $3::text::int8, (SELECT pg_get_userbyid(relowner) FROM pg_class \
             WHERE oid = $4::text::regclass))",
            self.files
        );
        let local = [&self.tables.schema, &self.tables.files()].map(|n| quote_identifier(n));
        let params = [
            Param::Text(name.to_owned()),
            Param::Text(id.to_string()),
            Param::Text(size.to_string()),
            Param::Text(local.join(".")),
        ];
        ask(session, &text, &params).map(|_| ())
    }

    fn remove(&self, session: &mut Session, name: &str) -> Result<()> {
        for text in [
            format!(
                "DELETE FROM {} WHERE file_id IN (SELECT file_id FROM {} WHERE filename = $1)",
                self.payload, self.files
            ),
            format!("DELETE FROM {} WHERE filename = $1", self.files),
        ] {
            ask(session, &text, &[Param::Text(name.to_owned())])?;
        }
        Ok(())
    }

    /// Every file whose name begins with a directory's: the path from the root, and the size.
    fn below(&self, dir: &str) -> Result<Vec<ListEntry>> {
        let begin = match self.name(dir)?.as_str() {
            "" => String::new(),
            dir => format!("{dir}/"),
        };
        let text = format!(
            "SELECT filename, file_size FROM {} WHERE filename >= $1 ORDER BY filename",
            self.files
        );
        let own = if self.root.is_empty() { 0 } else { self.root.len() + 1 };
        let mut entries = Vec::new();
        for row in self.rows(&text, &[Param::Text(begin.clone())])? {
            let [Datum::Text(name), Datum::Int8(size)] = row.as_slice() else {
                return Err(damaged(dir));
            };
            if !name.starts_with(&begin) {
                continue;
            }
            entries.push(ListEntry {
                path: name.get(own..).unwrap_or_default().to_owned(),
                size: u64::try_from(*size).map_err(|_| damaged(name))?,
            });
        }
        entries.sort();
        Ok(entries)
    }
}

fn control(session: &mut Session, text: &str) -> Result<()> {
    session.simple_query(text, &mut Answer::default())
}

fn ask(session: &mut Session, text: &str, params: &[Param<'_>]) -> Result<Vec<Vec<Datum>>> {
    let formats: Vec<i16> =
        params.iter().map(|param| i16::from(matches!(param, Param::Bytes(_)))).collect();
    let values: Vec<Option<&[u8]>> = params
        .iter()
        .map(|param| match param {
            Param::Text(text) => Some(text.as_bytes()),
            Param::Bytes(bytes) => Some(*bytes),
        })
        .collect();
    let mut answer = Answer::default();
    let run = |session: &mut Session, answer: &mut Answer| {
        session.parse("", text, &[])?;
        session.bind("", "", &formats, &values, &[])?;
        session.execute("", 0, answer)?;
        session.sync(answer)
    };
    let result = run(session, &mut answer);
    if result.is_err() {
        session.extended_failed();
        // What failed is told already.
        let _ = session.sync(&mut Answer::default());
    }
    result.map(|()| answer.rows)
}

fn damaged(file: &str) -> Error {
    Error::corrupt(format!("file \"{file}\" in userfile storage is damaged"))
}

impl Store for Userfile {
    fn read(&self, file: &str) -> Result<Bytes> {
        let name = self.name(file)?;
        let found = self.find(&name)?.ok_or_else(|| not_found(&self.shown, file))?;
        self.get(&found, file, 0, found.size)
    }

    fn read_range(&self, file: &str, offset: u64, len: u64) -> Result<Bytes> {
        let name = self.name(file)?;
        let found = self.find(&name)?.ok_or_else(|| not_found(&self.shown, file))?;
        self.get(&found, file, offset, len)
    }

    fn size(&self, file: &str) -> Result<Option<u64>> {
        Ok(self.find(&self.name(file)?)?.map(|found| found.size))
    }

    fn write(&self, file: &str, content: Bytes, mode: WriteMode) -> Result<()> {
        let name = self.name(file)?;
        let done = self.change(|session| {
            let id = Uuid::new_v4();
            if mode == WriteMode::Overwrite {
                self.remove(session, &name)?;
            }
            self.put_name(session, &name, id, content.len() as u64)?;
            self.put_pieces(session, id, 0, &content)
        });
        match done {
            Err(e) if e.code() == sqlstate::UNIQUE_VIOLATION && mode == WriteMode::CreateNew => {
                Err(already_exists(&self.shown, file))
            }
            done => done,
        }
    }

    fn writer(&self, file: &str) -> Result<Box<dyn StoreWriter>> {
        let name = self.name(file)?;
        let (store, id) = (self.clone(), Uuid::new_v4());
        let state = Mutex::new(State { sent: 0, buffer: BytesMut::new(), open: true });
        Ok(Box::new(Writer { store, name, id, state }))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListEntry>> {
        self.below(dir)
    }

    fn list_dir(&self, dir: &str) -> Result<Listing> {
        let dir = path::clean(dir)?;
        let own = if dir.is_empty() { 0 } else { dir.len() + 1 };
        let mut listing = Listing::default();
        for entry in self.below(&dir)? {
            let rest = entry.path.get(own..).unwrap_or_default();
            match rest.split_once('/') {
                None => listing.files.push(entry),
                Some((name, _)) if listing.dirs.last().is_none_or(|last| last != name) => {
                    listing.dirs.push(name.to_owned());
                }
                Some(_) => {}
            }
        }
        listing.dirs.sort();
        listing.dirs.dedup();
        Ok(listing)
    }

    fn delete(&self, file: &str) -> Result<()> {
        let name = self.name(file)?;
        match self.change(|session| self.remove(session, &name)) {
            Err(e) if e.code() == sqlstate::UNDEFINED_TABLE => Ok(()),
            done => done,
        }
    }

    fn describe(&self) -> String {
        self.shown.clone()
    }
}

/// A file that is being written: pieces without a name, until it is finished.
struct Writer {
    store: Userfile,
    name: String,
    id: Uuid,
    state: Mutex<State>,
}

struct State {
    sent: u64,
    buffer: BytesMut,
    /// Whether neither finished nor aborted.
    open: bool,
}

impl Writer {
    /// Sends what is buffered; a part of a piece only at the end.
    fn flush(&self, state: &mut State, last: bool) -> Result<()> {
        let whole = state.buffer.len() / PIECE_BYTES * PIECE_BYTES;
        let take = if last { state.buffer.len() } else { whole };
        if take == 0 {
            return Ok(());
        }
        let content = state.buffer.split_to(take);
        let sent = state.sent;
        self.store.change(|session| self.store.put_pieces(session, self.id, sent, &content))?;
        state.sent += content.len() as u64;
        Ok(())
    }

    fn discard(&self) -> Result<()> {
        let mut state = self.state.lock();
        if !std::mem::take(&mut state.open) || state.sent == 0 {
            return Ok(());
        }
        // What was raised to end the work must not keep its remains.
        let mut session = self.store.session(Interrupt::new())?;
        let text = format!("DELETE FROM {} WHERE file_id = $1::text::uuid", self.store.payload);
        ask(&mut session, &text, &[Param::Text(self.id.to_string())]).map(|_| ())
    }
}

impl StoreWriter for Writer {
    fn write(&mut self, piece: Bytes) -> Result<()> {
        let mut state = self.state.lock();
        state.buffer.extend_from_slice(&piece);
        self.flush(&mut state, false)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut state = self.state.lock();
        self.flush(&mut state, true)?;
        let size = state.sent;
        self.store.change(|session| {
            self.store.remove(session, &self.name)?;
            self.store.put_name(session, &self.name, self.id, size)
        })?;
        state.open = false;
        Ok(())
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.discard()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.discard() {
            tracing::warn!(%error, "pieces of an abandoned userfile stay");
        }
    }
}

#[cfg(test)]
mod tests;
