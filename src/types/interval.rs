//! Interval values.
use super::Numeric;
use super::session::SessionFormat;
use crate::error::{Error, Result};
use std::cmp::Ordering;
/// Months, days and microseconds, kept apart as PostgreSQL does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}
#[allow(missing_docs)]
impl Interval {
    /// modifier -1 for none.
    pub fn parse(text: &str, modifier: i32, format: &SessionFormat) -> Result<Interval> {
        let _ = (text, modifier, format);
        Err(Error::unsupported("this operation"))
    }
    pub fn write(&self, format: &SessionFormat, out: &mut String) {
        let _ = (format, out);
        unimplemented!()
    }
    pub fn apply_modifier(self, modifier: i32) -> Result<Interval> {
        let _ = (modifier,);
        Err(Error::unsupported("this operation"))
    }
    pub fn checked_add(self, other: Interval) -> Result<Interval> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn checked_sub(self, other: Interval) -> Result<Interval> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn checked_neg(self) -> Result<Interval> {
        Err(Error::unsupported("this operation"))
    }
    pub fn checked_mul(self, factor: f64) -> Result<Interval> {
        let _ = (factor,);
        Err(Error::unsupported("this operation"))
    }
    pub fn checked_div(self, divisor: f64) -> Result<Interval> {
        let _ = (divisor,);
        Err(Error::unsupported("this operation"))
    }
    pub fn justify_hours(self) -> Result<Interval> {
        Err(Error::unsupported("this operation"))
    }
    pub fn justify_days(self) -> Result<Interval> {
        Err(Error::unsupported("this operation"))
    }
    pub fn justify_interval(self) -> Result<Interval> {
        Err(Error::unsupported("this operation"))
    }
    /// Months of 30 days, days of 24 hours.
    pub fn compare(&self, other: &Interval) -> Ordering {
        let _ = (other,);
        unimplemented!()
    }
    /// The length the comparison uses, in microseconds.
    pub fn normalized_micros(&self) -> i128 {
        unimplemented!()
    }
    pub fn extract(&self, field: &str) -> Result<Numeric> {
        let _ = (field,);
        Err(Error::unsupported("this operation"))
    }
    pub fn date_trunc(&self, field: &str) -> Result<Interval> {
        let _ = (field,);
        Err(Error::unsupported("this operation"))
    }
    pub fn make(
        years: i32,
        months: i32,
        weeks: i32,
        days: i32,
        hours: i32,
        minutes: i32,
        seconds: f64,
    ) -> Result<Interval> {
        let _ = (years, months, weeks, days, hours, minutes, seconds);
        Err(Error::unsupported("this operation"))
    }
}
