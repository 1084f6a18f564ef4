//! to_char and its inverses.
#![allow(missing_docs)]
use super::session::SessionFormat;
use super::{Interval, Numeric};
use crate::error::{Error, Result};
pub fn timestamp_to_char(timestamp: i64, pattern: &str) -> Result<Option<String>> {
    let _ = (timestamp, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn timestamptz_to_char(
    timestamptz: i64,
    pattern: &str,
    format: &SessionFormat,
) -> Result<Option<String>> {
    let _ = (timestamptz, pattern, format);
    Err(Error::unsupported("this operation"))
}
pub fn interval_to_char(interval: Interval, pattern: &str) -> Result<String> {
    let _ = (interval, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn numeric_to_char(value: &Numeric, pattern: &str) -> Result<String> {
    let _ = (value, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn int_to_char(value: i64, pattern: &str) -> Result<String> {
    let _ = (value, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn float_to_char(value: f64, pattern: &str) -> Result<String> {
    let _ = (value, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn to_timestamp(text: &str, pattern: &str, format: &SessionFormat) -> Result<i64> {
    let _ = (text, pattern, format);
    Err(Error::unsupported("this operation"))
}
pub fn to_date(text: &str, pattern: &str) -> Result<i32> {
    let _ = (text, pattern);
    Err(Error::unsupported("this operation"))
}
pub fn to_number(text: &str, pattern: &str) -> Result<Numeric> {
    let _ = (text, pattern);
    Err(Error::unsupported("this operation"))
}
