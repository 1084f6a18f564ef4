//! Types as a statement names them.

use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, Ident, IntervalFields,
    ObjectName, TimezoneInfo,
};

use super::BindContext;
use super::binder::Search;
use super::name::words;
use crate::catalog::user_type::find_user_type;
use crate::error::{Error, Result, sqlstate};
use crate::types::{ColumnType, Type, oid, typmod};

/// Finds the user-defined type that the parts of a name mean.
pub type FindType<'f> = &'f dyn Fn(&[&str]) -> Result<Option<Type>>;

/// The type that a name in the tree means; users' types are not looked for.
pub fn column_type(name: &DataType) -> Result<ColumnType> {
    column_type_with(name, &|_| Ok(None))
}

/// The type that a name in a statement means.
pub fn column_type_in(ctx: &BindContext<'_>, name: &DataType) -> Result<ColumnType> {
    column_type_with(name, &|words| {
        let search = Search::new(ctx)?;
        find_user_type(ctx.catalog, search.scope(), words)
    })
}

/// Puts numbers in the place of the names of users' types, as the catalogue keeps them.
pub(super) fn pin_types(ctx: &BindContext<'_>, name: &mut DataType) -> Result<()> {
    let numbered = |id: u32| {
        let word = Ident::with_quote('"', format!("@{id}"));
        DataType::Custom(ObjectName::from(vec![word]), Vec::new())
    };
    match name {
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element)
            | ArrayElemTypeDef::Qualified(element, _),
        ) => pin_types(ctx, element),
        other => {
            match column_type_in(ctx, other)?.ty {
                Type::Enum(own) => *other = numbered(own.id()),
                Type::Array(element) => {
                    if let Type::Enum(own) = *element {
                        let element = Box::new(numbered(own.id()));
                        *other = DataType::Array(ArrayElemTypeDef::SquareBracket(element, None));
                    }
                }
                _ => {}
            }
            Ok(())
        }
    }
}

/// The same, where `find` knows users' types.
pub(super) fn column_type_with(name: &DataType, find: FindType<'_>) -> Result<ColumnType> {
    use DataType as D;
    let plain = |ty: Type| Ok(ColumnType::plain(ty));
    match name {
        D::Bool | D::Boolean => plain(Type::Bool),
        D::Int2(None) | D::SmallInt(None) => plain(Type::Int2),
        D::Int(None) | D::Integer(None) | D::Int4(None) => plain(Type::Int4),
        D::BigInt(None) | D::Int8(None) | D::Int64 => plain(Type::Int8),
        D::Real | D::Float4 => plain(Type::Float4),
        D::Float8 | D::Float64 | D::DoublePrecision | D::Double(ExactNumberInfo::None) => {
            plain(Type::Float8)
        }
        D::Float(ExactNumberInfo::None) => plain(Type::Float8),
        D::Float(ExactNumberInfo::Precision(p)) => match p {
            0 => Err(invalid("precision for type float must be at least 1 bit")),
            1..=24 => plain(Type::Float4),
            25..=53 => plain(Type::Float8),
            _ => Err(invalid("precision for type float must be less than 54 bits")),
        },
        D::Numeric(info) | D::Decimal(info) | D::Dec(info) => numeric(info),
        D::Text | D::String(None) => plain(Type::Text),
        D::Varchar(length) | D::CharacterVarying(length) | D::CharVarying(length) => {
            sized(Type::Varchar, length.as_ref())
        }
        D::String(Some(n)) => with_args(Type::Varchar, &[i64::try_from(*n).unwrap_or(i64::MAX)]),
        D::Char(None) | D::Character(None) => with_args(Type::Bpchar, &[1]),
        D::Char(length) | D::Character(length) => sized(Type::Bpchar, length.as_ref()),
        D::Bytea | D::Bytes(None) | D::Blob(None) => plain(Type::Bytea),
        D::Date => plain(Type::Date),
        D::Time(precision, zone) => {
            let ty = if zoned(zone) { Type::Timetz } else { Type::Time };
            with_precision(ty, *precision)
        }
        D::Timestamp(precision, zone) => {
            let ty = if zoned(zone) { Type::Timestamptz } else { Type::Timestamp };
            with_precision(ty, *precision)
        }
        D::Interval { fields, precision } => interval(fields.as_ref(), *precision),
        D::Uuid => plain(Type::Uuid),
        D::JSON => plain(Type::Json),
        D::JSONB => plain(Type::Jsonb),
        D::Regclass => plain(Type::Regclass),
        D::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element)
            | ArrayElemTypeDef::Qualified(element, _),
        ) => {
            let element = column_type_with(element, find)?;
            Ok(match element.ty {
                Type::Array(_) => element,
                ty => ColumnType { ty: Type::Array(Box::new(ty)), modifier: element.modifier },
            })
        }
        D::Custom(name, modifiers) => {
            let words = words(name)?;
            let quoted = super::name::last(name)?.quote_style.is_some();
            custom(&words, quoted, modifiers, find)
        }
        other => {
            let word = other.to_string().to_lowercase();
            find(&[&word])?.map(ColumnType::plain).ok_or_else(|| undefined(&word))
        }
    }
}

/// The type that a text names, as in `'integer'::regtype` or a stored option.
pub fn column_type_from_text(text: &str, find: FindType<'_>) -> Result<ColumnType> {
    let dialect = sqlparser::dialect::PostgreSqlDialect {};
    let parsed = sqlparser::parser::Parser::new(&dialect)
        .try_with_sql(text)
        .and_then(|mut parser| {
            let ty = parser.parse_data_type()?;
            parser.expect_token(&sqlparser::tokenizer::Token::EOF)?;
            Ok(ty)
        })
        .map_err(|_| Error::syntax(format!("invalid type name \"{text}\"")))?;
    column_type_with(&parsed, find)
}

fn custom(
    words: &[&str],
    quoted: bool,
    modifiers: &[String],
    find: FindType<'_>,
) -> Result<ColumnType> {
    let users = || match find(words)? {
        Some(ty) => with_args(ty, &[]),
        None => Err(undefined(&words.join("."))),
    };
    let name = match words {
        [name] | ["pg_catalog", name] => *name,
        _ => return users(),
    };
    // `"char"` is the one-byte type; without quotes it is SQL's.
    let ty = match (name, quoted) {
        ("char", _) => Some(Type::Char),
        _ => oid::type_from_name(name).filter(|_| name.chars().all(is_plain)),
    };
    let Some(ty) = ty.filter(|ty| !matches!(ty, Type::Unknown)) else { return users() };
    let args: Vec<i64> = modifiers
        .iter()
        .map(|m| {
            m.parse().map_err(|_| invalid("type modifiers must be simple constants or identifiers"))
        })
        .collect::<Result<_>>()?;
    with_args(ty, &args)
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn zoned(zone: &TimezoneInfo) -> bool {
    matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz)
}

fn sized(ty: Type, length: Option<&CharacterLength>) -> Result<ColumnType> {
    match length {
        None | Some(CharacterLength::Max) => Ok(ColumnType::plain(ty)),
        Some(CharacterLength::IntegerLength { length, .. }) => {
            with_args(ty, &[i64::try_from(*length).unwrap_or(i64::MAX)])
        }
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<ColumnType> {
    let wide = |n: &u64| i64::try_from(*n).unwrap_or(i64::MAX);
    match info {
        ExactNumberInfo::None => Ok(ColumnType::plain(Type::Numeric)),
        ExactNumberInfo::Precision(p) => with_args(Type::Numeric, &[wide(p)]),
        ExactNumberInfo::PrecisionAndScale(p, s) => with_args(Type::Numeric, &[wide(p), *s]),
    }
}

fn with_precision(ty: Type, precision: Option<u64>) -> Result<ColumnType> {
    match precision {
        None => Ok(ColumnType::plain(ty)),
        Some(p) => with_args(ty, &[i64::try_from(p).unwrap_or(i64::MAX)]),
    }
}

fn with_args(ty: Type, args: &[i64]) -> Result<ColumnType> {
    let modifier = typmod::modifier_for(&ty, args)?;
    Ok(ColumnType { ty, modifier })
}

/// The modifier of `interval fields(precision)`.
pub(super) fn interval(
    fields: Option<&IntervalFields>,
    precision: Option<u64>,
) -> Result<ColumnType> {
    use IntervalFields as F;
    let names: &[&str] = match fields {
        None => &[],
        Some(F::Year) => &["year"],
        Some(F::Month) => &["month"],
        Some(F::Day) => &["day"],
        Some(F::Hour) => &["hour"],
        Some(F::Minute) => &["minute"],
        Some(F::Second) => &["second"],
        Some(F::YearToMonth) => &["year", "month"],
        Some(F::DayToHour) => &["day", "hour"],
        Some(F::DayToMinute) => &["day", "hour", "minute"],
        Some(F::DayToSecond) => &["day", "hour", "minute", "second"],
        Some(F::HourToMinute) => &["hour", "minute"],
        Some(F::HourToSecond) => &["hour", "minute", "second"],
        Some(F::MinuteToSecond) => &["minute", "second"],
    };
    interval_of(names, precision)
}

/// The interval type with only some fields (all of them if none is named).
pub(super) fn interval_of(names: &[&str], precision: Option<u64>) -> Result<ColumnType> {
    let mut range = 0;
    for (name, bit) in typmod::INTERVAL_FIELDS {
        if names.contains(&name) {
            range |= bit;
        }
    }
    if range == 0 {
        range = typmod::INTERVAL_FULL_RANGE;
    }
    let precision = precision.map(|p| i64::try_from(p).unwrap_or(i64::MAX));
    let modifier = typmod::interval_modifier(range, precision)?;
    Ok(ColumnType { ty: Type::Interval, modifier })
}

fn undefined(name: &str) -> Error {
    Error::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
}

fn invalid(message: &str) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_and_modifiers() {
        for (text, shown) in [
            ("int", "integer"),
            ("varchar(20)", "character varying(20)"),
            ("char", "character(1)"),
            ("\"char\"", "\"char\""),
            ("numeric(10,2)[]", "numeric(10,2)[]"),
            ("int[][]", "integer[]"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("float(24)", "real"),
            ("name", "name"),
            ("pg_catalog.int8", "bigint"),
            ("interval day to second(2)", "interval day to second(2)"),
        ] {
            let ty = column_type_from_text(text, &|_| Ok(None)).unwrap();
            assert_eq!(ty.to_string(), shown, "{text}");
        }
        let e = column_type_from_text("nonsense", &|_| Ok(None)).unwrap_err();
        assert_eq!(e.to_string(), "type \"nonsense\" does not exist");
        assert_eq!(e.code(), sqlstate::UNDEFINED_OBJECT);
    }
}
