//! FROM: its items one after the other, and tables.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName, TableAlias, TableFactor, TableWithJoins};

use super::binder::{Binder, ColumnKind};
use super::level::{BaseTable, Item, ItemColumn};
use super::name::{At, parts};
use super::walk;
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::catalog::names;
use crate::catalog::privilege::Privilege;
use crate::error::{Error, Result, sqlstate};
use crate::sql::pg_catalog::{self, VirtualTable};
use crate::sql::relation::{JoinKind, Produced, Relation, Scan};
use crate::sql::scalar::{ColumnRef, Scalar};

/// A part of FROM, bound: a table, a function, a join …
pub(super) struct FromPart {
    pub relation: Relation,
    /// What names can mean.
    pub items: Vec<Item>,
    /// All its columns, as a join around it counts them.
    pub columns: Arc<[ItemColumn]>,
}

impl FromPart {
    /// A part that is one item.
    pub fn single(relation: Relation, item: Item) -> FromPart {
        let columns = item.columns.clone();
        FromPart { relation, items: vec![item], columns }
    }
}

impl Binder<'_> {
    /// Binds FROM into the innermost level; one row without columns if there is none.
    pub fn from(&mut self, list: &[TableWithJoins]) -> Result<Relation> {
        let mut whole: Option<Relation> = None;
        for tree in list {
            let (part, lateral) = self.watch_lateral(|binder| binder.table_with_joins(tree))?;
            let mut items = part.items;
            check_conflicts(&self.level().items, &items)?;
            // Until FROM is complete only LATERAL items may use what stands before them.
            for item in &mut items {
                item.lateral_only = true;
                item.lateral_ok = true;
            }
            self.level().items.extend(items);
            whole = Some(match whole {
                None => part.relation,
                Some(left) => cross(left, part.relation, lateral),
            });
        }
        for item in &mut self.level().items {
            item.lateral_only = false;
        }
        Ok(whole.unwrap_or_else(one_row))
    }

    /// Whether something uses items that are only for LATERAL while it is bound.
    pub fn watch_lateral<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, bool)> {
        let before = std::mem::take(&mut self.level().lateral_used);
        let result = step(self)?;
        let used = self.level().lateral_used;
        self.level().lateral_used = before || used;
        Ok((result, used))
    }

    /// A FROM item with the joins that follow it.
    pub fn table_with_joins(&mut self, tree: &TableWithJoins) -> Result<FromPart> {
        let mut left = self.factor(&tree.relation)?;
        for join in &tree.joins {
            left = self.nested(|binder| binder.join(left, join))?;
        }
        Ok(left)
    }

    /// One operand of FROM.
    pub fn factor(&mut self, factor: &TableFactor) -> Result<FromPart> {
        match factor {
            TableFactor::Table { name, alias, args: None, with_ordinality: false, .. } => {
                refuse_hints(factor)?;
                self.relation_by_name(name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                if args.settings.is_some() {
                    return Err(Error::unsupported("SETTINGS"));
                }
                refuse_hints(factor)?;
                self.table_function(name, &args.args, *with_ordinality, alias.as_ref())
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                self.table_function(name, args, *with_ordinality, alias.as_ref())
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset, with_ordinality, .. } => {
                if *with_offset {
                    return Err(Error::unsupported("WITH OFFSET"));
                }
                let arrays: Vec<_> = array_exprs.iter().collect();
                self.unnest(&arrays, *with_ordinality, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                self.derived(subquery, *lateral, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let part = self.nested(|b| b.table_with_joins(table_with_joins))?;
                match alias {
                    None => Ok(part),
                    Some(alias) => aliased_join(part, alias),
                }
            }
            other => Err(Error::unsupported(format!(
                "{} in FROM",
                super::expr::shorten(&other.to_string())
            ))),
        }
    }

    /// A common table expression, view, table or virtual table by name.
    pub fn relation_by_name(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let idents = parts(name)?;
        let span = idents.first().map_or_else(sqlparser::tokenizer::Span::empty, |i| i.span);
        if let [ident] = idents.as_slice()
            && let Some(part) = self.cte_reference(ident, alias)?
        {
            return Ok(part);
        }
        if let Some(table) = self.virtual_table(&idents) {
            return self.virtual_part(table, alias);
        }
        let table = self.resolve_table(&idents).at(span)?;
        self.depends_on(&table);
        self.require(table.id, Privilege::Select);
        match &table.kind {
            TableKind::View { query } => self.view(&table, query, alias),
            TableKind::Sequence(_) => Err(Error::unsupported("a sequence in FROM")
                .with_hint("Use last_value from pg_catalog.pg_sequences.")),
            TableKind::Table | TableKind::MaterializedView { .. } => {
                let (scan, item) = self.scan(&table, alias)?;
                Ok(FromPart::single(Relation::Scan(scan), item))
            }
        }
    }

    /// The relation in the catalog that a name means.
    pub fn resolve_table(&self, idents: &[&Ident]) -> Result<Arc<TableDescriptor>> {
        let words: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
        let search = self.search()?;
        names::resolve_relation(self.ctx.catalog, search.scope(), &words)
    }

    /// The virtual table that a name means.
    pub fn virtual_table(&self, idents: &[&Ident]) -> Option<&'static VirtualTable> {
        match idents {
            [name] => {
                // pg_catalog is searched before everything else.
                pg_catalog::virtual_table("pg_catalog", &name.value).or_else(|| {
                    let path = self.ctx.session.search_path.iter();
                    path.filter_map(|schema| pg_catalog::virtual_table(schema, &name.value)).next()
                })
            }
            [schema, name] | [_, schema, name] => {
                pg_catalog::virtual_table(&schema.value, &name.value)
            }
            _ => None,
        }
    }

    /// A scan of all columns of a table, and the item that it is.
    pub fn scan(
        &mut self,
        table: &Arc<TableDescriptor>,
        alias: Option<&TableAlias>,
    ) -> Result<(Scan, Item)> {
        let alias_name: Arc<str> = alias
            .map_or_else(|| Arc::from(table.name.as_str()), |a| Arc::from(a.name.value.as_str()));
        let level = self.level().id;
        let columns: Vec<(Produced, usize)> = table
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let kind = ColumnKind::Source;
                (self.column_of(level, kind, &c.ty, &alias_name, &c.name), i)
            })
            .collect();
        let item_columns = columns
            .iter()
            .zip(&table.columns)
            .map(|((p, _), c)| ItemColumn {
                name: Arc::from(c.name.as_str()),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: (table.id, i16::try_from(c.id).unwrap_or(0)),
                hidden: c.hidden,
            })
            .collect();
        let mut item = Item::new(alias_name.clone(), item_columns);
        if alias.is_none() {
            let schema = self.ctx.catalog.schema_any_state(table.schema);
            let schema = schema.map_or("", |s| s.name.as_str());
            item.relation = Some((Arc::from(schema), alias_name.clone()));
        } else {
            item.relation = Some((Arc::from(""), Arc::from(table.name.as_str())));
        }
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        let refs: Vec<ColumnRef> = columns.iter().map(|(p, _)| p.column).collect();
        let alias = alias_name.to_string();
        let base = BaseTable { alias: alias_name, table: table.clone(), columns: refs };
        let level = self.level();
        level.tables.push(base);
        level.known.push(item.clone());
        Ok((Scan { table: table.clone(), alias, columns, hint: None }, item))
    }

    fn virtual_part(
        &mut self,
        table: &'static VirtualTable,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let alias_name: Arc<str> =
            alias.map_or_else(|| Arc::from(table.name), |a| Arc::from(a.name.value.as_str()));
        let level = self.level().id;
        let all = table.columns.iter().chain(std::iter::once(&*pg_catalog::TABLE_OID));
        let columns: Vec<(Produced, usize)> = all
            .clone()
            .enumerate()
            .map(|(i, c)| {
                (self.column_of(level, ColumnKind::Source, &c.ty, &alias_name, c.name), i)
            })
            .collect();
        let item_columns = columns
            .iter()
            .zip(all)
            .map(|((p, i), c)| ItemColumn {
                name: Arc::from(c.name),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: (table.oid, i16::try_from(i + 1).unwrap_or(0)),
                hidden: *i == table.columns.len(),
            })
            .collect();
        let mut item = Item::new(alias_name, item_columns);
        let schema = if alias.is_none() { table.schema } else { "" };
        item.relation = Some((Arc::from(schema), Arc::from(table.name)));
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(FromPart::single(Relation::Virtual { table, columns }, item))
    }

    /// Lets messages call columns as an item calls them.
    pub fn rename_columns(&mut self, item: &Item) {
        for column in item.columns.iter() {
            if let Some(column_ref) = column.value.as_column() {
                self.adopt(column_ref, &item.alias, &column.name);
            }
        }
    }
}

/// One row without columns: what a SELECT without FROM reads.
pub(super) fn one_row() -> Relation {
    Relation::Values { columns: Vec::new(), rows: vec![Vec::new()] }
}

/// Every row of the left with every row of the right.
pub(super) fn cross(left: Relation, right: Relation, lateral: bool) -> Relation {
    // A right side that uses only what stands before the whole left side is no matter of this join.
    let lateral = lateral && reads_from(&right, &left);
    Relation::Join {
        kind: JoinKind::Inner,
        left: Box::new(left),
        right: Box::new(right),
        on: Scalar::truth(),
        lateral,
    }
}

/// Whether one relation reads columns that another produces.
pub(super) fn reads_from(reader: &Relation, source: &Relation) -> bool {
    let produced: std::collections::HashSet<ColumnRef> =
        walk::output(source).into_iter().map(|p| p.column).collect();
    let mut reads = false;
    walk::every_in(reader, false, &mut |part, _| {
        reads |= part.as_column().is_some_and(|c| produced.contains(&c));
    });
    reads
}

/// An item with the column names of its alias, as far as that lists any.
pub(super) fn renamed(mut item: Item, alias: Option<&TableAlias>) -> Result<Item> {
    let Some(alias) = alias else { return Ok(item) };
    if alias.at.is_some() {
        return Err(Error::unsupported("AT in a table alias"));
    }
    if alias.columns.is_empty() {
        return Ok(item);
    }
    let available = item.visible().count();
    if alias.columns.len() > available {
        return Err(Error::new(
            sqlstate::INVALID_COLUMN_REFERENCE,
            format!(
                "table \"{}\" has {available} columns available but {} columns specified",
                alias.name.value,
                alias.columns.len()
            ),
        )
        .at(alias.name.span));
    }
    let mut columns: Vec<ItemColumn> = item.columns.to_vec();
    let visible = columns.iter_mut().filter(|c| !c.hidden);
    for (column, new) in visible.zip(&alias.columns) {
        if new.data_type.is_some() {
            return Err(Error::syntax(
                "a column definition list is only allowed for functions returning \"record\"",
            ));
        }
        column.name = Arc::from(new.name.value.as_str());
    }
    item.columns = columns.into();
    Ok(item)
}

/// A join in parentheses under an alias, which hides what is inside.
fn aliased_join(part: FromPart, alias: &TableAlias) -> Result<FromPart> {
    let item = Item::new(Arc::from(alias.name.value.as_str()), part.columns.to_vec());
    Ok(FromPart::single(part.relation, renamed(item, Some(alias))?))
}

/// Fails if two items have one name.
pub(super) fn check_conflicts(known: &[Item], new: &[Item]) -> Result<()> {
    for item in new.iter().filter(|i| i.by_name) {
        let same_name = |k: &&Item| k.by_name && k.alias == item.alias;
        for other in known.iter().filter(same_name) {
            // Tables of different schemas may go by one name without aliases.
            let apart = match (&item.relation, &other.relation) {
                (Some((a, _)), Some((b, _))) => !a.is_empty() && !b.is_empty() && a != b,
                _ => false,
            };
            if !apart {
                return Err(Error::new(
                    sqlstate::DUPLICATE_ALIAS,
                    format!("table name \"{}\" specified more than once", item.alias),
                ));
            }
        }
    }
    Ok(())
}

fn refuse_hints(factor: &TableFactor) -> Result<()> {
    if let TableFactor::Table {
        with_hints,
        version,
        partitions,
        json_path,
        sample,
        index_hints,
        ..
    } = factor
    {
        if sample.is_some() {
            return Err(Error::unsupported("TABLESAMPLE"));
        }
        if version.is_some()
            || json_path.is_some()
            || !partitions.is_empty()
            || !with_hints.is_empty()
            || !index_hints.is_empty()
        {
            return Err(Error::unsupported("this form of a table in FROM"));
        }
    }
    Ok(())
}
