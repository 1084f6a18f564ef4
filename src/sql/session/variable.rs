//! Session variables: their names, what they take, and what they change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, sqlstate};
use crate::settings::parse_duration;
use crate::sql::client::Field;
use crate::sql::statement::field;
use crate::sql::variables::SessionState;
use crate::types::Type;
use crate::types::datetime::TimeZone;
use crate::types::text::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};

/// What a variable takes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Bool,
    Int(i64, i64),
    /// A time; a number without a unit is milliseconds. Kept in milliseconds.
    Millis,
    Text,
    /// One of some words.
    Word(&'static [&'static str]),
    /// Fixed by the server.
    ReadOnly,
}

struct Variable {
    name: &'static str,
    default: &'static str,
    kind: Kind,
}

const fn v(name: &'static str, default: &'static str, kind: Kind) -> Variable {
    Variable { name, default, kind }
}

/// The path that a session begins with.
pub(super) const SEARCH_PATH_DEFAULT: &str = "\"$user\", public";

const ISOLATIONS: &[&str] =
    &["serializable", "repeatable read", "snapshot", "read committed", "read uncommitted"];
const MESSAGE_LEVELS: &[&str] =
    &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];

/// Every variable, by name.
const VARIABLES: &[Variable] = &[
    v("application_name", "", Kind::Text),
    v("backslash_quote", "safe_encoding", Kind::Word(&["safe_encoding", "on", "off"])),
    v("block_size", "8192", Kind::ReadOnly),
    v("bytea_output", "hex", Kind::Word(&["hex", "escape"])),
    v("check_function_bodies", "on", Kind::Bool),
    v("client_encoding", "UTF8", Kind::Text),
    v("client_min_messages", "notice", Kind::Word(MESSAGE_LEVELS)),
    v("database", "", Kind::Text),
    v("datestyle", "ISO, MDY", Kind::Text),
    v("default_table_access_method", "heap", Kind::Word(&["heap"])),
    v("default_tablespace", "", Kind::Text),
    v("default_text_search_config", "pg_catalog.simple", Kind::Text),
    v("default_transaction_deferrable", "off", Kind::Bool),
    v("default_transaction_isolation", "serializable", Kind::Word(ISOLATIONS)),
    v("default_transaction_read_only", "off", Kind::Bool),
    v("escape_string_warning", "on", Kind::Bool),
    v("extra_float_digits", "1", Kind::Int(-15, 3)),
    v("idle_in_transaction_session_timeout", "0", Kind::Millis),
    v("idle_session_timeout", "0", Kind::Millis),
    v("in_hot_standby", "off", Kind::ReadOnly),
    v("integer_datetimes", "on", Kind::ReadOnly),
    v("intervalstyle", "postgres", Kind::Text),
    v("is_superuser", "off", Kind::ReadOnly),
    v("jit", "off", Kind::Bool),
    v("lc_collate", "C", Kind::ReadOnly),
    v("lc_ctype", "C.UTF-8", Kind::ReadOnly),
    v("lc_messages", "C", Kind::Word(&["C", "c"])),
    v("lc_monetary", "C", Kind::Word(&["C", "c"])),
    v("lc_numeric", "C", Kind::Word(&["C", "c"])),
    v("lc_time", "C", Kind::Word(&["C", "c"])),
    v("lock_timeout", "0", Kind::Millis),
    v("max_identifier_length", "63", Kind::ReadOnly),
    v("max_index_keys", "32", Kind::ReadOnly),
    v("role", "none", Kind::Text),
    v("row_security", "on", Kind::Bool),
    v("search_path", SEARCH_PATH_DEFAULT, Kind::Text),
    v("server_encoding", "UTF8", Kind::ReadOnly),
    v("server_version", "15.0", Kind::ReadOnly),
    v("server_version_num", "150000", Kind::ReadOnly),
    v("session_authorization", "", Kind::Text),
    v("ssl", "off", Kind::ReadOnly),
    v("standard_conforming_strings", "on", Kind::Word(&["on"])),
    v("statement_timeout", "0", Kind::Millis),
    v("synchronize_seqscans", "on", Kind::Bool),
    v("synchronous_commit", "on", Kind::Word(&["on", "local", "remote_write", "remote_apply"])),
    v("timezone", "UTC", Kind::Text),
    v("transaction_deferrable", "off", Kind::Bool),
    v("transaction_isolation", "serializable", Kind::Word(ISOLATIONS)),
    v("transaction_read_only", "off", Kind::Bool),
    v("work_mem", "4MB", Kind::Text),
    v("xmloption", "content", Kind::Word(&["content", "document"])),
];

/// Variables that clients are told of whenever they change, spelled as PostgreSQL reports them.
pub(super) const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// Every variable's name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|v| v.name)
}

fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|v| v.name == name)
}

/// The texts with which a session begins.
pub(super) fn defaults() -> HashMap<String, String> {
    VARIABLES.iter().map(|v| (v.name.to_owned(), v.default.to_owned())).collect()
}

/// A duration variable; `None` when it is off.
pub(super) fn duration(state: &SessionState, name: &str) -> Option<Duration> {
    let millis: u64 = state.variables.get(name)?.parse().ok()?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// What SHOW prints.
pub(crate) fn show(state: &SessionState, name: &str) -> Option<String> {
    let name = name.to_lowercase();
    match name.as_str() {
        "timezone" => Some(state.format.time_zone.name()),
        "database" => Some(state.database.to_string()),
        "session_authorization" | "session_user" => Some(state.session_user.to_string()),
        _ => {
            let text = state.variables.get(&name)?;
            let millis = matches!(find(&name).map(|v| v.kind), Some(Kind::Millis));
            Some(if millis { shown_millis(text) } else { text.clone() })
        }
    }
}

/// A number of milliseconds in the largest unit that keeps it whole, as PostgreSQL shows it.
fn shown_millis(text: &str) -> String {
    match text.parse::<u64>() {
        Ok(0) | Err(_) => text.to_owned(),
        Ok(n) if n % 86_400_000 == 0 => format!("{}d", n / 86_400_000),
        Ok(n) if n % 3_600_000 == 0 => format!("{}h", n / 3_600_000),
        Ok(n) if n % 60_000 == 0 => format!("{}min", n / 60_000),
        Ok(n) if n % 1_000 == 0 => format!("{}s", n / 1_000),
        Ok(n) => format!("{n}ms"),
    }
}

/// Sets a variable as a user asks: 55P02 for what the server fixes, 42704 for an unknown name.
pub(crate) fn set(state: &mut SessionState, name: &str, value: &str) -> Result<()> {
    match find(name) {
        Some(Variable { kind: Kind::ReadOnly, .. }) => Err(Error::new(
            sqlstate::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{name}\" cannot be changed"),
        )),
        Some(variable) => {
            let value = checked(variable, value)?;
            apply(state, name, &value)
        }
        None if name.contains('.') => {
            state.variables.insert(name.to_owned(), value.to_owned());
            Ok(())
        }
        None => Err(unknown(name)),
    }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// The text under which a value is kept.
fn checked(variable: &Variable, value: &str) -> Result<String> {
    let bad = || {
        Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{}\": \"{value}\"", variable.name),
        )
    };
    Ok(match variable.kind {
        Kind::Bool => match boolean(value) {
            Some(true) => "on".to_owned(),
            Some(false) => "off".to_owned(),
            None => {
                return Err(Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a Boolean value", variable.name),
                ));
            }
        },
        Kind::Int(low, high) => {
            let n: i64 = value.trim().parse().map_err(|_| bad())?;
            if !(low..=high).contains(&n) {
                return Err(Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!(
                        "{n} is outside the valid range for parameter \"{}\" ({low} .. {high})",
                        variable.name
                    ),
                ));
            }
            n.to_string()
        }
        Kind::Millis => millis(value).ok_or_else(bad)?.to_string(),
        Kind::Word(words) => {
            let lower = value.to_lowercase();
            let word = words.iter().find(|w| w.eq_ignore_ascii_case(&lower)).ok_or_else(|| {
                bad().with_hint(format!("Available values: {}.", words.join(", ")))
            })?;
            (*word).to_owned()
        }
        Kind::Text | Kind::ReadOnly => value.to_owned(),
    })
}

fn millis(value: &str) -> Option<u64> {
    let value = value.trim();
    if let Ok(n) = value.parse::<u64>() {
        return Some(n);
    }
    let split = value.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = (value.get(..split)?.trim(), value.get(split..)?);
    let number: u64 = match unit {
        "min" | "d" => number.parse().ok()?,
        _ => return u64::try_from(parse_duration(&format!("{number}{unit}"))?.as_millis()).ok(),
    };
    number.checked_mul(if unit == "d" { 86_400_000 } else { 60_000 })
}

pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.trim().to_lowercase().as_str() {
        "on" | "true" | "t" | "yes" | "y" | "1" => Some(true),
        "off" | "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Makes a checked text the value of a variable.
pub(super) fn apply(state: &mut SessionState, name: &str, value: &str) -> Result<()> {
    let mut text = value.to_owned();
    match name {
        "search_path" => {
            let path = path_of(value)?;
            state.search_path = path
                .iter()
                .map(|s| if s == "$user" { state.current_user.to_string() } else { s.clone() })
                .collect();
        }
        "timezone" => state.format.time_zone = TimeZone::parse(value)?,
        "datestyle" => {
            let (style, order) = date_style(value, &state.format)?;
            state.format.date_style = style;
            state.format.date_order = order;
            text = date_style_text(style, order);
        }
        "intervalstyle" => {
            state.format.interval_style = match value.to_lowercase().as_str() {
                "postgres" => IntervalStyle::Postgres,
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                "iso_8601" => IntervalStyle::Iso8601,
                _ => return Err(invalid("IntervalStyle", value)),
            };
            text = value.to_lowercase();
        }
        "bytea_output" => {
            state.format.bytea_output =
                if value == "escape" { ByteaOutput::Escape } else { ByteaOutput::Hex };
        }
        "extra_float_digits" => state.format.extra_float_digits = value.parse().unwrap_or(1),
        "client_encoding" => match value.to_lowercase().replace(['-', '_'], "").as_str() {
            "utf8" | "unicode" | "sqlascii" => text = "UTF8".to_owned(),
            _ => return Err(invalid("client_encoding", value)),
        },
        "database" => state.database = Arc::from(value),
        _ => {}
    }
    state.variables.insert(name.to_owned(), text);
    Ok(())
}

pub(super) fn invalid(name: &str, value: &str) -> Error {
    Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{name}\": \"{value}\""),
    )
}

/// The schemas of a search path: identifiers, quoted where they must be, between commas.
fn path_of(text: &str) -> Result<Vec<String>> {
    let mut path = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut name = String::new();
                let mut chars = quoted.char_indices();
                let mut end = None;
                while let Some((at, c)) = chars.next() {
                    if c != '"' {
                        name.push(c);
                    } else if quoted.get(at + 1..).is_some_and(|r| r.starts_with('"')) {
                        name.push('"');
                        chars.next();
                    } else {
                        end = quoted.get(at + 1..);
                        break;
                    }
                }
                (name, end.ok_or_else(|| invalid("search_path", text))?)
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                (name.trim().to_lowercase(), after)
            }
        };
        path.push(name);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => {}
            None => return Err(invalid("search_path", text)),
        }
    }
    path.retain(|name| !name.is_empty());
    Ok(path)
}

fn date_style(
    text: &str,
    now: &crate::types::text::SessionFormat,
) -> Result<(DateStyle, DateOrder)> {
    let (mut style, mut order) = (now.date_style, now.date_order);
    for word in text.split(',').map(|w| w.trim().to_lowercase()) {
        match word.as_str() {
            "iso" => style = DateStyle::Iso,
            "sql" => style = DateStyle::Sql,
            "postgres" => style = DateStyle::Postgres,
            "german" => {
                style = DateStyle::German;
                order = DateOrder::Dmy;
            }
            "mdy" | "us" | "noneuro" | "noneuropean" => order = DateOrder::Mdy,
            "dmy" | "euro" | "european" => order = DateOrder::Dmy,
            "ymd" => order = DateOrder::Ymd,
            "default" => (style, order) = (DateStyle::Iso, DateOrder::Mdy),
            _ => return Err(invalid("DateStyle", text)),
        }
    }
    Ok((style, order))
}

fn date_style_text(style: DateStyle, order: DateOrder) -> String {
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::Mdy => "MDY",
        DateOrder::Dmy => "DMY",
        DateOrder::Ymd => "YMD",
    };
    format!("{style}, {order}")
}

/// The column of SHOW, named like the variable in PostgreSQL's spelling.
pub(super) fn show_fields(name: &str) -> Vec<Field> {
    let spelled = REPORTED.iter().find(|n| n.eq_ignore_ascii_case(name)).copied();
    vec![field(spelled.unwrap_or(name), Type::Text)]
}

/// The columns of SHOW ALL.
pub(super) fn show_all_fields() -> Vec<Field> {
    ["name", "setting", "description"].map(|n| field(n, Type::Text)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_path_is_a_list_of_identifiers() {
        assert_eq!(path_of("\"$user\", public").unwrap(), ["$user", "public"]);
        assert_eq!(path_of("Foo, \"Bar\"\"s\"").unwrap(), ["foo", "Bar\"s"]);
        assert!(path_of("").unwrap().is_empty());
        assert!(path_of("\"open").is_err());
    }

    #[test]
    fn durations_take_units() {
        assert_eq!(millis("1500"), Some(1_500));
        assert_eq!(millis("2s"), Some(2_000));
        assert_eq!(millis("3min"), Some(180_000));
        assert_eq!(millis("soon"), None);
        assert_eq!(shown_millis("180000"), "3min");
    }
}
