//! EXTRACT, AT TIME ZONE, INTERVAL, OVERLAPS and the values of "now".

use sqlparser::ast::{DateTimeField, Expr, Ident, Interval, Value, ValueWithSpan};

use super::binder::Binder;
use super::name::{At, position};
use super::type_name::interval_of;
use crate::error::{Error, Result};
use crate::sql::scalar::Scalar;
use crate::types::{ColumnType, Datum, Type, typmod};

/// The fields of intervals, largest first.
const FIELDS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];

impl Binder<'_> {
    /// `EXTRACT(field FROM x)`.
    pub fn extract(&mut self, field: &DateTimeField, x: &Expr) -> Result<Scalar> {
        let field = match field {
            DateTimeField::Custom(ident) => ident.value.clone(),
            other => other.to_string().to_lowercase(),
        };
        let x = self.expr(x)?;
        self.call_named("extract", vec![Scalar::literal(Datum::text(field), Type::Text), x])
    }

    /// `x AT TIME ZONE zone`.
    pub fn at_time_zone(&mut self, x: &Expr, zone: &Expr) -> Result<Scalar> {
        let x = self.expr(x)?;
        let zone = self.expr(zone)?;
        self.call_named("timezone", vec![zone, x])
    }

    /// `(a, b) OVERLAPS (c, d)`.
    pub fn overlaps(&mut self, left: &Expr, right: &Expr) -> Result<Scalar> {
        let mut args = Vec::with_capacity(4);
        for (side, word) in [(left, "left"), (right, "right")] {
            let fields = super::row::fields(side).filter(|f| f.len() == 2).ok_or_else(|| {
                Error::syntax(format!(
                    "wrong number of parameters on {word} side of OVERLAPS expression"
                ))
            })?;
            for field in fields {
                args.push(self.expr(field)?);
            }
        }
        self.call_named("overlaps", args)
    }

    /// `INTERVAL 'text' fields`.
    pub fn interval(&mut self, interval: &Interval) -> Result<Scalar> {
        let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(word), span }) =
            &*interval.value
        else {
            return Err(Error::syntax(format!("syntax error at or near \"{}\"", interval.value)));
        };
        let target = interval_type(interval).at(*span)?;
        let value = self.unknown(word, position(*span));
        self.explicit_cast(value, &target)
    }

    /// A keyword without parentheses that stands for a value: `current_schema`, `localtime`, …
    pub fn keyword_value(&mut self, ident: &Ident) -> Result<Option<Scalar>> {
        if ident.quote_style.is_some() {
            return Ok(None);
        }
        self.time_value(&ident.value, None)
    }

    /// `CURRENT_TIMESTAMP(3)`, `CURRENT_USER` and their like. `args` is `None` without
    /// parentheses; with them only some of the words are special.
    pub fn time_value(&mut self, word: &str, args: Option<&[&Expr]>) -> Result<Option<Scalar>> {
        let function = match (word, args.is_none()) {
            ("current_user" | "current_role" | "user", true) => Some("current_user"),
            ("session_user", true) => Some("session_user"),
            ("current_catalog", true) => Some("current_database"),
            ("current_schema", true) => Some("current_schema"),
            _ => None,
        };
        if let Some(function) = function {
            return self.call_named(function, Vec::new()).map(Some);
        }
        let ty = match word {
            "current_date" if args.is_none() => Type::Date,
            "current_timestamp" => Type::Timestamptz,
            "current_time" => Type::Timetz,
            "localtimestamp" => Type::Timestamp,
            "localtime" => Type::Time,
            _ => return Ok(None),
        };
        let modifier = match args {
            None => -1,
            Some([Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. })]) => {
                let precision = digits.parse().map_err(|_| Error::syntax("invalid precision"))?;
                typmod::modifier_for(&ty, &[precision])?
            }
            Some(_) => return Err(Error::syntax(format!("syntax error at or near \"{word}\""))),
        };
        let now = self.call_named("now", Vec::new())?;
        self.explicit_cast(now, &ColumnType { ty, modifier }).map(Some)
    }
}

fn interval_type(interval: &Interval) -> Result<ColumnType> {
    let precision = interval.fractional_seconds_precision.or(interval.leading_precision);
    let place = |field: &DateTimeField| {
        let name = field.to_string().to_lowercase();
        FIELDS
            .iter()
            .position(|f| *f == name)
            .ok_or_else(|| Error::syntax(format!("syntax error at or near \"{name}\"")))
    };
    let Some(leading) = &interval.leading_field else { return interval_of(&[], precision) };
    let first = place(leading)?;
    let last = match &interval.last_field {
        Some(last) => place(last)?,
        None => first,
    };
    match FIELDS.get(first..=last) {
        // Years and months do not mix with the rest.
        Some(names) if first >= 2 || last <= 1 => interval_of(names, precision),
        _ => Err(Error::syntax("syntax error in the fields of an interval")),
    }
}
