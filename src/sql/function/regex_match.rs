//! Compiled regular expressions, kept for the next row, and walking over their matches.

use std::cell::RefCell;
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::regex_syntax::{Options, invalid, translate};
use crate::error::{Error, Result, sqlstate};

/// Expressions that one thread keeps compiled, as many as PostgreSQL does.
const KEPT: usize = 32;

/// Bytes that one compiled expression may take.
const COMPILED_BYTES_MAX: usize = 4 << 20;

type Kept = Vec<(String, Options, Arc<Regex>)>;

thread_local! {
    /// The most recently used expression comes first.
    static CACHE: RefCell<Kept> = const { RefCell::new(Vec::new()) };
}

/// A compiled expression.
pub(super) fn compile(pattern: &str, options: Options) -> Result<Arc<Regex>> {
    let found = CACHE.with_borrow_mut(|cache| {
        let i = cache.iter().position(|(p, o, _)| p == pattern && *o == options)?;
        let entry = cache.remove(i);
        let regex = entry.2.clone();
        cache.insert(0, entry);
        Some(regex)
    });
    if let Some(regex) = found {
        return Ok(regex);
    }
    let (text, effective) = translate(pattern, options)?;
    let regex = RegexBuilder::new(&text)
        .case_insensitive(effective.ignore_case)
        .dot_matches_new_line(!effective.dot_stops_at_newline)
        .multi_line(effective.anchors_at_lines)
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
            other => invalid(&other.to_string().replace('\n', " ")),
        })?;
    let regex = Arc::new(regex);
    CACHE.with_borrow_mut(|cache| {
        cache.truncate(KEPT - 1);
        cache.insert(0, (pattern.to_string(), options, regex.clone()));
    });
    Ok(regex)
}

/// Option letters as functions take them: the options, and whether `g` was among them.
pub(super) fn parse_flags(flags: &str) -> Result<(Options, bool)> {
    let (mut options, mut global) = (Options::default(), false);
    for letter in flags.chars() {
        if letter == 'g' {
            global = true;
        } else if !options.set(letter)? {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("invalid regular expression option: \"{letter}\""),
            ));
        }
    }
    Ok((options, global))
}

/// The next position after `at` at which a character starts (or one past the end).
fn next_character(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8)
}

/// Walks over the matches in a text from a byte position on; after an empty match it goes one
/// character further. An empty match right behind another match counts.
pub(super) fn each_match<'t>(
    regex: &Regex,
    text: &'t str,
    from: usize,
    mut visit: impl FnMut(&Captures<'t>) -> Result<bool>,
) -> Result<()> {
    let mut at = from;
    while at <= text.len() {
        let Some(found) = regex.captures_at(text, at) else { break };
        let Some(whole) = found.get(0) else { break };
        if !visit(&found)? {
            break;
        }
        at = whole.end();
        if whole.is_empty() {
            at = next_character(text, at);
        }
    }
    Ok(())
}

/// The pieces between matches; empty matches at either end or right behind a match do not split.
pub(super) fn split<'t>(regex: &Regex, text: &'t str) -> Result<Vec<&'t str>> {
    let mut pieces = Vec::new();
    let (mut piece_start, mut last_end) = (0, 0);
    each_match(regex, text, 0, |found| {
        if let Some(whole) = found.get(0) {
            if whole.start() < text.len() && whole.end() > last_end {
                pieces.push(text.get(piece_start..whole.start()).unwrap_or(""));
                piece_start = whole.end();
            }
            last_end = whole.end();
        }
        Ok(true)
    })?;
    pieces.push(text.get(piece_start..).unwrap_or(""));
    Ok(pieces)
}

/// The byte position of the n-th character, counted from one; the end for what lies behind it.
pub(super) fn byte_position(text: &str, character: i32) -> usize {
    let n = usize::try_from(character.saturating_sub(1)).unwrap_or(0);
    match text.char_indices().nth(n) {
        Some((at, _)) => at,
        // Behind the end there is nothing to find, not even an empty match, except at the end.
        None if n == text.chars().count() => text.len(),
        None => text.len() + 1,
    }
}
