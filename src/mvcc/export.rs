//! Reading what a backup needs: the rows of a span at a time, what changed since another time, or
//! every version between the two.

use std::sync::Arc;

use super::scan::{pass_newer, pass_versions};
use super::timeline::ReadGuard;
use super::{Mvcc, version};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{Key, Span};
use crate::kv::{Access, Cursor, Family};

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The keys.
    pub span: Span,
    /// Only versions after this time; [`Timestamp::MIN`] for all.
    pub after: Timestamp,
    /// Only versions up to this time.
    pub upto: Timestamp,
    /// Every version, not only the newest of each key.
    pub all_versions: bool,
}

/// One version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported<'a> {
    /// The key.
    pub key: &'a [u8],
    /// When it was committed.
    pub at: Timestamp,
    /// The value; `None` for a deletion.
    pub value: Option<&'a [u8]>,
}

/// A stream of versions, by key, the newest first within a key.
///
/// With only the newest versions asked for, deletions are among them only when `after` is given:
/// to whoever starts from nothing they mean nothing.
pub struct Exporter {
    cursor: Box<dyn Cursor>,
    source: Source,
    after: Timestamp,
    upto: Timestamp,
    all_versions: bool,
    key: Vec<u8>,
    seek: Vec<u8>,
    state: State,
    _history: Arc<ReadGuard>,
}

enum Source {
    Span(Span),
    /// Sorted keys, each looked up; the number is the next one's.
    Keys(Vec<Key>, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// On a version that was handed out.
    Handed,
    End,
}

impl Mvcc {
    /// Begins an export. History is kept for as long as the exporter lives.
    pub fn export(self: &Arc<Self>, request: ExportRequest) -> Result<Exporter> {
        let ExportRequest { span, after, upto, all_versions } = request;
        let history = self.history(after, upto)?;
        self.check_history(&span, after, upto)?;
        let stored = version::stored_span(&span);
        let cursor = self.engine.cursor(Family::Versions, &stored, Access::Bulk)?;
        Ok(Exporter::new(cursor, Source::Span(span), after, upto, all_versions, history))
    }

    /// Begins an export of certain keys, which must be sorted: what [`Mvcc::changed_keys`] found.
    pub fn export_keys(
        self: &Arc<Self>,
        keys: Vec<Key>,
        after: Timestamp,
        upto: Timestamp,
        all_versions: bool,
    ) -> Result<Exporter> {
        if !keys.is_sorted() {
            return Err(Error::internal("keys to export must be sorted"));
        }
        let history = self.history(after, upto)?;
        let span = match (keys.first(), keys.last()) {
            (Some(first), Some(last)) => Span::new(first.clone(), Span::point(last.clone()).end),
            _ => Span::default(),
        };
        self.check_history(&span, after, upto)?;
        let stored = version::stored_span(&span);
        let cursor = self.engine.cursor(Family::Versions, &stored, Access::Range)?;
        Ok(Exporter::new(cursor, Source::Keys(keys, 0), after, upto, all_versions, history))
    }

    fn history(&self, after: Timestamp, upto: Timestamp) -> Result<ReadGuard> {
        // Deletions since `after` are needed too, so history is kept from there.
        let keep = if after == Timestamp::MIN { upto } else { after.min(upto) };
        self.read_from(upto, keep)
    }

    fn check_history(&self, span: &Span, after: Timestamp, upto: Timestamp) -> Result<()> {
        self.gc.check(span, upto)?;
        if after > Timestamp::MIN { self.gc.check(span, after) } else { Ok(()) }
    }
}

impl Exporter {
    fn new(
        cursor: Box<dyn Cursor>,
        source: Source,
        after: Timestamp,
        upto: Timestamp,
        all_versions: bool,
        history: ReadGuard,
    ) -> Exporter {
        Exporter {
            cursor,
            source,
            after,
            upto,
            all_versions,
            key: Vec::new(),
            seek: Vec::new(),
            state: State::Start,
            _history: Arc::new(history),
        }
    }

    /// The next version; `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Exported<'_>>> {
        if !self.find()? {
            self.state = State::End;
            return Ok(None);
        }
        self.state = State::Handed;
        let Some((raw, stored)) = self.cursor.entry() else { return Ok(None) };
        let (key, at) = version::split(raw)?;
        Ok(Some(Exported { key, at, value: version::opened(stored)? }))
    }

    /// Puts the cursor on the next version to hand out.
    fn find(&mut self) -> Result<bool> {
        match self.state {
            State::End => return Ok(false),
            State::Start => {
                if !self.enter_first()? {
                    return Ok(false);
                }
            }
            State::Handed if self.all_versions => {
                self.cursor.next()?;
                if self.older_within()? {
                    return Ok(true);
                }
                if !self.enter_next()? {
                    return Ok(false);
                }
            }
            State::Handed => {
                if !self.enter_next()? {
                    return Ok(false);
                }
            }
        }
        // Here the cursor is on the newest version of `key`.
        loop {
            pass_newer(&mut *self.cursor, &self.key, self.upto, &mut self.seek)?;
            if self.older_within()? {
                return Ok(true);
            }
            if !self.enter_next()? {
                return Ok(false);
            }
        }
    }

    /// Whether the cursor is on a version of `key` that is wanted.
    fn older_within(&mut self) -> Result<bool> {
        let Some((raw, stored)) = self.cursor.entry() else { return Ok(false) };
        let (user, at) = version::split(raw)?;
        if user != self.key || at <= self.after {
            return Ok(false);
        }
        let tombstones = self.all_versions || self.after > Timestamp::MIN;
        Ok(tombstones || version::opened(stored)?.is_some())
    }

    fn enter_first(&mut self) -> Result<bool> {
        match &self.source {
            Source::Span(_) => self.cursor.seek_to_first()?,
            Source::Keys(..) => return self.enter_listed(),
        }
        self.enter_here()
    }

    /// Goes to the first version of the next key.
    fn enter_next(&mut self) -> Result<bool> {
        if matches!(self.source, Source::Keys(..)) {
            return self.enter_listed();
        }
        pass_versions(&mut *self.cursor, &self.key, &mut self.seek)?;
        self.enter_here()
    }

    /// Takes the key under the cursor, if it is within the span.
    fn enter_here(&mut self) -> Result<bool> {
        let Source::Span(span) = &self.source else { return Ok(false) };
        loop {
            let Some((raw, _)) = self.cursor.entry() else { return Ok(false) };
            let (user, _) = version::split(raw)?;
            if user >= span.end.as_slice() {
                return Ok(false);
            }
            if user >= span.start.as_slice() {
                self.key.clear();
                self.key.extend_from_slice(user);
                return Ok(true);
            }
            self.cursor.next()?;
        }
    }

    /// Looks for the next key of the list.
    fn enter_listed(&mut self) -> Result<bool> {
        let Source::Keys(keys, next) = &mut self.source else { return Ok(false) };
        let Some(key) = keys.get(*next) else { return Ok(false) };
        *next += 1;
        self.key.clear();
        self.key.extend_from_slice(key);
        self.seek.clear();
        self.seek.extend_from_slice(key);
        self.seek.extend_from_slice(&version::stamp(self.upto));
        self.cursor.seek(&self.seek)?;
        Ok(true)
    }
}
