//! WITH RECURSIVE: a term that starts, and a term that goes on from the rows of the round before.

use std::sync::Arc;

use sqlparser::ast::{Cte as Tree, SetExpr, SetOperator, SetQuantifier};

use super::binder::{Binder, ColumnKind};
use super::common_type::{clash_error, resolve_common};
use super::cte::{Cte, CteColumn, Definition, cte_columns, mentions};
use super::name::At;
use super::order::equal_type;
use super::query::{BoundQuery, Tail, Unknowns};
use super::setop::exactly;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Produced, Relation};

impl Binder<'_> {
    /// An expression that mentions itself.
    pub fn recursive_cte(&mut self, tree: &Tree) -> Result<(Definition, Cte)> {
        let ident = &tree.alias.name;
        let name = &ident.value;
        let wrong =
            |message: String| Error::new(sqlstate::INVALID_RECURSION, message).at(ident.span);
        let query = &tree.query;
        let shape = || {
            wrong(format!(
                "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] \
                 recursive-term"
            ))
        };
        let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right } =
            &*query.body
        else {
            return Err(shape());
        };
        let distinct = match set_quantifier {
            SetQuantifier::All => false,
            SetQuantifier::None | SetQuantifier::Distinct => true,
            _ => return Err(shape()),
        };
        for (present, clause) in [
            (query.order_by.is_some(), "ORDER BY"),
            (query.limit_clause.is_some() || query.fetch.is_some(), "LIMIT"),
            (!query.locks.is_empty(), "FOR UPDATE/SHARE"),
        ] {
            if present {
                return Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    format!("{clause} in a recursive query is not implemented"),
                ));
            }
        }
        if mentions(&**left, name) {
            return Err(wrong(format!(
                "recursive reference to query \"{name}\" must not appear within its non-recursive \
                 term"
            )));
        }
        let mark = self.ctes.len();
        let inner = self.with_clause(query.with.as_ref())?;
        let base = self.with_level(|b| {
            let mut base = b.body(left, Tail::default(), Unknowns::Keep)?;
            b.settle_columns(&mut base)?;
            Ok(base)
        })?;
        let id = self.new_cte();
        let named = cte_columns(&base, &tree.alias)?;
        let results: Vec<Produced> =
            named.iter().map(|c| self.column(ColumnKind::Source, &c.ty, &c.name)).collect();
        let columns: Vec<CteColumn> = named
            .iter()
            .zip(&results)
            .map(|(c, p)| CteColumn { column: p.column, origin: (0, 0), ..c.clone() })
            .collect();
        let cte_name: Arc<str> = Arc::from(name.as_str());
        self.ctes.push(Cte {
            name: cte_name.clone(),
            id,
            columns: columns.clone(),
            references: 0,
            silent: false,
        });
        let step = self.recursive_step(right, name, &base, distinct);
        let references = self.ctes.iter().find(|c| c.id == id).map_or(0, |c| c.references);
        self.ctes.retain(|c| c.id != id);
        let step = step?;
        if references > 1 {
            return Err(wrong(format!(
                "recursive reference to query \"{name}\" must not appear more than once"
            )));
        }
        let sources = base.columns.iter().zip(&step.columns);
        let mapped = results
            .into_iter()
            .zip(sources)
            .map(|(p, (base, step))| (p, base.column, step.column))
            .collect();
        let relation = Relation::Recursive {
            id,
            base: Box::new(exactly(base)),
            step: Box::new(exactly(step)),
            distinct,
            columns: mapped,
        };
        let relation = self.attach_ctes(mark, inner, relation);
        // References from outside read the finished result, under a number of its own.
        let outer = self.new_cte();
        let cte = Cte { name: cte_name, id: outer, columns, references: 0, silent: false };
        Ok((Definition { id: outer, relation, modifies: false }, cte))
    }

    fn recursive_step(
        &mut self,
        right: &SetExpr,
        name: &str,
        base: &BoundQuery,
        distinct: bool,
    ) -> Result<BoundQuery> {
        self.with_level(|binder| {
            binder.recursive_term = true;
            let step = binder.body(right, Tail::default(), Unknowns::Keep);
            binder.recursive_term = false;
            let mut step = step?;
            if step.columns.len() != base.columns.len() {
                return Err(Error::syntax("each UNION query must have the same number of columns"));
            }
            let mut types = Vec::with_capacity(base.columns.len());
            for (i, (b, s)) in base.columns.iter().zip(&step.columns).enumerate() {
                let common = resolve_common([&b.ty.ty, &s.ty.ty])
                    .map_err(|clash| clash_error("UNION", &clash))?;
                if common != b.ty.ty {
                    return Err(Error::new(
                        sqlstate::DATATYPE_MISMATCH,
                        format!(
                            "recursive query \"{name}\" column {} has type {} in non-recursive \
                             term but type {common} overall",
                            i + 1,
                            b.ty
                        ),
                    )
                    .with_hint("Cast the output of the non-recursive term to the correct type."));
                }
                if distinct {
                    equal_type(&common)?;
                }
                types.push(b.ty.clone());
            }
            binder.cast_columns(&mut step, &types, "UNION")?;
            Ok(step)
        })
    }
}
