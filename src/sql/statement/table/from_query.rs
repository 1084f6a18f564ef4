//! Tables made and filled by queries: CREATE TABLE AS, SELECT INTO, materialised views.

use std::sync::Arc;

use sqlparser::ast::Query;

use super::draft::Draft;
use super::load::Loader;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::{BoundStatement, ParameterTypes, bind_query};
use crate::sql::statement::Work;
use crate::sql::statement::object;
use crate::types::Datum;

/// Binds the query whose rows a new table gets.
pub(in crate::sql::statement) fn bind(
    work: &Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    query: &Query,
) -> Result<BoundStatement> {
    let ctx = object::binding(work, catalog);
    let mut params = ParameterTypes(work.param_types.iter().cloned().map(Some).collect());
    bind_query(&ctx, query, &[], &mut params)
}

/// Gives a draft the columns of a query, perhaps under other names.
pub(super) fn add_columns(draft: &mut Draft, bound: &BoundStatement, names: &[&str]) -> Result<()> {
    if names.len() > bound.output.len() {
        return Err(Error::syntax("too many column names were specified"));
    }
    for (i, output) in bound.output.iter().enumerate() {
        let name = names.get(i).copied().unwrap_or(&output.name);
        draft.add_column(ColumnDescriptor::new(0, name, output.ty.clone()))?;
    }
    Ok(())
}

/// Runs a query and puts its rows into the primary index of a table that nobody sees yet, hidden
/// row numbers added. Gives back how many there were.
pub(in crate::sql::statement) fn fill_from_query(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    catalog: &Arc<CatalogSnapshot>,
    bound: BoundStatement,
) -> Result<u64> {
    let codec = Arc::new(crate::catalog::row::TableCodec::new(table)?);
    let visible = table.columns.iter().filter(|c| !c.hidden).count();
    if bound.output.len() != visible {
        return Err(Error::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("the query has another number of columns than \"{}\"", table.name),
        ));
    }
    let indexes: Vec<_> = table.all_indexes().map(|i| i.id).collect();
    let mut loader = Loader::new(work, table, &codec, &indexes)?;
    object::each_batch(work, catalog, bound, |work, batch| {
        for r in 0..batch.rows {
            let mut row = Vec::with_capacity(table.columns.len());
            let mut values = batch.columns.iter();
            for column in &table.columns {
                row.push(match column.hidden {
                    true => Datum::Int8(work.server.ids.next(&*work.server.clock)),
                    false => values.next().map_or(Datum::Null, |c| c.datum(r)),
                });
            }
            loader.add(work, &row)?;
        }
        Ok(())
    })?;
    loader.finish(work)
}
