//! json_agg, jsonb_agg, json_object_agg, jsonb_object_agg.

use serde_json::{Map, Value};

use super::super::Accumulator;
use super::super::args::any;
use super::super::json_access::json_datum;
use super::super::json_build::{key_text, to_value, write_json};
use super::super::jsonb_edit::made;
use super::super::row::{AggregateRow, agg};
use super::super::string_case::bounded;
use crate::error::{Error, Result, sqlstate};
use crate::types::session::SessionFormat;
use crate::types::{Datum, Type, json};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(3175, "json_agg", "anyelement", "json", |types| Box::new(JsonArray(Text::new(types)))),
    agg(3197, "json_object_agg", "any any", "json", |types| Box::new(JsonObject(Text::new(types)))),
    agg(3267, "jsonb_agg", "anyelement", "jsonb", |types| {
        Box::new(JsonbArray { items: None, bytes: 0, types: types.to_vec(), format: None })
    }),
    agg(3270, "jsonb_object_agg", "any any", "jsonb", |types| {
        Box::new(JsonbObject { members: None, bytes: 0, types: types.to_vec(), format: None })
    }),
];

fn type_at(types: &[Type], i: usize, value: &Datum) -> Type {
    types.get(i).cloned().unwrap_or_else(|| value.shown_type())
}

fn null_key() -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, "field name must not be null")
}

/// JSON text so far, without its closing bracket; empty before the first row.
struct Text {
    out: String,
    types: Vec<Type>,
    format: SessionFormat,
}

impl Text {
    fn new(types: &[Type]) -> Self {
        Text { out: String::new(), types: types.to_vec(), format: SessionFormat::default() }
    }

    fn value(&mut self, i: usize, value: &Datum) -> Result<()> {
        let ty = type_at(&self.types, i, value);
        write_json(value, &ty, &self.format, false, &mut self.out);
        bounded(self.out.len())
    }

    fn closed(&self, end: &str) -> Datum {
        match self.out.is_empty() {
            true => Datum::Null,
            false => json_datum(format!("{}{end}", self.out)),
        }
    }
}

struct JsonArray(Text);

impl Accumulator for JsonArray {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 0)?;
        if self.0.out.is_empty() {
            self.0.out.push('[');
        } else {
            self.0.out.push_str(", ");
            if matches!(value, Datum::Array(_) | Datum::Record(_)) {
                self.0.out.push_str("\n ");
            }
        }
        self.0.value(0, value)
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.closed("]"))
    }
    fn bytes(&self) -> usize {
        128 + self.0.out.capacity()
    }
    fn set_format(&mut self, format: &SessionFormat) {
        self.0.format = format.clone();
    }
}

struct JsonObject(Text);

impl Accumulator for JsonObject {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let (key, value) = (any(args, 0)?, any(args, 1)?);
        if key.is_null() {
            return Err(null_key());
        }
        let text = &mut self.0;
        text.out.push_str(if text.out.is_empty() { "{ " } else { ", " });
        let key = key_text(key, &type_at(&text.types, 0, key), &text.format)?;
        json::write_string(&key, &mut text.out);
        text.out.push_str(" : ");
        text.value(1, value)
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.closed(" }"))
    }
    fn bytes(&self) -> usize {
        128 + self.0.out.capacity()
    }
    fn set_format(&mut self, format: &SessionFormat) {
        self.0.format = format.clone();
    }
}

/// Roughly the memory of a JSON value.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 64 + text.len(),
        Value::Array(items) => 64 + items.iter().map(weight).sum::<usize>(),
        Value::Object(members) => {
            64 + members.iter().map(|(key, value)| 64 + key.len() + weight(value)).sum::<usize>()
        }
        _ => 64,
    }
}

struct JsonbArray {
    items: Option<Vec<Value>>,
    bytes: usize,
    types: Vec<Type>,
    format: Option<SessionFormat>,
}

impl Accumulator for JsonbArray {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 0)?;
        let ty = type_at(&self.types, 0, value);
        let value = to_value(value, &ty, self.format.get_or_insert_default())?;
        self.bytes += weight(&value);
        self.items.get_or_insert_default().push(value);
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.items.clone().map(|items| made(Value::Array(items))).into())
    }
    fn bytes(&self) -> usize {
        128 + self.bytes
    }
    fn set_format(&mut self, format: &SessionFormat) {
        self.format = Some(format.clone());
    }
}

struct JsonbObject {
    members: Option<Map<String, Value>>,
    bytes: usize,
    types: Vec<Type>,
    format: Option<SessionFormat>,
}

impl Accumulator for JsonbObject {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let (key, value) = (any(args, 0)?, any(args, 1)?);
        if key.is_null() {
            return Err(null_key());
        }
        let format = self.format.get_or_insert_default();
        let key = key_text(key, &type_at(&self.types, 0, key), format)?;
        let value = to_value(value, &type_at(&self.types, 1, value), format)?;
        self.bytes += 64 + key.len() + weight(&value);
        self.members.get_or_insert_default().insert(key, value);
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.members.clone().map(|members| made(Value::Object(members))).into())
    }
    fn bytes(&self) -> usize {
        128 + self.bytes
    }
    fn set_format(&mut self, format: &SessionFormat) {
        self.format = Some(format.clone());
    }
}
