//! Common table expressions, recursion, and locks on rows.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::mvcc::LockMode;
use crate::sql::plan::compile::Layout;
use crate::sql::plan::physical::{
    CteScanSpec, LockSpec, LockedTable, Node, Op, RecursiveSpec, WithSpec,
};
use crate::sql::plan::planner::{Cte, Planner, Want, positions};
use crate::sql::plan::walk;
use crate::sql::relation::{CteId, LockTarget, Produced, Relation};
use crate::sql::scalar::ColumnRef;

impl Planner<'_> {
    pub(super) fn with(
        &mut self,
        id: CteId,
        definition: Relation,
        body: Relation,
        want: &Want,
    ) -> Result<Node> {
        let always = walk::is_volatile_relation(&definition)
            && matches!(
                definition,
                Relation::Insert(_) | Relation::Update(_) | Relation::Delete(_)
            );
        let outermost = std::mem::replace(&mut self.top_level, false);
        let definition = self.build(definition, &Want::default())?;
        self.top_level = outermost;
        let slot = self.new_cte();
        let cte = Cte {
            slot,
            columns: definition.columns.clone(),
            rows: definition.rows,
            definition: Some(definition.clone()),
        };
        self.ctes.insert(id, cte);
        let body = self.build(body, want)?;
        self.ctes.remove(&id);
        let (columns, rows, order) = (body.columns.clone(), body.rows, body.order.clone());
        let cost = body.cost + definition.cost;
        let spec = WithSpec { slot, definition, body, always };
        Ok(self.node(Op::With(Arc::new(spec)), columns, rows, cost, order))
    }

    fn new_cte(&mut self) -> usize {
        self.slots.ctes += 1;
        self.slots.ctes - 1
    }

    pub(super) fn cte_scan(
        &mut self,
        id: CteId,
        columns: Vec<(Produced, ColumnRef)>,
    ) -> Result<Node> {
        let cte = self
            .ctes
            .get(&id)
            .ok_or_else(|| Error::internal("a common table expression is not in reach"))?;
        let layout = Layout::new(&cte.columns);
        let spec = CteScanSpec {
            slot: cte.slot,
            definition: cte.definition.clone(),
            columns: positions(&layout, columns.iter().map(|(_, c)| *c))?,
        };
        let rows = cte.rows;
        let produced = columns.into_iter().map(|(p, _)| p).collect();
        Ok(self.node(Op::CteScan(Arc::new(spec)), produced, rows, rows * 0.2, Vec::new()))
    }

    pub(super) fn recursive(
        &mut self,
        id: CteId,
        base: Relation,
        step: Relation,
        distinct: bool,
        columns: Vec<(Produced, ColumnRef, ColumnRef)>,
    ) -> Result<Node> {
        let base = self.build(base, &Want::default())?;
        let slot = self.new_cte();
        let produced: Vec<Produced> = columns.iter().map(|(p, _, _)| p.clone()).collect();
        let cte = Cte { slot, definition: None, columns: produced.clone(), rows: base.rows };
        self.ctes.insert(id, cte);
        self.working.insert(id);
        let step = self.build(step, &Want::default())?;
        self.working.remove(&id);
        self.ctes.remove(&id);
        let (b, s) = (Layout::new(&base.columns), Layout::new(&step.columns));
        let rows = base.rows * 10.0;
        let cost = base.cost + step.cost * 10.0;
        let spec = RecursiveSpec {
            slot,
            distinct,
            base_columns: positions(&b, columns.iter().map(|(_, c, _)| *c))?,
            step_columns: positions(&s, columns.iter().map(|(_, _, c)| *c))?,
            types: produced.iter().map(|p| p.ty.clone()).collect(),
            base,
            step,
        };
        Ok(self.node(Op::Recursive(Arc::new(spec)), produced, rows, cost, Vec::new()))
    }

    pub(super) fn lock(
        &mut self,
        input: Relation,
        tables: Vec<LockTarget>,
        want: &Want,
    ) -> Result<Node> {
        let mut needed = want.needed.clone();
        if let Some(needed) = &mut needed {
            needed.extend(tables.iter().flat_map(|t| t.key.iter().copied()));
        }
        let lock = match &tables[..] {
            [one] => Some((lock_mode(one), one.wait)),
            _ => None,
        };
        let below =
            Want { order: want.order.clone(), rows: want.rows, needed, lock, ..Want::default() };
        let input = self.build(input, &below)?;
        let layout = Layout::new(&input.columns);
        let mut targets = Vec::with_capacity(tables.len());
        for target in tables {
            targets.push(LockedTable {
                codec: self.ctx.catalog.codec(target.table.id)?,
                name: target.table.name.clone(),
                key: positions(&layout, target.key.iter().copied())?,
                mode: lock_mode(&target),
                wait: target.wait,
            });
        }
        let (columns, rows, cost, order) =
            (input.columns.clone(), input.rows, input.cost + input.rows, input.order.clone());
        let spec = LockSpec { input, targets };
        Ok(self.node(Op::Lock(Arc::new(spec)), columns, rows, cost, order))
    }
}

fn lock_mode(target: &LockTarget) -> LockMode {
    if target.exclusive { LockMode::Exclusive } else { LockMode::Shared }
}
