//! Putting strings together: `concat`, `format`, the quoting functions.

use super::args::{any, txt};
use super::row::{Row, f, t, typed};
use super::string_case::bounded;
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::syntax::quote_identifier;
use crate::types::cast::{CastContext, cast};
use crate::types::{Datum, Type, text};

pub(super) const FUNCTIONS: &[Row] = &[
    t(3058, "concat", "any*", "text", typed!(concat)).stable().lax(),
    t(3059, "concat_ws", "text any*", "text", typed!(concat_ws)).stable().lax(),
    t(3539, "format", "text any*", "text", typed!(format)).stable().lax(),
    t(3540, "format", "text", "text", typed!(format)).stable().lax(),
    f(1282, "quote_ident", "text", "text", |_, a| Ok(Datum::text(quote_identifier(txt(a, 0)?)))),
    f(1283, "quote_literal", "text", "text", |_, a| {
        Ok(Datum::text(text::quote_literal(txt(a, 0)?)))
    }),
    t(1285, "quote_literal", "anyelement", "text", typed!(quote_nullable)).stable(),
    f(1289, "quote_nullable", "text", "text", |_, a| {
        Ok(Datum::text(match any(a, 0)? {
            Datum::Null => "NULL".to_string(),
            _ => text::quote_literal(txt(a, 0)?),
        }))
    })
    .lax(),
    t(1290, "quote_nullable", "anyelement", "text", typed!(quote_nullable)).stable().lax(),
];

/// The static type of an argument, or what its value shows.
fn type_at(types: &[Type], a: &[Datum], i: usize) -> Type {
    types.get(i).cloned().unwrap_or_else(|| a.get(i).map_or(Type::Unknown, Datum::shown_type))
}

/// What `value::text` gives; `None` for NULL.
pub(super) fn cast_to_text(
    context: &EvalContext<'_>,
    ty: &Type,
    value: &Datum,
) -> Result<Option<String>> {
    Ok(match value {
        Datum::Null => None,
        Datum::Text(text) => Some(text.to_string()),
        other => {
            let format = &context.session.format;
            match cast(other, ty, &Type::Text.into(), CastContext::Explicit, format)? {
                Datum::Text(text) => Some(text.to_string()),
                _ => None,
            }
        }
    })
}

fn concat(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let mut out = String::new();
    for (i, value) in a.iter().enumerate().filter(|(_, v)| !v.is_null()) {
        text::format_typed(value, &type_at(types, a, i), &context.session.format, &mut out);
        bounded(out.len())?;
    }
    Ok(Datum::text(out))
}

fn concat_ws(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    if any(a, 0)?.is_null() {
        return Ok(Datum::Null);
    }
    let separator = txt(a, 0)?;
    let mut out = String::new();
    let mut first = true;
    for (i, value) in a.iter().enumerate().skip(1).filter(|(_, v)| !v.is_null()) {
        if !std::mem::take(&mut first) {
            out.push_str(separator);
        }
        text::format_typed(value, &type_at(types, a, i), &context.session.format, &mut out);
        bounded(out.len())?;
    }
    Ok(Datum::text(out))
}

fn quote_nullable(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let text = cast_to_text(context, &type_at(types, a, 0), any(a, 0)?)?;
    Ok(Datum::text(text.map_or_else(|| "NULL".to_string(), |t| text::quote_literal(&t))))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

fn unterminated() -> Error {
    invalid("unterminated format() type specifier").with_hint("For a single \"%\" use \"%%\".")
}

/// The characters of a format string after a `%`.
struct Specifier<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Specifier<'_> {
    fn peek(&mut self) -> Result<char> {
        self.rest.peek().copied().ok_or_else(unterminated)
    }

    /// A decimal number, if one comes next.
    fn number(&mut self) -> Result<Option<i32>> {
        let mut value: Option<i32> = None;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            self.rest.next();
            value = Some(
                value
                    .unwrap_or(0)
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(digit as i32))
                    .ok_or_else(|| {
                        Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range")
                    })?,
            );
        }
        if value.is_some() {
            self.peek()?;
        }
        Ok(value)
    }

    /// `n$` after the first number was read: which argument is meant.
    fn position(&mut self, number: i32) -> Result<usize> {
        self.rest.next();
        match usize::try_from(number) {
            Ok(0) | Err(_) => {
                Err(invalid("format specifies argument 0, but arguments are numbered from 1"))
            }
            Ok(n) => Ok(n),
        }
    }
}

/// How wide a piece is made, and on which side the blanks go.
#[derive(Default)]
struct Width {
    columns: i32,
    left: bool,
}

/// `format(text, …)`
fn format(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    if any(a, 0)?.is_null() {
        return Ok(Datum::Null);
    }
    let mut out = String::new();
    let mut specifier = Specifier { rest: txt(a, 0)?.chars().peekable() };
    let mut next = 1;
    while let Some(c) = specifier.rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if specifier.peek()? == '%' {
            specifier.rest.next();
            out.push('%');
            continue;
        }
        let mut explicit = None;
        let mut width = Width::default();
        let first = specifier.number()?;
        match first {
            Some(n) if specifier.peek()? == '$' => {
                explicit = Some(specifier.position(n)?);
                specifier.peek()?;
            }
            Some(n) => width.columns = n,
            None => {}
        }
        if first.is_none() || explicit.is_some() {
            while specifier.peek()? == '-' {
                specifier.rest.next();
                width.left = true;
            }
            if specifier.peek()? == '*' {
                specifier.rest.next();
                let position = match specifier.number()? {
                    Some(n) if specifier.peek()? == '$' => specifier.position(n)?,
                    Some(_) => {
                        return Err(invalid("width argument position must be ended by \"$\""));
                    }
                    None => next,
                };
                next = position + 1;
                width = star_width(a, position, width.left)?;
                specifier.peek()?;
            } else if let Some(n) = specifier.number()? {
                width.columns = n;
            }
        }
        let position = explicit.unwrap_or(next);
        let conversion = specifier.rest.next().ok_or_else(unterminated)?;
        if !matches!(conversion, 's' | 'I' | 'L') {
            return Err(invalid(format!("unrecognized format() type specifier \"{conversion}\""))
                .with_hint("For a single \"%\" use \"%%\"."));
        }
        let value = a.get(position).ok_or_else(|| invalid("too few arguments for format()"))?;
        next = position + 1;
        let piece = piece(context, &type_at(types, a, position), value, conversion)?;
        append(&mut out, &piece, &width)?;
    }
    Ok(Datum::text(out))
}

/// The width that an argument gives for `*`.
fn star_width(a: &[Datum], position: usize, left: bool) -> Result<Width> {
    let columns = match a.get(position) {
        None => return Err(invalid("too few arguments for format()")),
        Some(Datum::Null) => 0,
        Some(Datum::Int2(v)) => i32::from(*v),
        Some(Datum::Int4(v)) => *v,
        Some(other) => match other {
            Datum::Int8(v) => {
                i32::try_from(*v).map_err(|_| crate::types::arith::out_of_range("integer"))?
            }
            Datum::Text(v) => v.trim().parse().map_err(|_| {
                Error::new(
                    sqlstate::INVALID_TEXT_REPRESENTATION,
                    format!("invalid input syntax for type integer: \"{v}\""),
                )
            })?,
            other => {
                return Err(invalid(format!("{} is no width for format()", other.shown_type())));
            }
        },
    };
    match columns < 0 {
        true => Ok(Width {
            columns: columns.checked_neg().ok_or_else(|| invalid("number is out of range"))?,
            left: true,
        }),
        false => Ok(Width { columns, left }),
    }
}

fn piece(context: &EvalContext<'_>, ty: &Type, value: &Datum, conversion: char) -> Result<String> {
    if value.is_null() {
        return match conversion {
            's' => Ok(String::new()),
            'L' => Ok("NULL".into()),
            _ => Err(Error::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                "null values cannot be formatted as an SQL identifier",
            )),
        };
    }
    let plain = text::to_string(value, ty, &context.session.format);
    Ok(match conversion {
        's' => plain,
        'L' => text::quote_literal(&plain),
        _ => quote_identifier(&plain),
    })
}

fn append(out: &mut String, piece: &str, width: &Width) -> Result<()> {
    let columns = usize::try_from(width.columns).unwrap_or(0);
    let blanks = columns.saturating_sub(piece.chars().count());
    bounded(out.len().saturating_add(piece.len()).saturating_add(blanks))?;
    if !width.left {
        out.extend(std::iter::repeat_n(' ', blanks));
    }
    out.push_str(piece);
    if width.left {
        out.extend(std::iter::repeat_n(' ', blanks));
    }
    Ok(())
}
