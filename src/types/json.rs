//! json and jsonb.
#![allow(missing_docs)]
use crate::error::{Error, Result};
use serde_json::Value;
use std::cmp::Ordering;
/// Checks json text (the text itself is the value).
pub fn validate(text: &str) -> Result<()> {
    let _ = (text,);
    Err(Error::unsupported("this operation"))
}
/// Parses jsonb: last duplicate key wins, keys sorted by length then bytes.
pub fn parse(text: &str) -> Result<Value> {
    let _ = (text,);
    Err(Error::unsupported("this operation"))
}
/// jsonb's canonical text.
pub fn write(value: &Value, out: &mut String) {
    let _ = (value, out);
    unimplemented!()
}
pub fn write_pretty(value: &Value, out: &mut String) {
    let _ = (value, out);
    unimplemented!()
}
pub fn compare(a: &Value, b: &Value) -> Ordering {
    let _ = (a, b);
    unimplemented!()
}
pub fn hash_value<H: std::hash::Hasher>(value: &Value, state: &mut H) {
    let _ = (value, state);
    unimplemented!()
}
/// Puts the keys of every object in jsonb's order.
pub fn canonical(value: Value) -> Value {
    let _ = (value,);
    unimplemented!()
}
/// Appends a JSON string literal.
pub fn write_string(text: &str, out: &mut String) {
    let _ = (text, out);
    unimplemented!()
}
