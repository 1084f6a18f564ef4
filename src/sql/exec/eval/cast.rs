//! Casts of whole columns.

use crate::error::Result;
use crate::sql::exec::batch::{Column, Data};
use crate::sql::exec::eval::Value;
use crate::sql::exec::state::Run;
use crate::types::cast::{CastContext, cast};
use crate::types::{ColumnType, Datum, Type};

/// Casts a value that no loop can: row by row.
fn each(
    value: &Value<'_>,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    run: &mut Run<'_, '_>,
    rows: usize,
) -> Result<Column> {
    let format = &run.ctx.eval.session.format;
    let mut out = Column::with_capacity(to.clone(), rows);
    for row in 0..rows {
        match value.datum(row) {
            Datum::Null => out.push_null(),
            datum => out.push(&cast(&datum, from, to, context, format)?),
        }
    }
    Ok(out)
}

/// The value in another type. `Ok` keeps what it can of the input (constants stay constants),
/// `Err` is a new column.
pub fn cast_column<'v>(
    value: Value<'v>,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    run: &mut Run<'_, '_>,
    rows: usize,
) -> Result<std::result::Result<Value<'v>, Column>> {
    if let Value::Constant(d) = &value {
        let format = &run.ctx.eval.session.format;
        let datum = if d.is_null() { Datum::Null } else { cast(d, from, to, context, format)? };
        return Ok(Ok(Value::Constant(datum)));
    }
    if to.modifier == -1 {
        if keeps_layout(from, &to.ty) {
            let mut column = value.into_column(to, rows);
            if matches!(column.data, Data::Any(_)) {
                return Ok(Err(each(&Value::Owned(column), from, to, context, run, rows)?));
            }
            column.ty = to.clone();
            return Ok(Err(column));
        }
        if is_integer(from)
            && to.ty == Type::Float8
            && let Some(Column { data: Data::Int(v), nulls, .. }) = value.as_column()
        {
            let data = Data::Float(v.iter().map(|i| *i as f64).collect());
            return Ok(Err(Column { ty: to.clone(), data, nulls: nulls.clone() }));
        }
    }
    Ok(Err(each(&value, from, to, context, run, rows)?))
}

fn is_integer(ty: &Type) -> bool {
    matches!(ty, Type::Int2 | Type::Int4 | Type::Int8)
}

/// Whether every value of one type is a value of the other, held the same way.
fn keeps_layout(from: &Type, to: &Type) -> bool {
    matches!(
        (from, to),
        (Type::Int2, Type::Int4 | Type::Int8)
            | (Type::Int4, Type::Int8)
            | (Type::Float4, Type::Float8)
            | (Type::Varchar | Type::Name, Type::Text)
            | (Type::Text, Type::Varchar)
    )
}
