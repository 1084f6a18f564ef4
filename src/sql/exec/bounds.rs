//! Which part of an index to read: values for its first columns, then a range of the next.
//!
//! The values are expressions that are evaluated when the scan starts (or, in an index join, for
//! each outer row), so a plan serves any parameters.

use std::ops::Bound;

use crate::error::Result;
use crate::keys::{Key, Span};
use crate::sql::exec::column::int_of;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::exec::reader::IndexReader;
use crate::sql::exec::state::Run;
use crate::types::{Datum, Type};

/// Longest list of places in an index that one scan visits; a longer one is read as one range.
const PLACES_MAX: usize = 100_000;

/// Which part of an index to read.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// What the first columns must be.
    pub terms: Vec<Term>,
    /// What the column after them must be at least.
    pub lower: Option<Limit>,
    /// What the column after them must be at most.
    pub upper: Option<Limit>,
}

/// What a column must be.
#[derive(Clone, Debug)]
pub enum Term {
    /// Equal to a value (never true of NULL).
    Equal(Expr),
    /// NULL.
    Null,
    /// Equal to one of some values.
    In(Vec<Expr>),
    /// Equal to one of an array's elements.
    InArray(Expr),
}

/// One end of a range.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The value.
    pub value: Expr,
    /// Whether the value itself is within.
    pub inclusive: bool,
}

/// A place in an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// One key.
    Key(Key),
    /// All keys of a span.
    Span(Span),
}

impl Place {
    /// The first key that may be there.
    fn start(&self) -> &[u8] {
        match self {
            Place::Key(key) => key,
            Place::Span(span) => &span.start,
        }
    }
}

/// A value in the type of the index column.
enum Fit {
    /// It is a value of the column.
    Exact(Datum),
    /// Every value of the column is larger.
    Below,
    /// Every value of the column is smaller.
    Above,
    /// NULL, or not comparable.
    Never,
}

/// Brings an integer into the column's width; other classes share their representation.
fn fit(value: Datum, column: &Type) -> Fit {
    let Some(v) = int_of(&value) else {
        return match value {
            Datum::Null => Fit::Never,
            other => Fit::Exact(other),
        };
    };
    let (narrow, min) = match column {
        Type::Int2 => (i16::try_from(v).ok().map(Datum::Int2), i64::from(i16::MIN)),
        Type::Int4 => (i32::try_from(v).ok().map(Datum::Int4), i64::from(i32::MIN)),
        Type::Int8 => (Some(Datum::Int8(v)), i64::MIN),
        _ => (Some(value), i64::MIN),
    };
    match narrow {
        Some(d) => Fit::Exact(d),
        None if v < min => Fit::Below,
        None => Fit::Above,
    }
}

impl Bounds {
    /// Whether the whole index is read.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty() && self.lower.is_none() && self.upper.is_none()
    }

    /// The places to visit, in the order in which they are to be read.
    pub fn places(
        &self,
        run: &mut Run<'_, '_>,
        row: Row<'_>,
        reader: &IndexReader,
        reverse: bool,
    ) -> Result<Vec<Place>> {
        if self.is_everything() {
            return Ok(vec![Place::Span(reader.whole())]);
        }
        let mut prefixes: Vec<Vec<Datum>> = vec![Vec::with_capacity(self.terms.len())];
        let mut cut = self.terms.len();
        for (i, (term, ty)) in self.terms.iter().zip(reader.key_types()).enumerate() {
            let values = term.values(run, row, &ty.ty)?;
            if prefixes.len().saturating_mul(values.len()) > PLACES_MAX {
                // Too many places; the filter above sees to the rest.
                cut = i;
                break;
            }
            match &values[..] {
                [] => return Ok(Vec::new()),
                [one] => prefixes.iter_mut().for_each(|p| p.push(one.clone())),
                _ => {
                    prefixes = prefixes
                        .iter()
                        .flat_map(|p| {
                            values.iter().map(|v| {
                                let mut longer = p.clone();
                                longer.push(v.clone());
                                longer
                            })
                        })
                        .collect();
                }
            }
        }
        let ranged = cut == self.terms.len() && (self.lower.is_some() || self.upper.is_some());
        let range = if ranged {
            let ty = reader.key_types().nth(self.terms.len());
            let Some(range) = self.range(run, row, ty.map_or(&Type::Unknown, |t| &t.ty))? else {
                return Ok(Vec::new());
            };
            Some(range)
        } else {
            None
        };
        let mut places = Vec::with_capacity(prefixes.len());
        for prefix in &prefixes {
            let place = match &range {
                None => reader.place(prefix)?,
                Some((lower, upper)) => {
                    let span = reader.span(prefix, lower.as_ref(), upper.as_ref())?;
                    if span.start >= span.end {
                        continue;
                    }
                    Place::Span(span)
                }
            };
            places.push(place);
        }
        if places.len() > 1 {
            places.sort_unstable_by(|a, b| a.start().cmp(b.start()));
            places.dedup();
        }
        if reverse {
            places.reverse();
        }
        Ok(places)
    }

    /// The range of the column after the terms; `None` if nothing can be in it. A range never
    /// contains NULL.
    fn range(
        &self,
        run: &mut Run<'_, '_>,
        row: Row<'_>,
        ty: &Type,
    ) -> Result<Option<(Bound<Datum>, Bound<Datum>)>> {
        let lower = match &self.lower {
            None => Bound::Unbounded,
            Some(limit) => match fit(limit.value.datum(run, row)?, ty) {
                Fit::Never | Fit::Above => return Ok(None),
                Fit::Below => Bound::Unbounded,
                Fit::Exact(d) if limit.inclusive => Bound::Included(d),
                Fit::Exact(d) => Bound::Excluded(d),
            },
        };
        let upper = match &self.upper {
            None => Bound::Excluded(Datum::Null),
            Some(limit) => match fit(limit.value.datum(run, row)?, ty) {
                Fit::Never | Fit::Below => return Ok(None),
                Fit::Above => Bound::Excluded(Datum::Null),
                Fit::Exact(d) if limit.inclusive => Bound::Included(d),
                Fit::Exact(d) => Bound::Excluded(d),
            },
        };
        Ok(Some((lower, upper)))
    }
}

impl Term {
    /// The values that the column may have, in its own type.
    fn values(&self, run: &mut Run<'_, '_>, row: Row<'_>, ty: &Type) -> Result<Vec<Datum>> {
        let mut values = Vec::new();
        let mut add = |value: Datum| {
            if let Fit::Exact(d) = fit(value, ty) {
                values.push(d);
            }
        };
        match self {
            Term::Null => return Ok(vec![Datum::Null]),
            Term::Equal(expr) => add(expr.datum(run, row)?),
            Term::In(list) => {
                for expr in list {
                    let value = expr.datum(run, row)?;
                    add(value);
                }
            }
            Term::InArray(expr) => {
                if let Datum::Array(array) = expr.datum(run, row)? {
                    array.items.iter().cloned().for_each(add);
                }
            }
        }
        Ok(values)
    }
}
