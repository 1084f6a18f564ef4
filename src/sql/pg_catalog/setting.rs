//! `pg_settings` and `pg_timezone_names`: session variables, and time zones.

use super::notation::{Definition, NULL, row, view};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::sql::session::show_variable;
use crate::types::datetime::TimeZone;
use crate::types::{Datum, Interval};

pub(super) const TABLES: &[Definition] = &[
    view(
        12104,
        "pg_settings",
        "name text, setting text, unit text, category text, short_desc text, \
         extra_desc text, context text, vartype text, source text, min_val text, \
         max_val text, enumvals _text, boot_val text, reset_val text, sourcefile text, \
         sourceline int4, pending_restart bool",
        settings,
    ),
    view(
        12126,
        "pg_timezone_names",
        "name text, abbrev text, utc_offset interval, is_dst bool",
        time_zones,
    ),
];

fn settings(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let session = &context.eval.session;
    let mut names: Vec<&String> = session.variables.keys().collect();
    names.sort_unstable();
    let rows = names.into_iter().filter_map(|name| {
        let value = show_variable(session, name)?;
        let kind = match value.as_str() {
            "on" | "off" => "bool",
            other if !other.is_empty() && other.bytes().all(|b| b.is_ascii_digit()) => "integer",
            _ => "string",
        };
        Some(row![
            name,
            &value,
            NULL,
            "Session variables",
            "",
            NULL,
            "user",
            kind,
            "session",
            NULL,
            NULL,
            NULL,
            &value,
            &value,
            NULL,
            NULL,
            false,
        ])
    });
    Ok(rows.collect())
}

fn time_zones(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let now = context.eval.statement_time;
    let mut rows = Vec::new();
    for name in TimeZone::names() {
        let zone = TimeZone::parse(name)?;
        let offset = zone.offset_at(now);
        let micros = i64::from(offset) * 1_000_000;
        let offset_value = Datum::Interval(Interval { months: 0, days: 0, micros });
        rows.push(row![name, zone.abbreviation_at(now), offset_value, zone.is_dst_at(now)]);
    }
    Ok(rows)
}
