//! Leaving out columns that nobody reads, so that scans decode and joins copy only what is needed.

use std::collections::HashMap;

use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{CteId, Relation};
use crate::sql::scalar::{Scalar, ScalarKind, SubqueryKind};

/// Which columns of each common table expression are read.
#[derive(Default)]
pub struct Pruner {
    ctes: HashMap<CteId, Columns>,
}

impl Pruner {
    /// Prunes a relation of which the given columns are needed.
    pub fn prune(&mut self, relation: &mut Relation, needed: &Columns) {
        // What this relation's own expressions read, in addition to what comes out.
        match relation {
            Relation::Scan(scan) => scan.columns.retain(|(p, _)| needed.contains(&p.column)),
            Relation::Virtual { columns, .. } => {
                columns.retain(|(p, _)| needed.contains(&p.column));
            }
            Relation::CteScan { id, columns } => {
                columns.retain(|(p, _)| needed.contains(&p.column));
                self.ctes.entry(*id).or_default().extend(columns.iter().map(|(_, c)| *c));
            }
            Relation::Project { columns, .. } => {
                columns.retain(|(p, e)| needed.contains(&p.column) || walk::is_volatile(e));
            }
            Relation::Aggregate { aggregates, .. } => {
                aggregates.retain(|(p, _)| needed.contains(&p.column));
            }
            Relation::Window { calls, .. } => {
                calls.retain(|(p, _)| needed.contains(&p.column));
            }
            Relation::SetOperation { all: true, kind, columns, .. }
                if *kind == crate::sql::relation::SetKind::Union =>
            {
                columns.retain(|(p, _, _)| needed.contains(&p.column));
            }
            _ => {}
        }
        walk::scalars_mut(relation, &mut |s| self.prune_subqueries(s));
        let mut own = Columns::new();
        walk::scalars(relation, &mut |s| walk::reads(s, &mut own));
        match relation {
            Relation::Scan(_)
            | Relation::Virtual { .. }
            | Relation::Feed { .. }
            | Relation::Values { .. }
            | Relation::Function { .. }
            | Relation::CteScan { .. } => {}
            Relation::Project { input, .. } => self.prune(input, &own),
            Relation::Filter { input, .. }
            | Relation::Sort { input, .. }
            | Relation::Limit { input, .. }
            | Relation::Window { input, .. }
            | Relation::Distinct { input, on: Some(_) } => {
                own.extend(needed);
                self.prune(input, &own);
            }
            Relation::Distinct { input, on: None } => {
                // Every column decides whether two rows are the same.
                own.extend(walk::output(input).iter().map(|p| p.column));
                self.prune(input, &own);
            }
            Relation::Lock { input, tables } => {
                own.extend(needed);
                own.extend(tables.iter().flat_map(|t| t.key.iter().copied()));
                self.prune(input, &own);
            }
            Relation::Aggregate { input, groups, .. } => {
                own.extend(groups.iter().map(|g| g.column));
                self.prune(input, &own);
            }
            Relation::Join { left, right, lateral, .. } => {
                own.extend(needed);
                self.prune(right, &own);
                if *lateral {
                    own.extend(walk::free(right));
                }
                self.prune(left, &own);
            }
            Relation::SetOperation { left, right, columns, .. } => {
                let l = columns.iter().map(|(_, l, _)| *l).collect();
                let r = columns.iter().map(|(_, _, r)| *r).collect();
                self.prune(left, &l);
                self.prune(right, &r);
            }
            Relation::With { id, definition, body } => {
                self.prune(body, needed);
                let used = self.ctes.remove(id).unwrap_or_default();
                self.prune(definition, &used);
            }
            Relation::Recursive { base, step, columns, .. } => {
                let b = columns.iter().map(|(_, b, _)| *b).collect();
                let s = columns.iter().map(|(_, _, s)| *s).collect();
                self.prune(base, &b);
                self.prune(step, &s);
            }
            Relation::Insert(insert) => {
                own.extend(&insert.values);
                self.prune(&mut insert.source, &own);
            }
            Relation::Update(update) => {
                own.extend(&update.old);
                self.prune(&mut update.source, &own);
            }
            Relation::Delete(delete) => {
                own.extend(&delete.old);
                self.prune(&mut delete.source, &own);
            }
        }
    }

    fn prune_subqueries(&mut self, scalar: &mut Scalar) {
        if let ScalarKind::Subquery(subquery) = &mut scalar.kind {
            let needed: Columns = match subquery.kind {
                SubqueryKind::Exists => Columns::new(),
                _ => subquery.columns.iter().copied().collect(),
            };
            self.prune(&mut subquery.relation, &needed);
        }
        walk::operands_mut(scalar, &mut |s| self.prune_subqueries(s));
    }
}
