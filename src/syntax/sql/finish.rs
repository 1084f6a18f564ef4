//! What is said of a tree once sqlparser has built it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Insert, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Token;

use super::rewrite::{ALL_FIELDS, Found, is_word};

/// Puts into the tree what the rewritten tokens could not say.
pub(super) fn finish(tree: &mut Statement, found: &Found) {
    if found.upsert || found.all_fields {
        let ControlFlow::Continue(()) = tree.visit(&mut Finisher);
    }
}

struct Finisher;

impl VisitorMut for Finisher {
    type Break = std::convert::Infallible;

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<Self::Break> {
        match statement {
            Statement::Insert(insert) => mark_upsert(insert),
            Statement::Update(update) => {
                update.returning.iter_mut().flatten().for_each(all_fields);
            }
            Statement::Delete(delete) => {
                delete.returning.iter_mut().flatten().for_each(all_fields);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut sqlparser::ast::Query) -> ControlFlow<Self::Break> {
        if let SetExpr::Insert(Statement::Insert(insert)) = query.body.as_mut() {
            mark_upsert(insert);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        select.projection.iter_mut().for_each(all_fields);
        ControlFlow::Continue(())
    }
}

fn mark_upsert(insert: &mut Insert) {
    let token: &Token = &insert.insert_token.0.token;
    if is_word(Some(token), "upsert") {
        insert.replace_into = true;
    }
    insert.returning.iter_mut().flatten().for_each(all_fields);
}

/// `(expression) AS "[all fields]"` back to `(expression).*`.
fn all_fields(item: &mut SelectItem) {
    if let SelectItem::ExprWithAlias { expr, alias } = item
        && alias.value == ALL_FIELDS
    {
        *item = SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::Expr(expr.clone()),
            WildcardAdditionalOptions::default(),
        );
    }
}
