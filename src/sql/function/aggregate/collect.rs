//! string_agg and array_agg.

use super::super::Accumulator;
use super::super::args::{any, array, bytes, txt};
use super::super::row::{AggregateRow, agg};
use super::super::string_case::bounded;
use super::held;
use crate::error::{Error, Result, sqlstate};
use crate::types::{Array, Datum, Type};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(3538, "string_agg", "text text", "text", |_| Box::new(Strings(None))),
    agg(3545, "string_agg", "bytea bytea", "bytea", |_| Box::new(Bytes(None))),
    agg(2335, "array_agg", "anynonarray", "anyarray", |types| {
        let element = types.first().cloned().unwrap_or(Type::Text);
        Box::new(Elements { element, items: Vec::new(), bytes: 0 })
    }),
    agg(4053, "array_agg", "anyarray", "anyarray", |_| Box::new(Arrays::default())),
];

/// Texts with delimiters between them.
struct Strings(Option<String>);

impl Accumulator for Strings {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        if any(args, 0)?.is_null() {
            return Ok(());
        }
        let text = txt(args, 0)?;
        match &mut self.0 {
            None => self.0 = Some(text.to_string()),
            Some(joined) => {
                if !any(args, 1)?.is_null() {
                    joined.push_str(txt(args, 1)?);
                }
                joined.push_str(text);
                bounded(joined.len())?;
            }
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.as_ref().map(Datum::text).into())
    }
    fn bytes(&self) -> usize {
        64 + self.0.as_ref().map_or(0, String::capacity)
    }
}

/// Bytes with delimiters between them.
struct Bytes(Option<Vec<u8>>);

impl Accumulator for Bytes {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        if any(args, 0)?.is_null() {
            return Ok(());
        }
        let data = bytes(args, 0)?;
        match &mut self.0 {
            None => self.0 = Some(data.to_vec()),
            Some(joined) => {
                if !any(args, 1)?.is_null() {
                    joined.extend_from_slice(bytes(args, 1)?);
                }
                joined.extend_from_slice(data);
                bounded(joined.len())?;
            }
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.as_ref().map(Datum::bytes).into())
    }
    fn bytes(&self) -> usize {
        64 + self.0.as_ref().map_or(0, Vec::capacity)
    }
}

/// Values as the elements of an array, NULLs included.
struct Elements {
    element: Type,
    items: Vec<Datum>,
    bytes: usize,
}

impl Accumulator for Elements {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 0)?;
        self.bytes += held(value);
        self.items.push(value.clone());
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        let array = Array::from_items(self.element.clone(), self.items.clone());
        Ok(Datum::Array(array.into()))
    }
    fn bytes(&self) -> usize {
        64 + self.bytes
    }
}

/// Arrays of equal extent as the slices of an array with one dimension more.
#[derive(Default)]
struct Arrays {
    first: Option<Array>,
    count: usize,
    bytes: usize,
}

impl Accumulator for Arrays {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        if any(args, 0)?.is_null() {
            return Err(Error::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                "cannot accumulate null arrays",
            ));
        }
        let array = array(args, 0)?;
        let wrong =
            |message: &str| Err(Error::new(sqlstate::ARRAY_SUBSCRIPT_ERROR, message.to_string()));
        if array.dimensions.is_empty() {
            return wrong("cannot accumulate empty arrays");
        }
        self.bytes += array.items.iter().map(held).sum::<usize>();
        match &mut self.first {
            None => self.first = Some((**array).clone()),
            Some(all) if all.dimensions == array.dimensions => {
                all.items.extend_from_slice(&array.items);
            }
            Some(_) => return wrong("cannot accumulate arrays of different dimensionality"),
        }
        self.count += 1;
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        let Some(all) = &self.first else { return Ok(Datum::Null) };
        let mut dimensions = vec![(self.count, 1)];
        dimensions.extend_from_slice(&all.dimensions);
        let (element, items) = (all.element.clone(), all.items.clone());
        Ok(Datum::Array(Array { element, dimensions, items }.into()))
    }
    fn bytes(&self) -> usize {
        64 + self.bytes
    }
}
