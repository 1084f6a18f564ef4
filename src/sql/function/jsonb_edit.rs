//! New `jsonb` from old: `||`, `-`, `#-`, `jsonb_set`, `jsonb_insert`, stripping, printing.

use std::sync::Arc;

use serde_json::Value;

use super::args::{any, array, boolean, i4, is_null, json, jsonb, txt};
use super::json_access::json_datum;
use super::json_text::{self, Kind};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Datum, json as syntax};

pub(super) const FUNCTIONS: &[Row] = &[
    f(3301, "jsonb_concat", "jsonb jsonb", "jsonb", |_, a| {
        Ok(made(joined(jsonb(a, 0)?, jsonb(a, 1)?)))
    }),
    f(3302, "jsonb_delete", "jsonb text", "jsonb", |_, a| {
        let key = txt(a, 1)?;
        without(jsonb(a, 0)?, |candidate| candidate == &**key)
    }),
    f(3343, "jsonb_delete", "jsonb text*", "jsonb", |_, a| {
        let keys = a.get(1..).unwrap_or(&[]);
        without(jsonb(a, 0)?, |candidate| keys.iter().any(|key| is_text(key, candidate)))
    }),
    f(9005, "jsonb_delete_array", "jsonb _text", "jsonb", |_, a| {
        let keys = &array(a, 1)?.items;
        without(jsonb(a, 0)?, |candidate| keys.iter().any(|key| is_text(key, candidate)))
    }),
    f(3303, "jsonb_delete", "jsonb int4", "jsonb", |_, a| {
        let (value, index) = (jsonb(a, 0)?, i4(a, 1)?);
        match &**value {
            Value::Object(_) => Err(invalid("cannot delete from object using integer index")),
            Value::Array(items) => {
                let mut items = items.clone();
                if let Some(i) = position(index.into(), items.len()) {
                    items.remove(i);
                }
                Ok(made(Value::Array(items)))
            }
            _ => Err(invalid("cannot delete from scalar")),
        }
    }),
    f(3304, "jsonb_delete_path", "jsonb _text", "jsonb", |_, a| {
        let (value, path) = (jsonb(a, 0)?, &array(a, 1)?.items);
        if !matches!(**value, Value::Object(_) | Value::Array(_)) {
            return Err(invalid("cannot delete path in scalar"));
        }
        if is_empty(value) {
            return Ok(Datum::Jsonb(value.clone()));
        }
        edited(value, path, &Edit::Delete)
    }),
    f(3305, "jsonb_set", "jsonb _text jsonb bool", "jsonb", |_, a| {
        set(jsonb(a, 0)?, &array(a, 1)?.items, jsonb(a, 2)?, boolean(a, 3)?)
    })
    .named("jsonb_in path replacement create_if_missing")
    .defaults(|| vec![Datum::Bool(true)]),
    f(5054, "jsonb_set_lax", "jsonb _text jsonb bool text", "jsonb", |_, a| set_lax(a))
        .lax()
        .named("jsonb_in path replacement create_if_missing null_value_treatment")
        .defaults(|| vec![Datum::Bool(true), Datum::text("use_json_null")]),
    f(3579, "jsonb_insert", "jsonb _text jsonb bool", "jsonb", |_, a| {
        let (value, path) = (jsonb(a, 0)?, &array(a, 1)?.items);
        if !matches!(**value, Value::Object(_) | Value::Array(_)) {
            return Err(invalid("cannot set path in scalar"));
        }
        edited(value, path, &Edit::Insert { value: jsonb(a, 2)?, after: boolean(a, 3)? })
    })
    .named("jsonb_in path replacement insert_after")
    .defaults(|| vec![Datum::Bool(false)]),
    f(3262, "jsonb_strip_nulls", "jsonb", "jsonb", |_, a| {
        let mut value = (**jsonb(a, 0)?).clone();
        strip_nulls(&mut value);
        Ok(made(value))
    }),
    f(3261, "json_strip_nulls", "json", "json", |_, a| {
        let text = json(a, 0)?;
        let mut out = String::with_capacity(text.len());
        strip_json_nulls(text.trim(), &mut out)?;
        Ok(json_datum(out))
    }),
    f(3306, "jsonb_pretty", "jsonb", "text", |_, a| {
        let mut out = String::new();
        syntax::write_pretty(jsonb(a, 0)?, &mut out);
        Ok(Datum::text(out))
    }),
];

/// A value whose objects have their keys in order.
pub(super) fn made(value: Value) -> Datum {
    Datum::Jsonb(Arc::new(syntax::canonical(value)))
}

fn invalid(message: &str) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message.to_string())
}

fn is_text(datum: &Datum, text: &str) -> bool {
    matches!(datum, Datum::Text(found) if **found == *text)
}

/// `a || b`: objects are merged, arrays appended; what is no array counts as an array of one.
fn joined(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let mut merged = a.clone();
            merged.extend(b.iter().map(|(key, value)| (key.clone(), value.clone())));
            Value::Object(merged)
        }
        _ => {
            let items = |value: &Value| match value {
                Value::Array(items) => items.clone(),
                other => vec![other.clone()],
            };
            let mut all = items(a);
            all.extend(items(b));
            Value::Array(all)
        }
    }
}

/// Without the keys or string elements for which `unwanted` says yes.
fn without(value: &Value, unwanted: impl Fn(&str) -> bool) -> Result<Datum> {
    Ok(made(match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !unwanted(key));
            Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        Value::Array(items) => {
            let kept = items.iter().filter(|item| !item.as_str().is_some_and(&unwanted));
            Value::Array(kept.cloned().collect())
        }
        _ => return Err(invalid("cannot delete from scalar")),
    }))
}

/// The place in an array that an index means, counted from the end if it is negative.
fn position(index: i64, length: usize) -> Option<usize> {
    let i = match usize::try_from(index) {
        Ok(i) => i,
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (i < length).then_some(i)
}

/// What is done at the end of a path.
enum Edit<'a> {
    Delete,
    Set { value: &'a Value, create: bool },
    Insert { value: &'a Value, after: bool },
}

fn edited(value: &Value, path: &[Datum], edit: &Edit<'_>) -> Result<Datum> {
    if path.is_empty() {
        return Ok(Datum::Jsonb(Arc::new(value.clone())));
    }
    let mut value = value.clone();
    apply(&mut value, path, edit)?;
    Ok(made(value))
}

/// Walks down the path; where it leads nowhere nothing happens.
fn apply(value: &mut Value, path: &[Datum], edit: &Edit<'_>) -> Result<()> {
    let mut place = value;
    for depth in 0..path.len() {
        if path.get(depth).is_none_or(Datum::is_null) {
            return Err(Error::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                format!("path element at position {} is null", depth + 1),
            ));
        }
        let step = txt(path, depth)?;
        let last = depth + 1 == path.len();
        let next = match place {
            Value::Object(members) if last => return apply_to_object(members, step, edit),
            Value::Object(members) => members.get_mut(&**step),
            Value::Array(items) => {
                let index: i64 = step.trim_start().parse::<i32>().map(i64::from).map_err(|_| {
                    Error::new(
                        sqlstate::INVALID_TEXT_REPRESENTATION,
                        format!(
                            "path element at position {} is not an integer: \"{step}\"",
                            depth + 1
                        ),
                    )
                })?;
                if last {
                    apply_to_array(items, index, edit);
                    return Ok(());
                }
                position(index, items.len()).and_then(|i| items.get_mut(i))
            }
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

fn apply_to_object(
    members: &mut serde_json::Map<String, Value>,
    key: &str,
    edit: &Edit<'_>,
) -> Result<()> {
    let exists = members.contains_key(key);
    match edit {
        Edit::Delete => {
            members.shift_remove(key);
        }
        Edit::Set { value, create } if exists || *create => {
            members.insert(key.to_string(), (*value).clone());
        }
        Edit::Set { .. } => {}
        Edit::Insert { .. } if exists => {
            return Err(invalid("cannot replace existing key")
                .with_hint("Try using the function jsonb_set to replace key value."));
        }
        Edit::Insert { value, .. } => {
            members.insert(key.to_string(), (*value).clone());
        }
    }
    Ok(())
}

fn apply_to_array(items: &mut Vec<Value>, index: i64, edit: &Edit<'_>) {
    match (edit, position(index, items.len())) {
        (Edit::Delete, Some(i)) => {
            items.remove(i);
        }
        (Edit::Delete, None) => {}
        (Edit::Set { value, .. }, Some(i)) => {
            if let Some(item) = items.get_mut(i) {
                *item = (*value).clone();
            }
        }
        (Edit::Set { create: false, .. }, None) => {}
        (Edit::Insert { value, after }, Some(i)) => {
            items.insert(i + usize::from(*after), (*value).clone());
        }
        // Beyond either end the new element goes to that end.
        (Edit::Set { value, .. } | Edit::Insert { value, .. }, None) => {
            let at = if index < 0 { 0 } else { items.len() };
            items.insert(at, (*value).clone());
        }
    }
}

/// Whether a value is an array or object without anything in it.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn set(value: &Value, path: &[Datum], new: &Value, create: bool) -> Result<Datum> {
    match value {
        value if is_empty(value) && !create => Ok(Datum::Jsonb(Arc::new(value.clone()))),
        Value::Object(_) | Value::Array(_) => {
            edited(value, path, &Edit::Set { value: new, create })
        }
        _ => Err(invalid("cannot set path in scalar")),
    }
}

fn set_lax(a: &[Datum]) -> Result<Datum> {
    if is_null(a, 0) || is_null(a, 1) || is_null(a, 3) {
        return Ok(Datum::Null);
    }
    let treatments = "null_value_treatment must be \"delete_key\", \"return_target\", \
                      \"use_json_null\", or \"raise_exception\"";
    if is_null(a, 4) {
        return Err(invalid(treatments));
    }
    let (value, path) = (jsonb(a, 0)?, &array(a, 1)?.items);
    if !any(a, 2)?.is_null() {
        return set(value, path, jsonb(a, 2)?, boolean(a, 3)?);
    }
    match &**txt(a, 4)? {
        "raise_exception" => Err(Error::new(
            sqlstate::NULL_VALUE_NOT_ALLOWED,
            "JSON value must not be null",
        )
        .with_detail("Exception was raised because null_value_treatment is \"raise_exception\".")
        .with_hint(
            "To avoid, either change the null_value_treatment argument or ensure that an SQL \
             NULL is not passed.",
        )),
        "use_json_null" => set(value, path, &Value::Null, boolean(a, 3)?),
        "delete_key" => edited(value, path, &Edit::Delete),
        "return_target" => Ok(Datum::Jsonb(value.clone())),
        _ => Err(invalid(treatments)),
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// The same for text: without blanks and without members that are null.
fn strip_json_nulls(text: &str, out: &mut String) -> Result<()> {
    if let Some(members) = json_text::members(text) {
        out.push('{');
        let mut first = true;
        for (key, value) in members.filter(|(_, v)| json_text::kind(v) != Kind::Null) {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            syntax::write_string(&json_text::unquoted(key)?, out);
            out.push(':');
            strip_json_nulls(value, out)?;
        }
        out.push('}');
    } else if let Some(elements) = json_text::elements(text) {
        out.push('[');
        for (i, element) in elements.enumerate() {
            if i > 0 {
                out.push(',');
            }
            strip_json_nulls(element, out)?;
        }
        out.push(']');
    } else if json_text::kind(text) == Kind::String {
        syntax::write_string(&json_text::unquoted(text)?, out);
    } else {
        out.push_str(text);
    }
    Ok(())
}
