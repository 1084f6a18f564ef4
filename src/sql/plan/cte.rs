//! A common table expression that is read once is part of the query that reads it.

use crate::sql::plan::walk;
use crate::sql::relation::{CteId, Relation};
use crate::sql::scalar::Scalar;

/// Puts the definitions of expressions that are read once in the place of their readers.
pub fn inline(relation: &mut Relation) {
    walk::scalars_mut(relation, &mut |scalar| {
        walk::subqueries_mut(scalar, &mut |subquery| inline(&mut subquery.relation));
    });
    walk::children_mut(relation, &mut inline);
    let Relation::With { id, definition, body } = relation else { return };
    let id = *id;
    let mut readers = 0;
    count(body, id, &mut readers);
    if readers != 1 || walk::is_volatile_relation(definition) || reads_in_loop(body, id) {
        return;
    }
    let nothing = Relation::Values { columns: Vec::new(), rows: Vec::new() };
    let mut definition = Some(std::mem::replace(&mut **definition, nothing.clone()));
    let mut body = std::mem::replace(&mut **body, nothing);
    replace(&mut body, id, &mut definition);
    *relation = body;
}

fn count(relation: &Relation, id: CteId, readers: &mut usize) {
    if matches!(relation, Relation::CteScan { id: i, .. } if *i == id) {
        *readers += 1;
    }
    walk::scalars(relation, &mut |s| {
        walk::subqueries(s, &mut |q| count(&q.relation, id, readers));
    });
    walk::children(relation, &mut |r| count(r, id, readers));
}

/// Whether the reader would run more often than once: in a recursive term, under LATERAL, or in a
/// subquery of an expression.
fn reads_in_loop(relation: &Relation, id: CteId) -> bool {
    let reads = |r: &Relation| {
        let mut readers = 0;
        count(r, id, &mut readers);
        readers > 0
    };
    let mut found = false;
    walk::scalars(relation, &mut |s| {
        walk::subqueries(s, &mut |q| found = found || reads(&q.relation));
    });
    match relation {
        Relation::Recursive { step, .. } => found = found || reads(step),
        Relation::Join { right, lateral: true, .. } => found = found || reads(right),
        _ => {}
    }
    walk::children(relation, &mut |r| found = found || reads_in_loop(r, id));
    found
}

fn replace(relation: &mut Relation, id: CteId, definition: &mut Option<Relation>) {
    if let Relation::CteScan { id: i, columns } = relation
        && *i == id
        && let Some(input) = definition.take()
    {
        let columns = columns
            .iter()
            .map(|(p, source)| (p.clone(), Scalar::column(*source, p.ty.clone())))
            .collect();
        *relation = Relation::Project { input: Box::new(input), columns };
        return;
    }
    walk::children_mut(relation, &mut |r| replace(r, id, definition));
}
