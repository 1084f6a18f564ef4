//! Scans: the cheapest path to the rows that some predicates leave.

use std::sync::Arc;

use crate::catalog::row::TableCodec;
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::bounds::{Bounds, Limit, Term};
use crate::sql::exec::reader::IndexReader;
use crate::sql::plan::access::{self, Path, Says};
use crate::sql::plan::compile::Layout;
use crate::sql::plan::physical::{Node, Op, Ordered, TableScanSpec};
use crate::sql::plan::planner::{Planner, Want};
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{Produced, Relation, Scan};
use crate::sql::scalar::Scalar;

/// Cost of finding a place in an index.
pub const SEEK: f64 = 3.0;
/// Cost of fetching the row that an index entry points to.
pub const FETCH: f64 = 6.0;

/// A table with predicates over it.
pub struct Filtered {
    /// The table.
    pub scan: Scan,
    /// The predicates.
    pub predicates: Vec<Scalar>,
}

/// The table and predicates that a relation comes down to, if it does.
pub fn as_filtered(relation: &Relation) -> Option<Filtered> {
    match relation {
        Relation::Scan(scan) => Some(Filtered { scan: scan.clone(), predicates: Vec::new() }),
        Relation::Filter { input, predicate } => {
            let mut filtered = as_filtered(input)?;
            walk::conjuncts(predicate.clone(), &mut filtered.predicates);
            Some(filtered)
        }
        Relation::Project { input, columns }
            if columns.iter().all(|(p, e)| e.as_column() == Some(p.column)) =>
        {
            as_filtered(input)
        }
        _ => None,
    }
}

/// The positions in the table of a scan's columns.
fn wanted(scan: &Scan) -> Vec<usize> {
    scan.columns.iter().map(|(_, at)| *at).collect()
}

/// Whether an index holds everything that a scan wants.
fn covers(codec: &TableCodec, path: &Path<'_>, wanted: &[usize]) -> Result<bool> {
    for at in wanted {
        if !codec.covers(path.index.id, *at)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Planner<'_> {
    /// The codec of a table as the statement sees it.
    pub(super) fn codec(
        &self,
        table: &Arc<crate::catalog::descriptor::TableDescriptor>,
    ) -> Result<Arc<TableCodec>> {
        self.ctx.catalog.codec(table.id)
    }

    /// The paths by which a scan can be read under some predicates.
    pub(super) fn paths<'s>(
        &mut self,
        scan: &'s Scan,
        predicates: &[Scalar],
        usable: &dyn Fn(&Scalar) -> bool,
    ) -> Result<Vec<Path<'s>>> {
        let rows = self.table_rows(&scan.table);
        let conditions = access::conditions(scan, predicates, usable);
        let server = self.ctx.server;
        let statistics = server.statistics.of(&server.mvcc, &scan.table);
        let mut paths = Vec::new();
        for index in scan.table.all_indexes() {
            if scan.hint.is_some_and(|hint| hint != index.id) {
                continue;
            }
            if index.predicate.is_some() && !self.partial_index_applies(scan, index, predicates)? {
                if scan.hint.is_some() {
                    return Err(Error::new(
                        sqlstate::FEATURE_NOT_SUPPORTED,
                        format!(
                            "index \"{}\" is a partial index that does not contain all the rows \
                             needed to execute this query",
                            index.name
                        ),
                    ));
                }
                continue;
            }
            paths.push(access::path(&scan.table, index, &conditions, rows, statistics.as_deref()));
        }
        Ok(paths)
    }

    /// Puts the hidden columns that hold the values of indexed expressions in the place of these
    /// expressions, so that their indexes serve the predicates.
    pub(super) fn use_indexed_expressions(
        &mut self,
        scan: &mut Scan,
        predicates: &mut [Scalar],
    ) -> Result<()> {
        let table = scan.table.clone();
        for (at, column) in table.columns.iter().enumerate() {
            let Some(sql) = column.indexed_expression() else { continue };
            let row: Vec<Produced> = table
                .columns
                .iter()
                .enumerate()
                .map(|(at, c)| match scan.columns.iter().find(|(_, position)| *position == at) {
                    Some((produced, _)) => produced.clone(),
                    None => Produced { column: self.fresh(), ty: c.ty.clone() },
                })
                .collect();
            let expression = self.bind(&table, sql, &row)?;
            let Some(held) = row.get(at) else { continue };
            let value = Scalar::column(held.column, held.ty.clone());
            let mut found = false;
            for predicate in predicates.iter_mut() {
                found |= replace(predicate, &expression, &value);
            }
            if found && !scan.columns.iter().any(|(_, position)| *position == at) {
                scan.columns.push((held.clone(), at));
            }
        }
        Ok(())
    }

    /// A scan under predicates.
    pub(super) fn scan(
        &mut self,
        scan: Scan,
        predicates: Vec<Scalar>,
        want: &Want,
    ) -> Result<Node> {
        let own: Columns = scan.columns.iter().map(|(p, _)| p.column).collect();
        let usable = |s: &Scalar| !walk::is_volatile(s) && walk::read_by(s).is_disjoint(&own);
        let codec = self.codec(&scan.table)?;
        let all = self.table_rows(&scan.table);
        let columns = wanted(&scan);
        let mut best: Option<(f64, Path<'_>)> = None;
        for mut path in self.paths(&scan, &predicates, &usable)? {
            let is_primary = path.index.id == scan.table.primary_index.id;
            let everything = path.terms.is_empty() && path.lower.is_none() && path.upper.is_none();
            let covering = is_primary || covers(&codec, &path, &columns)?;
            let read = (all * path.share).max(1.0);
            let rest: Vec<Scalar> = rest_of(&predicates, &path.served);
            let out = self.known.filtered(read, &rest);
            let each = if covering { 1.0 } else { 1.0 + FETCH };
            let mut cost = read * each + if everything { 0.0 } else { SEEK * places(&path) };
            if !is_primary && everything {
                // An index that leaves columns out is narrower than the table; one that does not
                // has nothing for it but another order.
                let held = path.index.columns.len() + path.index.storing.len();
                cost *= if held < scan.table.columns.len() / 2 { 0.9 } else { 1.01 };
            }
            if !want.order.is_empty() {
                match access::gives_order(&scan, &path, &want.order) {
                    Some(reverse) => {
                        path.ordered = true;
                        path.reverse = reverse;
                    }
                    None => cost += out * out.max(2.0).log2() * 0.3,
                }
            }
            if let Some(few) = want.rows
                && (path.ordered || want.order.is_empty())
            {
                cost = cost.min(SEEK + cost * (few / out.max(1.0)).min(1.0));
            }
            if best.as_ref().is_none_or(|(known, _)| cost < *known) {
                best = Some((cost, path));
            }
        }
        let Some((cost, path)) = best else {
            return Err(Error::internal("a table has no index to read it by"));
        };
        let rest = rest_of(&predicates, &path.served);
        let read = (all * path.share).max(1.0);
        let rows = if path.single { 1.0 } else { self.known.filtered(read, &rest) };
        let bounds = self.bounds(&path, &Layout::default())?;
        let produced: Vec<Produced> = scan.columns.iter().map(|(p, _)| p.clone()).collect();
        let filter = match Scalar::conjunction(rest) {
            None => None,
            Some(rest) => Some(self.expr(&rest, &Layout::new(&produced))?),
        };
        let mut order = if path.ordered { want.order.clone() } else { natural_order(&scan, &path) };
        let keep: Option<Vec<usize>> = want.needed.as_ref().and_then(|needed| {
            let keep: Vec<usize> = produced
                .iter()
                .enumerate()
                .filter(|(_, p)| needed.contains(&p.column))
                .map(|(i, _)| i)
                .collect();
            (keep.len() < produced.len()).then_some(keep)
        });
        let columns_out: Vec<Produced> = match &keep {
            None => produced.clone(),
            Some(keep) => keep.iter().filter_map(|i| produced.get(*i)).cloned().collect(),
        };
        let still =
            order.iter().take_while(|o| columns_out.iter().any(|p| p.column == o.column)).count();
        order.truncate(still);
        let single_key = path.single && path.index.id == scan.table.primary_index.id;
        let reader = IndexReader::new(&scan.table, &codec, path.index, columns)?;
        let spec = TableScanSpec {
            reader: Arc::new(reader),
            bounds,
            reverse: path.reverse,
            filter,
            keep,
            lock: want.lock.filter(|_| single_key),
            // Rows to read at first; with a filter more are needed than come out.
            enough: want
                .rows
                .filter(|_| path.ordered || want.order.is_empty())
                .map(|few| (few * (read / rows.max(1.0)).max(1.0)).ceil().min(1e9) as usize),
            alias: scan.alias,
        };
        Ok(self.node(Op::TableScan(Arc::new(spec)), columns_out, rows, cost, order))
    }

    /// The bounds of a path over the columns that are known before the scan.
    pub(super) fn bounds(&mut self, path: &Path<'_>, layout: &Layout) -> Result<Bounds> {
        let mut terms = Vec::with_capacity(path.terms.len());
        for says in &path.terms {
            terms.push(match says {
                Says::Equal(value) => Term::Equal(self.expr(value, layout)?),
                Says::Null => Term::Null,
                Says::In(list) => {
                    Term::In(list.iter().map(|e| self.expr(e, layout)).collect::<Result<_>>()?)
                }
                Says::InArray(array) => Term::InArray(self.expr(array, layout)?),
                Says::Lower(..) | Says::Upper(..) | Says::Between(..) => {
                    return Err(Error::internal("a range stands among equalities"));
                }
            });
        }
        let mut limit = |bound: &Option<(Scalar, bool)>| -> Result<Option<Limit>> {
            bound
                .as_ref()
                .map(|(value, inclusive)| {
                    Ok(Limit { value: self.expr(value, layout)?, inclusive: *inclusive })
                })
                .transpose()
        };
        let (lower, upper) = (limit(&path.lower)?, limit(&path.upper)?);
        Ok(Bounds { terms, lower, upper })
    }
}

/// Replaces an expression wherever it stands in another; whether it stood there.
fn replace(scalar: &mut Scalar, expression: &Scalar, value: &Scalar) -> bool {
    if access::same_scalar(scalar, expression) {
        *scalar = value.clone();
        return true;
    }
    let mut found = false;
    walk::operands_mut(scalar, &mut |operand| found |= replace(operand, expression, value));
    found
}

/// The predicates that a path does not serve.
pub fn rest_of(predicates: &[Scalar], served: &[usize]) -> Vec<Scalar> {
    predicates
        .iter()
        .enumerate()
        .filter(|(i, _)| !served.contains(i))
        .map(|(_, p)| p.clone())
        .collect()
}

fn places(path: &Path<'_>) -> f64 {
    path.terms
        .iter()
        .map(|t| match t {
            Says::In(list) => list.len().max(1) as f64,
            Says::InArray(_) => 10.0,
            _ => 1.0,
        })
        .product()
}

/// The order that a scan has by itself.
fn natural_order(scan: &Scan, path: &Path<'_>) -> Vec<Ordered> {
    access::index_order(&scan.table, path.index)
        .into_iter()
        .map_while(|(at, direction)| {
            scan.columns
                .iter()
                .find(|(_, position)| *position == at)
                .map(|(p, _)| Ordered { column: p.column, direction })
        })
        .collect()
}
