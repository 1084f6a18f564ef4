//! `||` of text, and of text with anything else.

use super::args::{any, txt};
use super::row::{Row, f, t, typed};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::cast::{CastContext, cast};
use crate::types::{Datum, Type};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1258, "textcat", "text text", "text", |_, a| Ok(concatenated(txt(a, 0)?, txt(a, 1)?))),
    t(2003, "textanycat", "text anynonarray", "text", typed!(text_and_any)).stable(),
    t(2004, "anytextcat", "anynonarray text", "text", typed!(text_and_any)).stable(),
];

/// Two strings, one after the other.
fn concatenated(a: &str, b: &str) -> Datum {
    let mut joined = String::with_capacity(a.len() + b.len());
    joined.push_str(a);
    joined.push_str(b);
    Datum::text(joined)
}

/// What is not text is cast to it.
fn text_and_any(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let mut joined = String::new();
    for (i, ty) in types.iter().enumerate() {
        match any(a, i)? {
            Datum::Text(text) => joined.push_str(text),
            other => {
                let text = Type::Text.into();
                let format = &context.session.format;
                if let Datum::Text(text) = cast(other, ty, &text, CastContext::Explicit, format)? {
                    joined.push_str(&text);
                }
            }
        }
    }
    Ok(Datum::text(joined))
}
