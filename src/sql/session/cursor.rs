//! DECLARE, FETCH, MOVE, CLOSE: portals with a name in SQL.

use sqlparser::ast::Ident;

use super::extended::{Portal, PortalState};
use super::run::{Finish, Request, batch_of};
use super::{Session, check_room};
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::{Client, Field, Format};
use crate::sql::statement::Outcome;
use crate::sql::variables::Note;
use crate::syntax::{Declare, Fetch, FetchDirection};
use crate::types::Datum;

impl Session {
    /// DECLARE.
    pub(super) fn declare(&mut self, declare: &Declare, request: Request<'_>) -> Result<Outcome> {
        let name = &declare.name.value;
        let explicit = request.shared || self.block.as_ref().is_some_and(|b| b.explicit);
        if !explicit && !declare.hold {
            return Err(Error::new(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if self.portals.contains_key(name) {
            return Err(Error::new(
                sqlstate::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        check_room(self.portals.len(), "cursors")?;
        let prepared = self.make_prepared(Some((*declare.query).clone()), Vec::new())?;
        let is_query = prepared
            .planned
            .as_ref()
            .is_some_and(|p| p.kind == crate::sql::bind::BoundKind::Select);
        if !is_query {
            return Err(Error::unsupported("DECLARE CURSOR for this statement"));
        }
        let format = if declare.binary { Format::Binary } else { Format::Text };
        let columns = prepared.fields.as_ref().map_or(0, Vec::len);
        let mut portal = Portal {
            prepared: std::sync::Arc::new(prepared),
            params: Vec::new(),
            formats: vec![format; columns],
            state: PortalState::Ready,
            held: declare.hold,
        };
        let statements = self.block.as_ref().map_or(0, |b| b.statements);
        self.open_portal(&mut portal)?;
        if let Some(block) = &mut self.block {
            // The statement itself is counted by who runs it.
            block.statements = statements;
        }
        if declare.hold || declare.scroll == Some(true) {
            let rows = self.keep_rows(&mut portal)?;
            portal.state = PortalState::Kept { rows, at: 0 };
        }
        let note = Note {
            statement: request.parsed.text.clone(),
            since: self.server.clock.now().sql_micros(),
            from_sql: true,
            types: Vec::new(),
            is_holdable: declare.hold,
            is_binary: declare.binary,
            is_scrollable: declare.scroll != Some(false),
        };
        self.portals.insert(name, portal, || note);
        Outcome::done("DECLARE CURSOR")
    }

    /// Reads all rows of a portal, within the memory of a statement.
    fn keep_rows(&mut self, portal: &mut Portal) -> Result<Vec<Vec<Datum>>> {
        let mut left = crate::sql::query::statement_memory(&self.server);
        let mut rows = Vec::new();
        while let Some(batch) = self.next_rows(portal, usize::MAX)? {
            left = left.checked_sub(batch.bytes().saturating_mul(2)).ok_or_else(|| {
                Error::new(sqlstate::OUT_OF_MEMORY, "the cursor's rows need too much memory")
                    .with_hint("Declare the cursor without SCROLL and without HOLD.")
            })?;
            rows.extend((0..batch.rows).map(|r| batch.row(r)));
        }
        Ok(rows)
    }

    /// The columns of a cursor.
    pub(super) fn cursor_fields(&self, name: &str) -> Result<Option<Vec<Field>>> {
        let portal = self.portals.get(name).ok_or_else(|| no_cursor(name))?;
        Ok(portal.prepared.fields.clone())
    }

    /// FETCH and MOVE.
    pub(super) fn fetch(
        &mut self,
        fetch: &Fetch,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Finish> {
        let name = fetch.cursor.value.as_str();
        let mut portal = self.portals.lend(name).ok_or_else(|| no_cursor(name))?;
        let result = self.fetch_from(&mut portal, fetch, request, client);
        self.portals.give_back(name, portal);
        let rows = result?;
        let verb = if fetch.is_move { "MOVE" } else { "FETCH" };
        Ok(Finish::Tag(format!("{verb} {rows}")))
    }

    fn fetch_from(
        &mut self,
        portal: &mut Portal,
        fetch: &Fetch,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<usize> {
        let fields = Self::open_fields(portal);
        // A binary cursor is binary whatever the message asked for.
        let formats: Vec<Format> =
            if portal.formats.contains(&Format::Binary) || request.formats.is_empty() {
                portal.formats.clone()
            } else {
                request.formats.to_vec()
            };
        if request.announce && !fetch.is_move {
            client.columns(&fields, &formats)?;
        }
        if let PortalState::Kept { rows, at } = &mut portal.state {
            let picked = travel(rows.len(), at, fetch.direction);
            if !fetch.is_move {
                for part in picked.chunks(crate::limits::BATCH_ROWS) {
                    let part: Vec<Vec<Datum>> =
                        part.iter().filter_map(|i| rows.get(*i).cloned()).collect();
                    client.rows(
                        &batch_of(&fields, &part),
                        &fields,
                        &formats,
                        &self.state.format,
                    )?;
                }
            }
            return Ok(picked.len());
        }
        let limit = match fetch.direction {
            FetchDirection::Forward(n) | FetchDirection::Relative(n) if n >= 0 => {
                usize::try_from(n).unwrap_or(usize::MAX)
            }
            FetchDirection::ForwardAll => usize::MAX,
            _ => {
                return Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "cursor can only scan forward",
                )
                .with_hint("Declare it with SCROLL option to enable backward scan."));
            }
        };
        let mut count = 0;
        while count < limit {
            let Some(batch) = self.next_rows(portal, limit - count)? else { break };
            count += batch.rows;
            let shown = match fetch.direction {
                // Only the row that it ends on.
                FetchDirection::Relative(_) if count < limit => None,
                FetchDirection::Relative(_) => Some(batch.slice(batch.rows - 1, 1)),
                _ => Some(batch),
            };
            if let (Some(batch), false) = (shown, fetch.is_move) {
                client.rows(&batch, &fields, &formats, &self.state.format)?;
            }
        }
        if let FetchDirection::Relative(_) = fetch.direction {
            return Ok(usize::from(count == limit && limit > 0));
        }
        Ok(count)
    }

    /// CLOSE.
    pub(super) fn close_cursor(&mut self, name: Option<&Ident>) -> Result<Outcome> {
        match name {
            None => {
                self.portals.clear();
                Outcome::done("CLOSE CURSOR ALL")
            }
            Some(name) => match self.portals.remove(&name.value) {
                true => Outcome::done("CLOSE CURSOR"),
                false => Err(no_cursor(&name.value)),
            },
        }
    }
}

/// Moves over kept rows and gives the numbers of the rows met. `at` runs from 0, before the first
/// row, to one past the last.
fn travel(count: usize, at: &mut usize, direction: FetchDirection) -> Vec<usize> {
    let end = count + 1;
    let forward = |at: &mut usize, n: u64| {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let from = *at;
        *at = from.saturating_add(n).min(end);
        (from + 1..=(*at).min(count)).map(|row| row - 1).collect::<Vec<_>>()
    };
    let backward = |at: &mut usize, n: u64| {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let from = *at;
        *at = from.saturating_sub(n);
        ((*at).max(1)..from).rev().map(|row| row - 1).collect::<Vec<_>>()
    };
    let stay = |at: &usize| match *at {
        0 => Vec::new(),
        row if row == end => Vec::new(),
        row => vec![row - 1],
    };
    match direction {
        FetchDirection::Forward(0) | FetchDirection::Backward(0) | FetchDirection::Relative(0) => {
            stay(at)
        }
        FetchDirection::Forward(n) if n > 0 => forward(at, n.unsigned_abs()),
        FetchDirection::Forward(n) => backward(at, n.unsigned_abs()),
        FetchDirection::ForwardAll => forward(at, u64::MAX),
        FetchDirection::Backward(n) if n > 0 => backward(at, n.unsigned_abs()),
        FetchDirection::Backward(n) => forward(at, n.unsigned_abs()),
        FetchDirection::BackwardAll => backward(at, u64::MAX),
        FetchDirection::Absolute(n) => {
            let to = if n >= 0 {
                usize::try_from(n).unwrap_or(usize::MAX)
            } else {
                let back = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
                end.saturating_sub(back)
            };
            *at = to.min(end);
            stay(at)
        }
        FetchDirection::Relative(n) => {
            let step = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
            *at = if n > 0 { at.saturating_add(step).min(end) } else { at.saturating_sub(step) };
            stay(at)
        }
    }
}

fn no_cursor(name: &str) -> Error {
    Error::new(sqlstate::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_travels_in_both_directions() {
        let mut at = 0;
        assert_eq!(travel(3, &mut at, FetchDirection::Forward(2)), [0, 1]);
        assert_eq!(travel(3, &mut at, FetchDirection::Backward(1)), [0]);
        assert_eq!(travel(3, &mut at, FetchDirection::ForwardAll), [1, 2]);
        assert!(travel(3, &mut at, FetchDirection::Forward(1)).is_empty());
        assert_eq!(travel(3, &mut at, FetchDirection::BackwardAll), [2, 1, 0]);
        assert_eq!(travel(3, &mut at, FetchDirection::Absolute(-1)), [2]);
        assert_eq!(travel(3, &mut at, FetchDirection::Relative(-2)), [0]);
        assert_eq!(travel(0, &mut at, FetchDirection::Absolute(i64::MIN)), [0; 0]);
    }
}
