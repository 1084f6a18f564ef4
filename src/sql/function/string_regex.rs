//! The regular expression operators and functions, and SIMILAR TO.

use super::args::{any, i4, txt};
use super::regex_match::{byte_position, compile, each_match, parse_flags, split};
use super::regex_syntax::Options;
use super::row::{Row, f};
use super::similar::{Part, similar_to_regex};
use super::string_case::{bounded, count};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Array, Datum, Type};

/// Matching without and with regard to case.
const EXACT: Options = Options {
    ignore_case: false,
    dot_stops_at_newline: false,
    anchors_at_lines: false,
    expanded: false,
    literal: false,
};
const NO_CASE: Options = Options { ignore_case: true, ..EXACT };

macro_rules! matchers {
    ($(($oid:literal, $name:literal, $left:literal, $options:ident, $wanted:literal)),* $(,)?) => {
        /// The operators `~`, `~*` and their negations.
        pub(super) const OPERATORS: &[Row] = &[
            $(f($oid, $name, $left, "bool", |_, a| {
                Ok(Datum::Bool(compile(txt(a, 1)?, $options)?.is_match(txt(a, 0)?) == $wanted))
            }),)*
        ];
    };
}

matchers! {
    (1254, "textregexeq", "text text", EXACT, true),
    (1256, "textregexne", "text text", EXACT, false),
    (1238, "texticregexeq", "text text", NO_CASE, true),
    (1239, "texticregexne", "text text", NO_CASE, false),
    (1658, "bpcharregexeq", "bpchar text", EXACT, true),
    (1659, "bpcharregexne", "bpchar text", EXACT, false),
    (1656, "bpcharicregexeq", "bpchar text", NO_CASE, true),
    (1657, "bpcharicregexne", "bpchar text", NO_CASE, false),
    (79, "nameregexeq", "name text", EXACT, true),
    (1252, "nameregexne", "name text", EXACT, false),
    (1240, "nameicregexeq", "name text", NO_CASE, true),
    (1241, "nameicregexne", "name text", NO_CASE, false),
}

/// The functions.
pub(super) const FUNCTIONS: &[Row] = &[
    f(6263, "regexp_like", "text text", "bool", like),
    f(6264, "regexp_like", "text text text", "bool", like),
    f(6254, "regexp_count", "text text", "int4", counted),
    f(6255, "regexp_count", "text text int4", "int4", counted),
    f(6256, "regexp_count", "text text int4 text", "int4", counted),
    f(3396, "regexp_match", "text text", "_text", first_match),
    f(3397, "regexp_match", "text text text", "_text", first_match),
    f(6265, "regexp_substr", "text text", "text", nth_substring),
    f(6266, "regexp_substr", "text text int4", "text", nth_substring),
    f(6267, "regexp_substr", "text text int4 int4", "text", nth_substring),
    f(6268, "regexp_substr", "text text int4 int4 text", "text", nth_substring),
    f(6269, "regexp_substr", "text text int4 int4 text int4", "text", nth_substring),
    f(6257, "regexp_instr", "text text", "int4", position),
    f(6258, "regexp_instr", "text text int4", "int4", position),
    f(6259, "regexp_instr", "text text int4 int4", "int4", position),
    f(6260, "regexp_instr", "text text int4 int4 int4", "int4", position),
    f(6261, "regexp_instr", "text text int4 int4 int4 text", "int4", position),
    f(6262, "regexp_instr", "text text int4 int4 int4 text int4", "int4", position),
    f(2767, "regexp_split_to_array", "text text", "_text", split_to_array),
    f(2768, "regexp_split_to_array", "text text text", "_text", split_to_array),
    f(2284, "regexp_replace", "text text text", "text", |_, a| {
        replace(txt(a, 0)?, txt(a, 1)?, txt(a, 2)?, EXACT, 1, Some(1))
    }),
    f(2285, "regexp_replace", "text text text text", "text", |_, a| {
        let flags = txt(a, 3)?;
        if flags.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("invalid regular expression option: \"{}\"", &flags[..1]),
            )
            .with_hint(
                "If you meant to use regexp_replace() with a start parameter, cast the fourth \
                 argument to integer explicitly.",
            ));
        }
        let (options, global) = parse_flags(flags)?;
        replace(txt(a, 0)?, txt(a, 1)?, txt(a, 2)?, options, 1, (!global).then_some(1))
    }),
    f(6253, "regexp_replace", "text text text int4", "text", |_, a| {
        replace(txt(a, 0)?, txt(a, 1)?, txt(a, 2)?, EXACT, positive(a, 3, "start")?, Some(1))
    }),
    f(6252, "regexp_replace", "text text text int4 int4", "text", |_, a| {
        let start = positive(a, 3, "start")?;
        replace(txt(a, 0)?, txt(a, 1)?, txt(a, 2)?, EXACT, start, nth(a, 4)?)
    }),
    f(6251, "regexp_replace", "text text text int4 int4 text", "text", |_, a| {
        let start = positive(a, 3, "start")?;
        let options = parse_flags(txt(a, 5)?)?.0;
        replace(txt(a, 0)?, txt(a, 1)?, txt(a, 2)?, options, start, nth(a, 4)?)
    }),
    f(2073, "substring", "text text", "text", |_, a| {
        Ok(capture(txt(a, 0)?, txt(a, 1)?)?.map(Datum::text).into())
    }),
    f(2074, "substring", "text text text", "text", |_, a| {
        let pattern = similar_to_regex(txt(a, 1)?, Some(txt(a, 2)?), Part::Extract)?;
        Ok(capture(txt(a, 0)?, &pattern)?.map(Datum::text).into())
    }),
    f(1987, "similar_to_escape", "text", "text", |_, a| {
        Ok(Datum::text(similar_to_regex(txt(a, 0)?, Some("\\"), Part::Test)?))
    }),
    f(1986, "similar_to_escape", "text text", "text", |_, a| {
        Ok(Datum::text(similar_to_regex(txt(a, 0)?, Some(txt(a, 1)?), Part::Test)?))
    }),
    f(1623, "similar_escape", "text text", "text", |_, a| {
        if any(a, 0)?.is_null() {
            return Ok(Datum::Null);
        }
        let escape = match any(a, 1)? {
            Datum::Null => "\\",
            _ => txt(a, 1)?,
        };
        Ok(Datum::text(similar_to_regex(txt(a, 0)?, Some(escape), Part::Test)?))
    })
    .lax(),
];

type Context<'a> = crate::sql::exec::context::EvalContext<'a>;

/// Options from argument `i`, if it is there. `g` is refused where it would mean nothing.
fn options(a: &[Datum], i: usize, function: &str, hint: Option<&str>) -> Result<Options> {
    let Some(Datum::Text(flags)) = a.get(i) else { return Ok(EXACT) };
    let (options, global) = parse_flags(flags)?;
    if global {
        let e = Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("{function}() does not support the \"global\" option"),
        );
        return Err(match hint {
            Some(hint) => e.with_hint(hint),
            None => e,
        });
    }
    Ok(options)
}

/// Argument `i`, an integer that has to be at least one; one if it is not there.
fn positive(a: &[Datum], i: usize, name: &str) -> Result<i32> {
    match a.get(i) {
        None => Ok(1),
        Some(_) => match i4(a, i)? {
            n if n > 0 => Ok(n),
            n => Err(invalid_value(name, n)),
        },
    }
}

fn invalid_value(name: &str, value: i32) -> Error {
    Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{name}\": {value}"),
    )
}

/// Which match is meant; zero means all of them.
fn nth(a: &[Datum], i: usize) -> Result<Option<i32>> {
    match i4(a, i)? {
        0 => Ok(None),
        n if n > 0 => Ok(Some(n)),
        n => Err(invalid_value("n", n)),
    }
}

fn like(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let options = options(a, 2, "regexp_like", None)?;
    Ok(Datum::Bool(compile(txt(a, 1)?, options)?.is_match(txt(a, 0)?)))
}

fn counted(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let start = positive(a, 2, "start")?;
    let options = options(a, 3, "regexp_count", None)?;
    let text = txt(a, 0)?;
    let mut matches = 0;
    each_match(&*compile(txt(a, 1)?, options)?, text, byte_position(text, start), |_| {
        matches += 1;
        Ok(true)
    })?;
    count(matches)
}

/// The groups of a match as an array, or the whole match when there are no groups.
pub(super) fn groups(found: &regex::Captures<'_>) -> Datum {
    let whole_only = found.len() == 1;
    let groups = found.iter().skip(usize::from(!whole_only));
    let items = groups.map(|g| g.map(|g| Datum::text(g.as_str())).into()).collect();
    Datum::Array(Array::from_items(Type::Text, items).into())
}

fn first_match(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let hint = Some("Use the regexp_matches function instead.");
    let options = options(a, 2, "regexp_match", hint)?;
    let regex = compile(txt(a, 1)?, options)?;
    Ok(regex.captures(txt(a, 0)?).map(|found| groups(&found)).into())
}

/// The n-th match from a start, as the byte range of one of its groups.
fn find_nth(
    text: &str,
    pattern: &str,
    options: Options,
    (start, n, group): (i32, i32, i32),
) -> Result<Option<(usize, usize)>> {
    let mut seen = 0;
    let mut range = None;
    let regex = compile(pattern, options)?;
    each_match(&regex, text, byte_position(text, start), |found| {
        seen += 1;
        if seen == n {
            // Without groups the whole match counts as the first.
            let group = if found.len() == 1 && group == 1 { 0 } else { group };
            let group = usize::try_from(group).unwrap_or(usize::MAX);
            range = found.get(group).map(|m| (m.start(), m.end()));
        }
        Ok(seen < n)
    })?;
    Ok(range)
}

/// Argument `i`, which group is meant; zero is the whole match.
fn group(a: &[Datum], i: usize) -> Result<i32> {
    match a.get(i) {
        None => Ok(0),
        Some(_) => match i4(a, i)? {
            n if n >= 0 => Ok(n),
            n => Err(invalid_value("subexpr", n)),
        },
    }
}

fn nth_substring(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let which = (positive(a, 2, "start")?, positive(a, 3, "n")?, group(a, 5)?);
    let options = options(a, 4, "regexp_substr", None)?;
    let text = txt(a, 0)?;
    let range = find_nth(text, txt(a, 1)?, options, which)?;
    Ok(range.map(|(start, end)| Datum::text(&text[start..end])).into())
}

fn position(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let which = (positive(a, 2, "start")?, positive(a, 3, "n")?, group(a, 6)?);
    let at_end = match a.get(4) {
        None => false,
        Some(_) => match i4(a, 4)? {
            0 => false,
            1 => true,
            n => return Err(invalid_value("endoption", n)),
        },
    };
    let options = options(a, 5, "regexp_instr", None)?;
    let text = txt(a, 0)?;
    match find_nth(text, txt(a, 1)?, options, which)? {
        None => Ok(Datum::Int4(0)),
        Some((start, end)) => count(text[..if at_end { end } else { start }].chars().count() + 1),
    }
}

/// The pieces that `regexp_split_to_array` and `…_to_table` give.
pub(super) fn split_fields(a: &[Datum], function: &str) -> Result<Vec<Datum>> {
    let options = options(a, 2, function, None)?;
    let regex = compile(txt(a, 1)?, options)?;
    Ok(split(&regex, txt(a, 0)?)?.into_iter().map(Datum::text).collect())
}

fn split_to_array(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    let pieces = split_fields(a, "regexp_split_to_array")?;
    Ok(Datum::Array(Array::from_items(Type::Text, pieces).into()))
}

/// The first group of the first match, or the whole match.
fn capture<'t>(text: &'t str, pattern: &str) -> Result<Option<&'t str>> {
    let regex = compile(pattern, EXACT)?;
    let Some(found) = regex.captures(text) else { return Ok(None) };
    let group = if found.len() > 1 { found.get(1) } else { found.get(0) };
    Ok(group.map(|m| m.as_str()))
}

/// Replaces the n-th match from a start, or all of them.
fn replace(
    text: &str,
    pattern: &str,
    replacement: &str,
    options: Options,
    start: i32,
    n: Option<i32>,
) -> Result<Datum> {
    let regex = compile(pattern, options)?;
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut seen) = (0, 0);
    each_match(&regex, text, byte_position(text, start), |found| {
        seen += 1;
        if n.is_some_and(|n| n != seen) {
            return Ok(true);
        }
        if let Some(whole) = found.get(0) {
            out.push_str(text.get(copied..whole.start()).unwrap_or(""));
            copied = whole.end();
        }
        expand(replacement, found, &mut out);
        bounded(out.len())?;
        Ok(n.is_none())
    })?;
    out.push_str(text.get(copied..).unwrap_or(""));
    Ok(Datum::text(out))
}

/// Appends a replacement with `\1` … `\9`, `\&` and `\\` filled in.
fn expand(replacement: &str, found: &regex::Captures<'_>, out: &mut String) {
    let mut rest = replacement.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let group = match rest.peek() {
            Some('&') => Some(0),
            Some('\\') => {
                out.push('\\');
                rest.next();
                continue;
            }
            Some(digit) => digit.to_digit(10).filter(|d| *d > 0),
            None => None,
        };
        match group {
            Some(group) => {
                rest.next();
                out.push_str(found.get(group as usize).map_or("", |m| m.as_str()));
            }
            None => out.push('\\'),
        }
    }
}
