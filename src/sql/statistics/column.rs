//! One column: common values, bounds of the others, and what they say of a predicate.

use serde_json::{Value, json};

use crate::catalog::row::{freeze, thaw};
use crate::types::{Datum, Type};

/// Common values that are kept.
const COMMON_MAX: usize = 32;

/// Parts into which the bounds cut the values that are not common.
const PARTS: usize = 64;

/// Bytes of a value that is worth keeping.
const VALUE_BYTES_MAX: usize = 256;

/// Which rows an inequality leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those with lesser values.
    Below,
    /// Those with greater values.
    Above,
}

/// What is known of one column's values.
#[derive(Debug, Default)]
pub struct ColumnStatistics {
    /// Different values, NULL not counted; at least one.
    pub distinct: f64,
    /// The share of rows that are NULL.
    pub nulls: f64,
    /// Common values and their shares of all rows, the most common first.
    common: Vec<(Datum, f64)>,
    /// Bounds of the other values, in order; none, or at least two.
    bounds: Vec<Datum>,
}

impl ColumnStatistics {
    /// From a sample of a column's values, of `rows` in all.
    pub(super) fn from_sample(mut sample: Vec<Datum>, rows: f64) -> ColumnStatistics {
        let seen = sample.len() as f64;
        sample.retain(|value| !value.is_null());
        let nulls = if seen > 0.0 { 1.0 - sample.len() as f64 / seen } else { 0.0 };
        sample.sort_unstable_by(Datum::compare);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, value) in sample.iter().enumerate() {
            match runs.last_mut() {
                Some((start, count))
                    if sample.get(*start).is_some_and(|s| s.compare(value).is_eq()) =>
                {
                    *count += 1;
                }
                _ => runs.push((at, 1)),
            }
        }
        let distinct = distinct_of_all(&runs, sample.len() as f64, rows * (1.0 - nulls));
        let mut common: Vec<(usize, usize)> = runs
            .iter()
            .copied()
            // More often than the average by a quarter, as rare ones say little.
            .filter(|(_, n)| *n > 1 && *n as f64 > 1.25 * sample.len() as f64 / distinct)
            .collect();
        // When the sample holds all the values there are, all of them are known.
        if runs.len() <= COMMON_MAX && runs.iter().all(|(_, n)| *n > 1) {
            common = runs.clone();
        }
        common.sort_unstable_by_key(|(start, n)| (std::cmp::Reverse(*n), *start));
        common.truncate(COMMON_MAX);
        let is_common = |start: usize| common.iter().any(|(s, _)| *s == start);
        let rest: Vec<&Datum> = runs
            .iter()
            .filter(|(start, _)| !is_common(*start))
            .flat_map(|(start, n)| sample.get(*start..start + n).unwrap_or_default())
            .collect();
        let parts = PARTS.min(rest.len().saturating_sub(1));
        let bounds = (0..=parts)
            .filter(|_| parts > 0)
            .filter_map(|i| rest.get(i * (rest.len() - 1) / parts).map(|v| (*v).clone()))
            .collect();
        let common = common
            .into_iter()
            .filter_map(|(start, n)| Some((sample.get(start)?.clone(), n as f64 / seen)))
            .collect();
        ColumnStatistics { distinct: distinct.max(1.0), nulls, common, bounds }
    }

    /// The share of rows that are equal to a value; to any one value if it is not known.
    pub fn equal(&self, value: Option<&Datum>) -> f64 {
        let common: f64 = self.common.iter().map(|(_, share)| share).sum();
        if let Some(value) = value {
            if value.is_null() {
                return 0.0;
            }
            if let Some((_, share)) =
                self.common.iter().find(|(known, _)| meets(known, value).is_some_and(|o| o.is_eq()))
            {
                return *share;
            }
            let others = (self.distinct - self.common.len() as f64).max(1.0);
            return ((1.0 - self.nulls - common).max(0.0) / others).max(1e-9);
        }
        ((1.0 - self.nulls) / self.distinct).max(1e-9)
    }

    /// The share of rows on one side of a value, if the bounds tell.
    pub fn beyond(&self, side: Side, value: &Datum) -> Option<f64> {
        let mut below = 0.0;
        let mut common = 0.0;
        for (known, share) in &self.common {
            common += share;
            if meets(known, value)?.is_lt() {
                below += share;
            }
        }
        let rest = (1.0 - self.nulls - common).max(0.0);
        if self.bounds.len() >= 2 {
            below += rest * self.place(value)?;
        } else if self.common.is_empty() {
            return None;
        }
        Some(match side {
            Side::Below => below,
            Side::Above => (1.0 - self.nulls - below).max(0.0),
        })
    }

    /// Where a value stands among the bounds, from 0 to 1.
    fn place(&self, value: &Datum) -> Option<f64> {
        let mut lesser = 0usize;
        for bound in &self.bounds {
            if meets(bound, value)?.is_ge() {
                break;
            }
            lesser += 1;
        }
        let parts = (self.bounds.len() - 1) as f64;
        let (Some(at), true) = (lesser.checked_sub(1), lesser < self.bounds.len()) else {
            return Some(if lesser == 0 { 0.0 } else { 1.0 });
        };
        let within = match (number(&self.bounds[at]), number(&self.bounds[lesser]), number(value)) {
            (Some(low), Some(high), Some(value)) if high > low => (value - low) / (high - low),
            _ => 0.5,
        };
        Some((at as f64 + within.clamp(0.0, 1.0)) / parts)
    }

    /// The `histogram` of a stored row.
    pub(super) fn written(&self, ty: &Type, bytes: f64) -> Vec<u8> {
        let frozen = |value: &Datum| {
            freeze(ty, value).ok().filter(|text| text.len() <= VALUE_BYTES_MAX).map(Value::from)
        };
        let common = self.common.iter().map(|(value, share)| Some(json!([frozen(value)?, share])));
        let bounds: Option<Vec<Value>> = self.bounds.iter().map(frozen).collect();
        json!({
            "bytes": bytes,
            "common": common.collect::<Option<Vec<Value>>>().unwrap_or_default(),
            "bounds": bounds.unwrap_or_default(),
        })
        .to_string()
        .into_bytes()
    }

    /// Reads a stored row: the bytes of the table then, and the column.
    pub(super) fn read(
        ty: &Type,
        rows: f64,
        distinct: f64,
        nulls: f64,
        histogram: &[u8],
    ) -> Option<(f64, ColumnStatistics)> {
        let value: Value = serde_json::from_slice(histogram).ok()?;
        let thawed = |value: &Value| thaw(ty, value.as_str()?).ok();
        let common = value.get("common")?.as_array()?.iter().map(|pair| {
            let share = pair.get(1)?.as_f64().filter(|share| (0.0..=1.0).contains(share))?;
            Some((thawed(pair.get(0)?)?, share))
        });
        let bounds = value.get("bounds")?.as_array()?.iter().map(thawed);
        let nulls = if rows > 0.0 { (nulls / rows).clamp(0.0, 1.0) } else { 0.0 };
        let column = ColumnStatistics {
            distinct: distinct.max(1.0),
            nulls,
            common: common.collect::<Option<_>>()?,
            bounds: bounds.collect::<Option<_>>()?,
        };
        Some((value.get("bytes")?.as_f64()?, column))
    }
}

/// How many different values all rows have, from those of a sample: Haas and Stokes' Duj1, which
/// PostgreSQL uses too.
fn distinct_of_all(runs: &[(usize, usize)], sampled: f64, rows: f64) -> f64 {
    let different = runs.len() as f64;
    let once = runs.iter().filter(|(_, n)| *n == 1).count() as f64;
    if sampled < 1.0 || rows <= sampled {
        return different;
    }
    if once == 0.0 {
        return different;
    }
    let estimate = sampled * different / (sampled - once + once * sampled / rows);
    estimate.clamp(different, rows)
}

/// The order of two values that may be compared as numbers; `None` if they may not be.
fn meets(known: &Datum, value: &Datum) -> Option<std::cmp::Ordering> {
    match (number(known), number(value)) {
        (Some(a), Some(b)) => Some(a.total_cmp(&b)),
        (None, None) if std::mem::discriminant(known) == std::mem::discriminant(value) => {
            Some(known.compare(value))
        }
        _ => None,
    }
}

/// A value as a number that keeps the order: numbers of any width, and moments in microseconds.
fn number(value: &Datum) -> Option<f64> {
    const DAY: f64 = 86_400e6;
    Some(match value {
        Datum::Int2(n) => f64::from(*n),
        Datum::Int4(n) => f64::from(*n),
        Datum::Int8(n) | Datum::Timestamp(n) | Datum::Timestamptz(n) => *n as f64,
        Datum::Float4(n) => f64::from(*n),
        Datum::Float8(n) => *n,
        Datum::Numeric(n) => n.to_f64().ok()?,
        Datum::Date(n) => f64::from(*n) * DAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = i32>, rows: f64) -> ColumnStatistics {
        ColumnStatistics::from_sample(values.into_iter().map(Datum::Int4).collect(), rows)
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.02
    }

    #[test]
    fn even_values_are_cut_evenly() {
        let column = of(0..1000, 1000.0);
        assert_eq!(column.distinct, 1000.0);
        let below = |n| column.beyond(Side::Below, &Datum::Int4(n)).unwrap();
        assert!(near(below(250), 0.25) && near(below(-5), 0.0) && near(below(5000), 1.0));
        let above = column.beyond(Side::Above, &Datum::Int8(900)).unwrap();
        assert!(near(above, 0.1), "{above}");
        assert!(near(column.equal(Some(&Datum::Int4(3))), 0.001));
    }

    #[test]
    fn a_few_values_are_all_known() {
        let column = of((0..100).map(|n| i32::from(n < 90)), 100_000.0);
        assert_eq!(column.distinct, 2.0);
        assert!(near(column.equal(Some(&Datum::Int4(1))), 0.9));
        assert!(near(column.equal(Some(&Datum::Int4(0))), 0.1));
        assert!(near(column.equal(None), 0.5));
        assert!(near(column.beyond(Side::Below, &Datum::Int4(1)).unwrap(), 0.1));
    }

    #[test]
    fn values_that_were_seen_once_are_many_in_all() {
        let column = of(0..1000, 1_000_000.0);
        assert!(column.distinct > 900_000.0, "{}", column.distinct);
    }

    #[test]
    fn nulls_are_on_no_side() {
        let mut sample: Vec<Datum> = (0..50).map(Datum::Int4).collect();
        sample.resize(100, Datum::Null);
        let column = ColumnStatistics::from_sample(sample, 100.0);
        assert!(near(column.nulls, 0.5));
        assert!(near(column.beyond(Side::Above, &Datum::Int4(-1)).unwrap(), 0.5));
        assert_eq!(column.equal(Some(&Datum::Null)), 0.0);
    }

    #[test]
    fn what_is_written_reads_back() {
        let column = of((0..500).chain(std::iter::repeat_n(7, 500)), 1000.0);
        let written = column.written(&Type::Int4, 12.0);
        let (bytes, back) =
            ColumnStatistics::read(&Type::Int4, 1000.0, column.distinct, 0.0, &written).unwrap();
        assert_eq!(bytes, 12.0);
        assert_eq!(back.equal(Some(&Datum::Int4(7))), column.equal(Some(&Datum::Int4(7))));
        assert_eq!(back.bounds.len(), column.bounds.len());
        for bad in [&b""[..], b"{}", b"{\"bytes\":1,\"common\":[[1,2]],\"bounds\":[]}"] {
            assert!(ColumnStatistics::read(&Type::Int4, 1.0, 1.0, 0.0, bad).is_none());
        }
    }
}
