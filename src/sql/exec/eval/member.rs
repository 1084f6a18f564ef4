//! `x IN (list)` with a list that is the same for every row: a set, made when first needed.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::Column;
use crate::sql::exec::eval::single::Scope;
use crate::sql::exec::eval::{Expr, Row, Value};
use crate::sql::exec::key::KeyTable;
use crate::sql::exec::state::Run;
use crate::types::{ColumnType, Datum, Type};

/// The elements of a list.
pub struct MemberSet {
    table: KeyTable,
    ty: ColumnType,
    has_null: bool,
    is_empty: bool,
}

impl MemberSet {
    /// A set of values of one class.
    pub fn new(ty: &ColumnType, values: &Column) -> MemberSet {
        let ty = ColumnType::plain(wide(&ty.ty));
        let mut table = KeyTable::new(std::slice::from_ref(&ty));
        let rows = values.len();
        let has_null = (0..rows).any(|r| values.is_null(r));
        let present: Vec<u32> = (0..rows as u32).filter(|r| !values.is_null(*r as usize)).collect();
        let present = retyped(values.gather(&present), &ty);
        table.insert(&[&present], present.len(), &mut Vec::new());
        MemberSet { table, ty, has_null, is_empty: rows == 0 }
    }

    /// Approximate bytes held.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// For each row of a column whether it is in the set: three-valued.
    pub fn contains(&self, column: &Column, rows: usize, negated: bool) -> Column {
        if self.is_empty {
            return Column::bools(vec![negated; rows], None);
        }
        let probe;
        let column = if column.ty.ty == self.ty.ty {
            column
        } else {
            probe = retyped(column.clone(), &self.ty);
            &probe
        };
        let mut found = Vec::new();
        self.table.find(&[column], rows, false, &mut found);
        let values = found.iter().map(|f| f.is_some() != negated).collect();
        let nulls = if self.has_null {
            Some(found.iter().map(Option::is_none).collect())
        } else {
            column.nulls.clone()
        };
        Column::bools(values, nulls)
    }
}

/// Members of a class share one layout; the widest type of it stands for all.
fn wide(ty: &Type) -> Type {
    match ty {
        Type::Int2 | Type::Int4 => Type::Int8,
        Type::Float4 => Type::Float8,
        Type::Varchar | Type::Name => Type::Text,
        other => other.clone(),
    }
}

fn retyped(mut column: Column, ty: &ColumnType) -> Column {
    column.ty = ty.clone();
    column
}

/// The set of a list, made now if this is the first time.
pub fn member_set(
    list: &[Expr],
    ty: &ColumnType,
    slot: usize,
    scope: &mut Scope<'_, '_, '_>,
) -> Result<Arc<MemberSet>> {
    if let Scope::Run(run) = scope
        && let Some(Some(known)) = run.state.sets.get(slot)
    {
        return Ok(known.clone());
    }
    let mut column = Column::with_capacity(ColumnType::plain(wide(&ty.ty)), list.len());
    for element in list {
        let value = element.single(scope, Row::Nothing)?;
        column.push(&value);
    }
    let set = Arc::new(MemberSet::new(ty, &column));
    if let Scope::Run(run) = scope
        && let Some(place) = run.state.sets.get_mut(slot)
    {
        *place = Some(set.clone());
    }
    Ok(set)
}

impl Expr {
    pub(super) fn member(
        &self,
        left: &Expr,
        list: &[Expr],
        slot: usize,
        negated: bool,
        scope: &mut Scope<'_, '_, '_>,
        row: Row<'_>,
    ) -> Result<Datum> {
        let value = left.single(scope, row)?;
        let set = member_set(list, &left.ty, slot, scope)?;
        let column = Column::constant(&left.ty, &value, 1);
        Ok(set.contains(&column, 1, negated).datum(0))
    }

    pub(super) fn member_rows(
        run: &mut Run<'_, '_>,
        left: (&ColumnType, Value<'_>),
        list: &[Expr],
        slot: usize,
        negated: bool,
        rows: usize,
    ) -> Result<Column> {
        let (ty, value) = left;
        let set = member_set(list, ty, slot, &mut Scope::Run(run))?;
        let value = value.spread(ty, rows);
        Ok(match value.as_column() {
            Some(column) => set.contains(column, rows, negated),
            None => Column::bools(vec![negated; rows], None),
        })
    }
}
