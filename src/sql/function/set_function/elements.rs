//! Taking values apart into rows: arrays, JSON, strings.

use super::super::SetRows;
use super::super::args::{array, is_null, json, jsonb, txt};
use super::super::json_access::{json_datum, jsonb_as_text, jsonb_datum};
use super::super::json_text::{self, Kind};
use super::super::row::{SetRow, srf};
use super::super::{regex_match, string_parts, string_regex};
use super::{column, nothing, rows};
use crate::error::{Error, Result, sqlstate};
use crate::types::Datum;
use serde_json::Value;

pub(super) const FUNCTIONS: &[SetRow] = &[
    srf(2331, "unnest", "anyarray", "unnest anyelement", |_, a| {
        if is_null(a, 0) {
            return Ok(nothing());
        }
        let array = array(a, 0)?.clone();
        let mut i = 0;
        Ok(Box::new(std::iter::from_fn(move || {
            let item = array.items.get(i)?.clone();
            i += 1;
            Some(Ok(vec![item]))
        })))
    }),
    srf(3955, "json_array_elements", "json", "value json", |_, a| {
        json_elements(a, "json_array_elements", |text| Ok(json_datum(text)))
    }),
    srf(3969, "json_array_elements_text", "json", "value text", |_, a| {
        json_elements(a, "json_array_elements_text", |text| {
            Ok(json_text::as_text(text)?.map(Datum::text).into())
        })
    }),
    srf(3219, "jsonb_array_elements", "jsonb", "value jsonb", |_, a| {
        jsonb_elements(a, jsonb_datum)
    }),
    srf(3465, "jsonb_array_elements_text", "jsonb", "value text", |_, a| {
        jsonb_elements(a, |value| jsonb_as_text(value).map(Datum::text).into())
    }),
    srf(3958, "json_each", "json", "key text, value json", |_, a| {
        json_members(a, |text| Ok(json_datum(text)))
    }),
    srf(3959, "json_each_text", "json", "key text, value text", |_, a| {
        json_members(a, |text| Ok(json_text::as_text(text)?.map(Datum::text).into()))
    }),
    srf(3208, "jsonb_each", "jsonb", "key text, value jsonb", |_, a| {
        jsonb_members(a, "jsonb_each", jsonb_datum)
    }),
    srf(3932, "jsonb_each_text", "jsonb", "key text, value text", |_, a| {
        jsonb_members(a, "jsonb_each_text", |value| jsonb_as_text(value).map(Datum::text).into())
    }),
    srf(3957, "json_object_keys", "json", "json_object_keys text", |_, a| {
        if is_null(a, 0) {
            return Ok(nothing());
        }
        let text = json(a, 0)?;
        let Some(members) = json_text::members(text) else {
            return Err(no_keys("json_object_keys", json_text::kind(text) == Kind::Array));
        };
        let keys = members.map(|(key, _)| Ok(Datum::text(json_text::unquoted(key)?)));
        Ok(column(keys.collect::<Result<_>>()?))
    }),
    srf(3931, "jsonb_object_keys", "jsonb", "jsonb_object_keys text", |_, a| {
        if is_null(a, 0) {
            return Ok(nothing());
        }
        match &**jsonb(a, 0)? {
            Value::Object(members) => Ok(column(members.keys().map(Datum::text).collect())),
            other => Err(no_keys("jsonb_object_keys", other.is_array())),
        }
    }),
    srf(6160, "string_to_table", "text text", "string_to_table text", |_, a| string_table(a)),
    srf(6161, "string_to_table", "text text text", "string_to_table text", |_, a| string_table(a)),
    srf(2765, "regexp_split_to_table", "text text", "regexp_split_to_table text", |_, a| {
        regex_table(a)
    }),
    srf(2766, "regexp_split_to_table", "text text text", "regexp_split_to_table text", |_, a| {
        regex_table(a)
    }),
    srf(2763, "regexp_matches", "text text", "regexp_matches _text", |_, a| regex_matches(a)),
    srf(2764, "regexp_matches", "text text text", "regexp_matches _text", |_, a| regex_matches(a)),
];

fn invalid(message: String) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

fn no_keys(function: &str, is_array: bool) -> Error {
    let what = if is_array { "an array" } else { "a scalar" };
    invalid(format!("cannot call {function} on {what}"))
}

fn json_elements(
    a: &[Datum],
    function: &str,
    datum: impl Fn(&str) -> Result<Datum>,
) -> Result<SetRows> {
    if is_null(a, 0) {
        return Ok(nothing());
    }
    let text = json(a, 0)?;
    match json_text::elements(text) {
        Some(elements) => Ok(column(elements.map(datum).collect::<Result<_>>()?)),
        None => {
            let is_object = json_text::kind(text) == Kind::Object;
            let what = if is_object { "non-array" } else { "scalar" };
            Err(invalid(format!("cannot call {function} on a {what}")))
        }
    }
}

fn jsonb_elements(a: &[Datum], datum: impl Fn(&Value) -> Datum) -> Result<SetRows> {
    if is_null(a, 0) {
        return Ok(nothing());
    }
    match &**jsonb(a, 0)? {
        Value::Array(items) => Ok(column(items.iter().map(datum).collect())),
        Value::Object(_) => Err(invalid("cannot extract elements from an object".into())),
        _ => Err(invalid("cannot extract elements from a scalar".into())),
    }
}

fn json_members(a: &[Datum], datum: impl Fn(&str) -> Result<Datum>) -> Result<SetRows> {
    if is_null(a, 0) {
        return Ok(nothing());
    }
    let text = json(a, 0)?;
    let Some(members) = json_text::members(text) else {
        return Err(invalid(match json_text::kind(text) {
            Kind::Array => "cannot deconstruct an array as an object".into(),
            _ => "cannot deconstruct a scalar".into(),
        }));
    };
    let member = |(key, value)| Ok(vec![Datum::text(json_text::unquoted(key)?), datum(value)?]);
    Ok(rows(members.map(member).collect::<Result<_>>()?))
}

fn jsonb_members(a: &[Datum], function: &str, datum: impl Fn(&Value) -> Datum) -> Result<SetRows> {
    if is_null(a, 0) {
        return Ok(nothing());
    }
    match &**jsonb(a, 0)? {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| vec![Datum::text(key), datum(value)];
            Ok(rows(members.iter().map(member).collect()))
        }
        _ => Err(invalid(format!("cannot call {function} on a non-object"))),
    }
}

fn string_table(a: &[Datum]) -> Result<SetRows> {
    Ok(string_parts::split_fields(a)?.map_or_else(nothing, column))
}

fn regex_table(a: &[Datum]) -> Result<SetRows> {
    if a.iter().any(Datum::is_null) {
        return Ok(nothing());
    }
    Ok(column(string_regex::split_fields(a, "regexp_split_to_table")?))
}

fn regex_matches(a: &[Datum]) -> Result<SetRows> {
    if a.iter().any(Datum::is_null) {
        return Ok(nothing());
    }
    let flags = match a.get(2) {
        Some(_) => txt(a, 2)?,
        None => "",
    };
    let (options, global) = regex_match::parse_flags(flags)?;
    let regex = regex_match::compile(txt(a, 1)?, options)?;
    let mut found = Vec::new();
    regex_match::each_match(&regex, txt(a, 0)?, 0, |captures| {
        found.push(string_regex::groups(captures));
        Ok(global)
    })?;
    Ok(column(found))
}
