//! Statements of the simple protocol that come again with other values.
//!
//! A program that writes its values into the text sends the same few shapes over and over. From
//! the second time on a shape is prepared as the extended protocol would, and its values are
//! parameters; see [`syntax::shape`] for what counts as the same.
//!
//! Invariants: what a client sees is the same as without this. A text that cannot be prepared in
//! this way, or whose values are not read as the parameters' types, runs as it stands, with the
//! errors and the positions of its own; and nothing is kept over a change of a variable.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::prepared::Prepared;
use crate::error::Result;
use crate::sql::client::Format;
use crate::syntax::{self, Literal, Shape, Statement};
use crate::types::{Datum, Type};

/// Shapes that a session keeps, at most.
const KEPT_MAX: usize = 64;

/// Shapes that a session remembers to have seen once, at most.
const SEEN_MAX: usize = 512;

/// How long a plan is good: tables grow, and what was the best way once need not stay it.
const PLAN_AGE: Duration = Duration::from_secs(5);

/// What a session knows of shapes.
#[derive(Default)]
pub(super) struct Shapes {
    kept: HashMap<String, Kept>,
    seen: HashSet<u64>,
    hasher: RandomState,
}

struct Kept {
    /// `None`: it cannot be prepared.
    prepared: Option<Arc<Prepared>>,
    made: Instant,
}

impl Shapes {
    /// Forgets all: something changed that a plan may depend on.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Whether a shape comes for the second time.
    fn comes_again(&mut self, key: &str) -> bool {
        if self.seen.len() >= SEEN_MAX {
            self.seen.clear();
        }
        !self.seen.insert(self.hasher.hash_one(key))
    }

    fn keep(&mut self, key: String, prepared: Option<Arc<Prepared>>, now: Instant) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.clear();
        }
        self.kept.insert(key, Kept { prepared, made: now });
    }
}

/// Whether a text of a type means the same before a transaction has begun as it does within: not
/// if it may name something in the catalogue, or the time (`'now'`).
fn means_the_same(text: &str, ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 => true,
        Type::Numeric | Type::Text | Type::Varchar | Type::Bpchar | Type::Name => true,
        Type::Bytea | Type::Interval | Type::Uuid | Type::Json | Type::Jsonb => true,
        Type::Date | Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz => {
            text.starts_with(|c: char| c.is_ascii_digit())
        }
        _ => false,
    }
}

impl Session {
    /// The prepared statement that a text is an instance of, with the values; `None` if the text
    /// must be read as it stands.
    pub(super) fn known_shape(&mut self, text: &str) -> Option<(Arc<Prepared>, Vec<Datum>)> {
        let shape = syntax::shape(text)?;
        let (key, now) = (shape.key(), Instant::now());
        if let Some(kept) = self.shapes.kept.get(&key)
            && now.duration_since(kept.made) < PLAN_AGE
        {
            let prepared = kept.prepared.clone()?;
            let values = self.values(shape.literals, &prepared.types)?;
            return Some((prepared, values));
        }
        // What a failed block refuses to do is told by the usual way.
        if self.block.as_ref().is_some_and(|block| block.failed) || !self.shapes.comes_again(&key) {
            return None;
        }
        let prepared = self.prepare_shape(&shape).ok().flatten().map(Arc::new);
        self.shapes.keep(key, prepared.clone(), now);
        let prepared = prepared?;
        let values = self.values(shape.literals, &prepared.types)?;
        Some((prepared, values))
    }

    /// Prepares a shape; `None` if its plan is for one time only.
    fn prepare_shape(&mut self, shape: &Shape) -> Result<Option<Prepared>> {
        let mut statements = syntax::parse(&shape.text)?;
        let Some(parsed) = statements.pop().filter(|_| statements.is_empty()) else {
            return Ok(None);
        };
        let is_control = matches!(
            parsed.statement,
            Statement::Begin(_) | Statement::Commit { .. } | Statement::Rollback { .. }
        );
        if parsed.as_of.is_some() || !parsed.row_sources.is_empty() {
            return Ok(None);
        }
        let hints = shape.literals.iter().map(|literal| match literal {
            Literal::Int4(_) => Some(Type::Int4),
            Literal::Int8(_) => Some(Type::Int8),
            Literal::Unknown(_) => None,
        });
        let prepared = self.make_prepared(Some(parsed), hints.collect())?;
        let is_good = prepared.types.len() == shape.literals.len()
            && prepared.planned.as_ref().is_some_and(|planned| planned.can_be_kept());
        Ok((is_control || is_good).then_some(prepared))
    }

    /// The literals as values of the parameters' types; `None` if one is not of its type.
    fn values(&self, literals: Vec<Literal>, types: &[Type]) -> Option<Vec<Datum>> {
        let value = |(number, (literal, ty)): (usize, (Literal, &Type))| match (literal, ty) {
            (Literal::Int4(value), Type::Int4) => Some(Datum::Int4(value)),
            (Literal::Int8(value), Type::Int8) => Some(Datum::Int8(value)),
            (Literal::Unknown(text), ty) if means_the_same(&text, ty) => {
                self.parameter(text.as_bytes(), ty, Format::Text, number + 1).ok()
            }
            _ => None,
        };
        literals.into_iter().zip(types).enumerate().map(value).collect()
    }
}
