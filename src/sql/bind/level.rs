//! One query while it is being bound: what its FROM offers to names, and what its expressions
//! left behind for the query to place (aggregates, window functions, set-returning functions).

use std::sync::Arc;

use sqlparser::ast::NamedWindowDefinition;

use super::binder::Binder;
use super::clause::Clause;
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::error::Result;
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{AggregateCall, ColumnRef, Scalar, SortKey, WindowCall};

/// A query being bound.
pub(super) struct Level {
    pub id: u32,
    /// Where the expression being bound stands.
    pub clause: Clause,
    /// What names can mean at the moment.
    pub items: Vec<Item>,
    /// Everything FROM mentioned, in sight or not, for hints.
    pub known: Vec<Item>,
    /// The base tables in FROM.
    pub tables: Vec<BaseTable>,
    /// Whether items for LATERAL only can be seen (while a LATERAL item is being bound).
    pub lateral_active: bool,
    /// Whether such an item was used.
    pub lateral_used: bool,
    pub aggregates: Vec<(Produced, AggregateCall)>,
    pub windows: Vec<Window>,
    /// WINDOW name AS (…).
    pub named_windows: Vec<NamedWindowDefinition>,
    /// Functions of the select list that return sets.
    pub sets: Vec<SetCall>,
    /// `GROUPING(…)` calls: the column that stands for the result, and the arguments.
    pub groupings: Vec<(Produced, Vec<Scalar>)>,
    /// Whether the level is a recursive term, in which aggregates may not stand.
    pub recursive_term: bool,
}

/// A call of a window function.
pub(super) struct Window {
    pub result: Produced,
    pub partition_by: Vec<Scalar>,
    pub order_by: Vec<SortKey>,
    pub call: WindowCall,
}

/// A set-returning function in the select list.
pub(super) struct SetCall {
    pub relation: Relation,
    /// Its columns, which expressions refer to.
    pub columns: Vec<Produced>,
    /// How many other set-returning functions are in its arguments: those run first.
    pub rank: usize,
}

/// A base table in FROM.
#[derive(Clone)]
pub(super) struct BaseTable {
    pub alias: Arc<str>,
    pub table: Arc<TableDescriptor>,
    /// The column for each position of `table.columns`.
    pub columns: Vec<ColumnRef>,
}

/// An entry of FROM as names see it.
#[derive(Clone)]
pub(super) struct Item {
    /// The name; empty for a join without an alias.
    pub alias: Arc<str>,
    /// The relation's own name if the item is one: schema and relation.
    pub relation: Option<(Arc<str>, Arc<str>)>,
    pub columns: Arc<[ItemColumn]>,
    /// Whether `alias.column` finds it.
    pub by_name: bool,
    /// Whether its columns can be named alone.
    pub by_column: bool,
    /// Whether only LATERAL items may use it as yet.
    pub lateral_only: bool,
    /// Whether LATERAL items may use it (not from the nullable side of a join).
    pub lateral_ok: bool,
    /// A function that returns one column of a base type: its name alone is that column.
    pub scalar: bool,
    /// The table on which SELECT is needed when one of its columns is used.
    pub select_on_use: Option<DescriptorId>,
}

/// A column of an item.
#[derive(Clone)]
pub(super) struct ItemColumn {
    pub name: Arc<str>,
    /// A column, or what USING made of two.
    pub value: Scalar,
    /// OID of the table and number of the column, or zeros.
    pub origin: (u32, i16),
    /// Not in `*`.
    pub hidden: bool,
}

impl Level {
    pub fn new(id: u32) -> Level {
        Level {
            id,
            clause: Clause::Select,
            items: Vec::new(),
            known: Vec::new(),
            tables: Vec::new(),
            lateral_active: false,
            lateral_used: false,
            aggregates: Vec::new(),
            windows: Vec::new(),
            named_windows: Vec::new(),
            sets: Vec::new(),
            groupings: Vec::new(),
            recursive_term: false,
        }
    }
}

impl Item {
    /// An item that can be seen in every way.
    pub fn new(alias: Arc<str>, columns: Vec<ItemColumn>) -> Item {
        Item {
            alias,
            relation: None,
            columns: columns.into(),
            by_name: true,
            by_column: true,
            lateral_only: false,
            lateral_ok: true,
            scalar: false,
            select_on_use: None,
        }
    }

    /// The columns of `*`.
    pub fn visible(&self) -> impl Iterator<Item = &ItemColumn> {
        self.columns.iter().filter(|c| !c.hidden)
    }
}

impl Binder<'_> {
    /// Binds with a new innermost level.
    pub fn with_level<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let id = self.new_level();
        self.levels.push(Level::new(id));
        let result = self.nested(step);
        self.levels.pop();
        result
    }

    /// Binds an expression that stands in a clause.
    pub fn in_clause<T>(
        &mut self,
        clause: Clause,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.level().clause;
        self.level().clause = clause;
        let result = step(self);
        self.level().clause = before;
        result
    }

    /// The innermost level.
    pub fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            let id = self.new_level();
            self.levels.push(Level::new(id));
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// Where the expression being bound stands.
    pub fn clause(&self) -> Clause {
        self.levels.last().map_or(Clause::Constant, |l| l.clause)
    }
}
