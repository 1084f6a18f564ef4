//! Sequences: counters whose value is data in a span of their own.
//!
//! ```text
//!   key    sequence's id │ number of the value    value   1 │ last value, 8 bytes │ handed out?
//! ```
//!
//! A number that was handed out is never handed out again, whatever happens to the transaction
//! that asked for it. Writing each one durably would cost an fsync per number, so the stored value
//! runs ahead: one durable write reserves [`RESERVED`] numbers and memory hands them out. Each
//! reservation that is used up is followed by one twice as large, up to [`RESERVED_MAX`], so that
//! a million rows do not cost thirty thousand fsyncs. A crash skips the rest of a reservation;
//! [`Catalog::flush_sequences`] gives it back (at shutdown, and before a backup, so that what is
//! stored is exact).
//!
//! Restarting is part of a transaction and is undone with it, yet numbers are handed out beside
//! every transaction. So a restarted sequence gets a new value under a new number, which its
//! descriptor names (as that of its primary index): who sees the new descriptor counts anew, who
//! sees the old one goes on.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Catalog;
use super::descriptor::{Descriptor, SequenceOptions, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::keys::{IndexId, Key, TableId, index_prefix};
use crate::mvcc::{Txn, TxnOptions};

/// Numbers that one durable write reserves at first, as in PostgreSQL.
pub const RESERVED: i64 = 32;

/// Numbers that one durable write reserves at most.
pub const RESERVED_MAX: i64 = 4_096;

const FORMAT: u8 = 1;

/// Where a sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last number handed out, or the first one to be.
    pub last_value: i64,
    /// Whether `last_value` was handed out.
    pub is_called: bool,
}

impl Position {
    fn start(options: &SequenceOptions) -> Position {
        Position { last_value: options.start, is_called: false }
    }

    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(10);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.last_value.to_be_bytes());
        bytes.push(u8::from(self.is_called));
        bytes
    }

    /// Reads a stored value.
    pub fn decode(bytes: &[u8]) -> Result<Position> {
        match bytes {
            [FORMAT, a, b, c, d, e, f, g, h, called @ (0 | 1)] => Ok(Position {
                last_value: i64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
                is_called: *called == 1,
            }),
            _ => Err(Error::corrupt("a sequence's value cannot be read")),
        }
    }

    /// The number that comes next; 2200H beyond the bounds.
    pub fn next(self, name: &str, options: &SequenceOptions) -> Result<i64> {
        if !self.is_called {
            return Ok(self.last_value);
        }
        let next = self.last_value.checked_add(options.increment);
        if let Some(next) = next
            && (options.minimum..=options.maximum).contains(&next)
        {
            return Ok(next);
        }
        let (edge, bound, other) = match options.increment > 0 {
            true => ("maximum", options.maximum, options.minimum),
            false => ("minimum", options.minimum, options.maximum),
        };
        if options.cycle {
            return Ok(other);
        }
        Err(Error::new(
            sqlstate::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
            format!("nextval: reached {edge} value of sequence \"{name}\" ({bound})"),
        ))
    }
}

/// The last of up to `count` numbers that begin with `first` and do not pass a bound.
fn reach(first: i64, count: i64, options: &SequenceOptions) -> i64 {
    let step = i128::from(options.increment);
    let bound = if step > 0 { options.maximum } else { options.minimum };
    let room = match step {
        0 => 0,
        _ => (i128::from(bound) - i128::from(first)) / step,
    };
    let steps = room.clamp(0, i128::from(count - 1));
    i64::try_from(i128::from(first) + steps * step).unwrap_or(first)
}

/// What memory knows about sequences.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    states: Mutex<HashMap<(TableId, IndexId), Arc<Shared>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Option<State>>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    position: Position,
    /// What is stored.
    stored: Position,
    /// The descriptor's version for which the reservation was made.
    version: u64,
    /// How many numbers were reserved.
    reserved: i64,
}

impl Sequences {
    fn shared(&self, table: &TableDescriptor) -> Arc<Shared> {
        let value = (table.id, table.primary_index.id);
        Arc::clone(self.states.lock().entry(value).or_default())
    }

    /// Drops what is known about a sequence that is gone.
    pub(super) fn forget(&self, id: TableId) {
        self.states.lock().retain(|(sequence, _), _| *sequence != id);
    }
}

/// The key of a sequence's value.
pub fn key(id: TableId, value: IndexId) -> Key {
    index_prefix(id, value)
}

fn key_of(table: &TableDescriptor) -> Key {
    key(table.id, table.primary_index.id)
}

/// How a sequence counts; 42809 if the relation is none.
pub fn options(table: &TableDescriptor) -> Result<&SequenceOptions> {
    table.sequence().ok_or_else(|| {
        Error::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", table.name))
    })
}

impl Catalog {
    /// The next number of a sequence. Not undone by a rollback.
    pub fn nextval(&self, table: &TableDescriptor) -> Result<i64> {
        let options = options(table)?;
        let shared = self.sequences.shared(table);
        let mut slot = shared.state.lock();
        if let Some(state) = slot.as_mut()
            && state.version == table.version
            && state.position != state.stored
            && let Some(next) = state.position.last_value.checked_add(options.increment)
        {
            // The reservation reaches `stored` in whole steps and passes no bound.
            state.position = Position { last_value: next, is_called: true };
            return Ok(next);
        }
        let reserved = match slot.as_ref() {
            Some(state) if state.version == table.version => {
                state.reserved.saturating_mul(2).clamp(RESERVED, RESERVED_MAX)
            }
            _ => RESERVED,
        };
        let mut first = 0;
        self.change_sequence(&mut slot, table, |position| {
            first = position.next(&table.name, options)?;
            Ok(Position { last_value: reach(first, reserved, options), is_called: true })
        })?;
        if let Some(state) = slot.as_mut() {
            state.position = Position { last_value: first, is_called: true };
            state.reserved = reserved;
        }
        Ok(first)
    }

    /// Sets a sequence, at once and for everybody (`setval`); 22003 beyond its bounds.
    pub fn setval(&self, table: &TableDescriptor, to: Position) -> Result<()> {
        let options = options(table)?;
        let (low, high) = (options.minimum, options.maximum);
        if !(low..=high).contains(&to.last_value) {
            return Err(Error::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {} is out of bounds for sequence \"{}\" ({low}..{high})",
                    to.last_value, table.name
                ),
            ));
        }
        let shared = self.sequences.shared(table);
        let mut slot = shared.state.lock();
        self.change_sequence(&mut slot, table, |_| Ok(to))
    }

    /// Sets a sequence as part of a transaction (ALTER SEQUENCE … RESTART, TRUNCATE … RESTART
    /// IDENTITY): gives it a new value, and the descriptor that names it, which is written.
    pub fn restart_sequence(
        &self,
        txn: &mut Txn,
        table: &TableDescriptor,
        to: Position,
    ) -> Result<TableDescriptor> {
        options(table)?;
        let mut table = table.clone();
        table.primary_index.id = table.next_index_id;
        table.next_index_id += 1;
        // Nobody knows of the new value before the descriptor is committed. One that a rollback
        // left behind is replaced.
        let mut own = self.mvcc().begin(TxnOptions::default())?;
        own.put(key_of(&table), to.encode())?;
        own.commit()?;
        *self.sequences.shared(&table).state.lock() = None;
        super::service::write(txn, &Descriptor::Table(table.clone()))?;
        Ok(table)
    }

    /// Where a sequence stands, without the numbers that are only reserved.
    pub fn sequence_position(&self, txn: &mut Txn, table: &TableDescriptor) -> Result<Position> {
        let shared = self.sequences.shared(table);
        let slot = shared.state.lock();
        if let Some(state) = slot.as_ref() {
            return Ok(state.position);
        }
        stored_position(txn, &key_of(table), options(table)?)
    }

    /// Gives reserved numbers back, so that the stored values are exact.
    pub fn flush_sequences(&self) -> Result<()> {
        let all: Vec<((TableId, IndexId), Arc<Shared>)> = {
            let states = self.sequences.states.lock();
            states.iter().map(|(value, shared)| (*value, Arc::clone(shared))).collect()
        };
        for ((id, value), shared) in all {
            let mut slot = shared.state.lock();
            let Some(state) = *slot else { continue };
            if state.position == state.stored {
                continue;
            }
            let mut txn = self.mvcc().begin(TxnOptions::default())?;
            let key = key(id, value);
            let stored = txn.get(&key)?.map(|bytes| Position::decode(&bytes)).transpose()?;
            // Somebody else set or removed it meanwhile: then there is nothing of ours to give back.
            if stored == Some(state.stored) {
                txn.put(key, state.position.encode())?;
                txn.commit()?;
                *slot = Some(State { stored: state.position, ..state });
            } else {
                *slot = None;
            }
        }
        Ok(())
    }

    /// Replaces the stored value durably by what `change` makes of the position, and remembers it.
    fn change_sequence(
        &self,
        slot: &mut Option<State>,
        table: &TableDescriptor,
        mut change: impl FnMut(Position) -> Result<Position>,
    ) -> Result<()> {
        let options = options(table)?;
        let key = key_of(table);
        loop {
            let mut txn = self.mvcc().begin(TxnOptions::default())?;
            let attempt = stored_position(&mut txn, &key, options).and_then(|stored| {
                let position = match slot {
                    Some(state) if state.stored == stored => state.position,
                    _ => stored,
                };
                let to = change(position)?;
                txn.put(key.clone(), to.encode())?;
                txn.commit()?;
                Ok(to)
            });
            match attempt {
                Ok(to) => {
                    let version = table.version;
                    *slot = Some(State { position: to, stored: to, version, reserved: 0 });
                    return Ok(());
                }
                Err(e) if e.is_retryable() => continue,
                Err(e) => return Err(e),
            }
        }
    }
}

fn stored_position(txn: &mut Txn, key: &Key, options: &SequenceOptions) -> Result<Position> {
    match txn.get(key)? {
        Some(bytes) => Position::decode(&bytes),
        None => Ok(Position::start(options)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;

    fn counting(start: i64, increment: i64, minimum: i64, maximum: i64) -> SequenceOptions {
        SequenceOptions {
            ty: Type::Int8,
            start,
            increment,
            minimum,
            maximum,
            cycle: false,
            cache: 1,
            owned_by: None,
        }
    }

    fn after(last_value: i64) -> Position {
        Position { last_value, is_called: true }
    }

    #[test]
    fn the_first_number_is_the_start_and_the_last_is_the_bound() {
        let up = counting(5, 3, 1, 12);
        assert_eq!(Position::start(&up).next("s", &up).unwrap(), 5);
        assert_eq!(after(8).next("s", &up).unwrap(), 11);
        let e = after(11).next("s", &up).unwrap_err();
        assert_eq!(e.message(), "nextval: reached maximum value of sequence \"s\" (12)");
        let down = counting(-1, -1, i64::MIN, -1);
        assert_eq!(
            after(i64::MIN).next("s", &down).unwrap_err().code(),
            sqlstate::SEQUENCE_GENERATOR_LIMIT_EXCEEDED
        );
        let round = SequenceOptions { cycle: true, ..up };
        assert_eq!(after(11).next("s", &round).unwrap(), 1);
    }

    #[test]
    fn a_reservation_ends_at_the_bound_and_moves_in_whole_steps() {
        assert_eq!(reach(5, 32, &counting(5, 3, 1, 12)), 11);
        assert_eq!(reach(1, 32, &counting(1, 1, 1, i64::MAX)), 32);
        assert_eq!(reach(i64::MAX - 1, 32, &counting(1, 1, 1, i64::MAX)), i64::MAX);
        assert_eq!(reach(-1, 4, &counting(-1, -10, i64::MIN, -1)), -31);
    }

    #[test]
    fn positions_round_trip_and_damage_is_noticed() {
        let position = Position { last_value: -7, is_called: false };
        assert_eq!(Position::decode(&position.encode()).unwrap(), position);
        assert!(Position::decode(&position.encode()[..9]).is_err());
        assert!(Position::decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 2]).is_err());
    }
}
