//! Walking over the newest versions at a time, in either direction.

use super::version::{self, NEWEST, OLDEST};
use super::writes::{OwnWrites, own_value};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::Span;
use crate::kv::{Access, Cursor, Engine, Family, TIMESTAMP_BYTES};

/// Versions stepped over one by one before a seek is taken to be quicker.
const STEPS_MAX: usize = 6;

/// The rows of a span as of a time.
pub(super) struct VersionScan {
    cursor: Box<dyn Cursor>,
    span: Span,
    at: Timestamp,
    reverse: bool,
    started: bool,
    /// Whether there is a row here.
    here: bool,
    key: Vec<u8>,
    stamp: Timestamp,
    /// The stored bytes of the row of a reverse scan; a forward scan reads them from the cursor.
    stored: Vec<u8>,
    seek: Vec<u8>,
}

impl VersionScan {
    pub(super) fn new(
        engine: &dyn Engine,
        span: &Span,
        at: Timestamp,
        reverse: bool,
        access: Access,
    ) -> Result<VersionScan> {
        Ok(VersionScan {
            cursor: engine.cursor(Family::Versions, &version::stored_span(span), access)?,
            span: span.clone(),
            at,
            reverse,
            started: false,
            here: false,
            key: Vec::new(),
            stamp: Timestamp::MIN,
            stored: Vec::new(),
            seek: Vec::new(),
        })
    }

    /// Moves to the next row; false when there is none.
    pub(super) fn advance(&mut self) -> Result<bool> {
        if self.started && !self.here {
            return Ok(false);
        }
        self.here = if self.reverse { self.backward()? } else { self.forward()? };
        self.started = true;
        Ok(self.here)
    }

    pub(super) fn key(&self) -> Option<&[u8]> {
        self.here.then_some(self.key.as_slice())
    }

    pub(super) fn stamp(&self) -> Timestamp {
        self.stamp
    }

    pub(super) fn value(&self) -> &[u8] {
        let stored = if self.reverse {
            self.stored.as_slice()
        } else {
            self.cursor.entry().map_or(&[][..], |(_, stored)| stored)
        };
        // The tag was looked at when the row was found.
        stored.split_last().map_or(&[], |(_, bytes)| bytes)
    }

    fn forward(&mut self) -> Result<bool> {
        if self.started {
            pass_versions(&mut *self.cursor, &self.key, &mut self.seek)?;
        } else {
            self.cursor.seek(&self.span.start)?;
        }
        loop {
            let Some((raw, stored)) = self.cursor.entry() else { return Ok(false) };
            let (user, stamp) = version::split(raw)?;
            if user >= self.span.end.as_slice() {
                return Ok(false);
            }
            if user < self.span.start.as_slice() {
                self.cursor.next()?;
                continue;
            }
            self.key.clear();
            self.key.extend_from_slice(user);
            if stamp > self.at {
                pass_newer(&mut *self.cursor, &self.key, self.at, &mut self.seek)?;
                continue;
            }
            if version::opened(stored)?.is_some() {
                self.stamp = stamp;
                return Ok(true);
            }
            pass_versions(&mut *self.cursor, &self.key, &mut self.seek)?;
        }
    }

    fn backward(&mut self) -> Result<bool> {
        if !self.started {
            self.go_to_end()?;
        }
        loop {
            let Some((raw, _)) = self.cursor.entry() else { return Ok(false) };
            let (user, _) = version::split(raw)?;
            if user < self.span.start.as_slice() {
                return Ok(false);
            }
            self.key.clear();
            self.key.extend_from_slice(user);
            let found = self.newest_backward()?;
            self.before_versions()?;
            if found && version::opened(&self.stored)?.is_some() {
                return Ok(true);
            }
        }
    }

    /// Puts a reverse scan on the last version of the last key within the span.
    fn go_to_end(&mut self) -> Result<()> {
        self.cursor.seek_to_last()?;
        let past = match self.cursor.entry() {
            None => false,
            Some((raw, _)) => version::split(raw)?.0 >= self.span.end.as_slice(),
        };
        // The stored span was made wider for the sake of a key that is not there.
        if past { self.cursor.seek_for_prev(&self.span.end) } else { Ok(()) }
    }

    /// Goes back over the versions of `key` up to the scan's time and keeps the newest of them.
    fn newest_backward(&mut self) -> Result<bool> {
        let mut found = false;
        while let Some((raw, stored)) = self.cursor.entry() {
            let (user, stamp) = version::split(raw)?;
            if user != self.key || stamp > self.at {
                break;
            }
            self.stored.clear();
            self.stored.extend_from_slice(stored);
            self.stamp = stamp;
            found = true;
            self.cursor.prev()?;
        }
        Ok(found)
    }

    /// Goes back over the rest of the versions of `key`.
    fn before_versions(&mut self) -> Result<()> {
        for _ in 0..STEPS_MAX {
            match self.cursor.entry() {
                Some((raw, _)) if version::split(raw)?.0 == self.key => self.cursor.prev()?,
                _ => return Ok(()),
            }
        }
        set(&mut self.seek, &self.key, &NEWEST);
        self.cursor.seek_for_prev(&self.seek)
    }
}

fn set(buffer: &mut Vec<u8>, key: &[u8], stamp: &[u8; TIMESTAMP_BYTES]) {
    buffer.clear();
    buffer.extend_from_slice(key);
    buffer.extend_from_slice(stamp);
}

/// Moves from a version of `key` to the first version of the next key.
pub(super) fn pass_versions(cursor: &mut dyn Cursor, key: &[u8], seek: &mut Vec<u8>) -> Result<()> {
    for _ in 0..STEPS_MAX {
        match cursor.entry() {
            Some((raw, _)) if version::split(raw)?.0 == key => cursor.next()?,
            _ => return Ok(()),
        }
    }
    set(seek, key, &OLDEST);
    cursor.seek(seek)?;
    // Even a version at the oldest possible time is passed.
    if let Some((raw, _)) = cursor.entry()
        && raw == seek.as_slice()
    {
        cursor.next()?;
    }
    Ok(())
}

/// Moves from a version of `key` to its first version not newer than `at`, or past the key.
pub(super) fn pass_newer(
    cursor: &mut dyn Cursor,
    key: &[u8],
    at: Timestamp,
    seek: &mut Vec<u8>,
) -> Result<()> {
    for _ in 0..STEPS_MAX {
        match cursor.entry() {
            Some((raw, _)) => {
                let (user, stamp) = version::split(raw)?;
                if user != key || stamp <= at {
                    return Ok(());
                }
                cursor.next()?;
            }
            None => return Ok(()),
        }
    }
    set(seek, key, &version::stamp(at));
    cursor.seek(seek)
}

/// A scan that a transaction made: the rows of its snapshot with its own writes over them, as
/// both were when the scan was made. It borrows nothing, so the transaction can write meanwhile.
pub struct TxnScan {
    base: VersionScan,
    own: OwnWrites,
    reverse: bool,
    from: Source,
    started: bool,
    done: bool,
    /// Keeps history for the scan even if the transaction moves on.
    pub(super) _history: std::sync::Arc<super::timeline::ReadGuard>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Base,
    Own,
}

impl TxnScan {
    pub(super) fn new(
        base: VersionScan,
        own: OwnWrites,
        reverse: bool,
        history: std::sync::Arc<super::timeline::ReadGuard>,
    ) -> TxnScan {
        let from = Source::Own;
        TxnScan { base, own, reverse, from, started: false, done: false, _history: history }
    }

    /// Moves to the next row; false when there is none. Begins before the first.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        if !self.started {
            self.started = true;
            self.base.advance()?;
        } else {
            match self.from {
                Source::Base => {
                    self.base.advance()?;
                }
                Source::Own => self.own.step()?,
            }
        }
        loop {
            let ahead = match (self.base.key(), self.own.peek()) {
                (None, None) => {
                    self.done = true;
                    return Ok(false);
                }
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(base), Some((own, _))) => {
                    if self.reverse {
                        own.cmp(base)
                    } else {
                        base.cmp(own)
                    }
                }
            };
            match ahead {
                std::cmp::Ordering::Less => {
                    self.from = Source::Base;
                    return Ok(true);
                }
                // An own write hides what it replaces.
                std::cmp::Ordering::Equal => {
                    self.base.advance()?;
                }
                std::cmp::Ordering::Greater => {
                    let deleted =
                        self.own.peek().is_none_or(|(_, stored)| own_value(stored).is_none());
                    if !deleted {
                        self.from = Source::Own;
                        return Ok(true);
                    }
                    self.own.step()?;
                }
            }
        }
    }

    /// The key here; empty before the first row and after the last.
    pub fn key(&self) -> &[u8] {
        if !self.started || self.done {
            return &[];
        }
        match self.from {
            Source::Base => self.base.key().unwrap_or(&[]),
            Source::Own => self.own.peek().map_or(&[], |(key, _)| key),
        }
    }

    /// The value here; empty before the first row and after the last.
    pub fn value(&self) -> &[u8] {
        if !self.started || self.done {
            return &[];
        }
        match self.from {
            Source::Base => self.base.value(),
            Source::Own => self.own.peek().and_then(|(_, stored)| own_value(stored)).unwrap_or(&[]),
        }
    }
}
