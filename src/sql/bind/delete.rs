//! DELETE.

use sqlparser::ast::{Delete as Tree, FromTable};

use super::BoundKind;
use super::binder::Binder;
use super::clause::Clause;
use super::returning::BoundWrite;
use super::update::WriteTarget;
use crate::error::{Error, Result};
use crate::sql::relation::{Delete, Relation};

impl Binder<'_> {
    /// Binds DELETE.
    pub fn delete(&mut self, tree: &Tree) -> Result<BoundWrite> {
        self.with_level(|binder| binder.delete_from(tree))
    }

    fn delete_from(&mut self, tree: &Tree) -> Result<BoundWrite> {
        if !tree.tables.is_empty() || tree.output.is_some() {
            return Err(Error::unsupported("this form of DELETE"));
        }
        let FromTable::WithFromKeyword(from) = &tree.from else {
            return Err(Error::syntax("DELETE is followed by FROM"));
        };
        let [target] = from.as_slice() else {
            return Err(Error::syntax("syntax error at or near \",\""));
        };
        let WriteTarget { table, alias, scan, item, old } =
            self.write_target(target, BoundKind::Delete)?;
        let using = tree.using.as_deref().unwrap_or_default();
        let mut source = self.joined_target(scan, item, using)?;
        if let Some(selection) = &tree.selection {
            let predicate = self.condition(selection, Clause::Where)?;
            source = Relation::Filter { input: Box::new(source), predicate };
        }
        source = self.ordered_rows(source, &tree.order_by, tree.limit.as_ref())?;
        let new = self.row_of(&table, &alias);
        let predicates = self.predicates(&table, &new)?;
        let (returning, output) = self.returning(tree.returning.as_deref())?;
        let relation =
            Relation::Delete(Box::new(Delete { table, source, old, predicates, new, returning }));
        Ok(BoundWrite { relation, output })
    }
}
