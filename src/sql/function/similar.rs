//! SQL's own regular expressions (`SIMILAR TO`, `SUBSTRING … SIMILAR`) as PostgreSQL's.

use crate::error::{Error, Result, SqlState, sqlstate};

/// `2200C`
const INVALID_USE_OF_ESCAPE_CHARACTER: SqlState = SqlState::new(b"2200C");

/// What the expression is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// Whether all of a string matches.
    Test,
    /// The part between two escaped double quotes; what comes before it is to be short.
    Extract,
}

/// `%` and `_` become `.*` and `.`; the whole is anchored; escape-double-quotes mark the group that
/// is extracted.
pub(super) fn similar_to_regex(pattern: &str, escape: Option<&str>, part: Part) -> Result<String> {
    let mut escapes = escape.unwrap_or("").chars();
    let escape = match (escapes.next(), escapes.next()) {
        (only, None) => only,
        _ => {
            return Err(Error::new(sqlstate::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
    };
    let separators = match escape {
        Some(e) => pattern.matches(&format!("{e}\"")).count(),
        None => 0,
    };
    let mut out = String::from("^(?:");
    let (mut quotes, mut escaped, mut in_brackets) = (0, false, false);
    for c in pattern.chars() {
        if escaped {
            escaped = false;
            if c != '"' || in_brackets {
                out.push('\\');
                out.push(c);
                continue;
            }
            out.push_str(match quotes {
                0 => "){1,1}?(",
                1 => "){1,1}(?:",
                _ => {
                    return Err(Error::new(
                        INVALID_USE_OF_ESCAPE_CHARACTER,
                        "SQL regular expression may not contain more than two \
                         escape-double-quote separators",
                    ));
                }
            });
            quotes += 1;
        } else if Some(c) == escape {
            escaped = true;
        } else if in_brackets {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            in_brackets = c != ']';
        } else {
            match c {
                '[' => {
                    out.push(c);
                    in_brackets = true;
                }
                // The engine has no quantifier that makes what is within it short.
                '%' if part == Part::Extract && separators == 2 && quotes == 0 => {
                    out.push_str(".*?");
                }
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                '(' => out.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}
