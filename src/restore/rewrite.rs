//! New numbers and names for old ones, wherever a descriptor holds them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, SelectItem, SetExpr, Value, ValueWithSpan, visit_expressions_mut,
    visit_relations_mut,
};

use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor, TableKind};
use crate::catalog::mutation::Change;
use crate::catalog::system::FIRST_USER_ID;
use crate::catalog::user_type::{replace_types, types_in};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{self, Statement};
use crate::types::{EnumType, Type};

/// Where every old number and name goes.
#[derive(Debug, Default)]
pub struct Rewrite {
    /// Old numbers to new ones. Objects of this cluster that are used in the place of old ones
    /// (the database and schema that a table goes into) are here too.
    pub ids: BTreeMap<DescriptorId, DescriptorId>,
    /// The database and schema of tables that do not go where their old ones lead, by old number.
    pub places: BTreeMap<DescriptorId, (DescriptorId, DescriptorId)>,
    /// `database.schema.relation` of then to that of now, where they differ, by old number.
    pub names: BTreeMap<DescriptorId, ([String; 3], [String; 3])>,
}

impl Rewrite {
    /// The new number of an object.
    pub fn id(&self, old: DescriptorId) -> Result<DescriptorId> {
        let same = (old < FIRST_USER_ID).then_some(old);
        self.ids.get(&old).copied().or(same).ok_or_else(|| {
            Error::new(
                sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("an object refers to the object {old}, which is not restored"),
            )
        })
    }

    /// Changes every number and name in a descriptor.
    pub fn descriptor(&self, descriptor: &mut Descriptor) -> Result<()> {
        match descriptor {
            Descriptor::Database(d) => {
                d.id = self.id(d.id)?;
                // A rule for a schema that does not come back has nothing to rule.
                d.default_privileges
                    .retain(|rule| rule.schema.is_none_or(|id| self.ids.contains_key(&id)));
                for rule in &mut d.default_privileges {
                    rule.schema = rule.schema.map(|id| self.id(id)).transpose()?;
                }
            }
            Descriptor::Schema(d) => {
                d.id = self.id(d.id)?;
                d.database = self.id(d.database)?;
            }
            Descriptor::Type(d) => {
                d.id = self.id(d.id)?;
                d.database = self.id(d.database)?;
                d.schema = self.id(d.schema)?;
            }
            Descriptor::Table(d) => {
                let name = d.name.clone();
                self.table(d).map_err(|e| e.context(format!("restoring \"{name}\"")))?;
            }
        }
        descriptor.set_version(1);
        Ok(())
    }

    fn table(&self, table: &mut TableDescriptor) -> Result<()> {
        match &mut table.kind {
            TableKind::View { query } | TableKind::MaterializedView { query } => {
                *query = self.types(query)?;
                self.query(query, &table.depends_on)?;
            }
            TableKind::Sequence(sequence) => {
                if let Some((owner, _)) = &mut sequence.owned_by {
                    *owner = self.id(*owner)?;
                }
            }
            TableKind::Table => {}
        }
        (table.database, table.schema) = match self.places.get(&table.id) {
            Some(place) => *place,
            None => (self.id(table.database)?, self.id(table.schema)?),
        };
        table.id = self.id(table.id)?;
        for key in &mut table.foreign_keys {
            key.referenced_table = self.id(key.referenced_table)?;
        }
        for id in &mut table.depends_on {
            *id = self.id(*id)?;
        }
        for column in &mut table.columns {
            for id in &mut column.uses_sequences {
                *id = self.id(*id)?;
            }
            self.column_type(&mut column.ty.ty)?;
            for text in [&mut column.default, &mut column.computed].into_iter().flatten() {
                self.expression(text)?;
            }
        }
        for check in &mut table.checks {
            self.expression(&mut check.expression)?;
        }
        // A backup has no entries of an index in the making, nor of another form: the one is filled
        // from the beginning, the other is given up.
        table.mutations.retain(|m| !matches!(m.change, Change::Form(_)));
        for mutation in &mut table.mutations {
            if let Change::Index { index, filled } = &mut mutation.change {
                *filled = false;
                if let Some(text) = &mut index.predicate {
                    self.expression(text)?;
                }
            }
        }
        let indexes = std::iter::once(&mut table.primary_index).chain(&mut table.indexes);
        for text in indexes.filter_map(|index| index.predicate.as_mut()) {
            self.expression(text)?;
        }
        Ok(())
    }

    fn column_type(&self, ty: &mut Type) -> Result<()> {
        match ty {
            Type::Array(element) => self.column_type(element)?,
            Type::Enum(own) => *own = EnumType::bare(self.id(own.id())?),
            _ => {}
        }
        Ok(())
    }

    /// Changes the numbers of types in a stored text.
    fn types(&self, text: &str) -> Result<String> {
        for id in types_in(text) {
            self.id(id)?;
        }
        Ok(replace_types(text, &|id| Some(format!("\"@{}\"", self.id(id).ok()?))))
    }

    /// Changes the numbers in a stored expression: `104::regclass`, `nextval('104')`.
    fn expression(&self, text: &mut String) -> Result<()> {
        *text = self.types(text)?;
        let lower = text.to_ascii_lowercase();
        if !["regclass", "nextval", "currval", "setval"].iter().any(|word| lower.contains(word)) {
            return Ok(());
        }
        let mut tree = parse_expression(text)?;
        let flow = visit_expressions_mut(&mut tree, |expr| match self.number_in(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => ControlFlow::Break(e),
        });
        if let ControlFlow::Break(e) = flow {
            return Err(e);
        }
        *text = tree.to_string();
        Ok(())
    }

    fn number_in(&self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::Cast { expr: inner, data_type: DataType::Regclass, .. } => self.number(inner),
            Expr::Function(call) => {
                let name = call.name.0.last().and_then(ObjectNamePart::as_ident);
                let of_sequence = name.is_some_and(|name| {
                    ["nextval", "currval", "setval"].contains(&name.value.as_str())
                });
                if of_sequence
                    && let FunctionArguments::List(list) = &mut call.args
                    && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) =
                        list.args.first_mut()
                {
                    return self.number(first);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Changes a literal that is a number, whether in quotes or not.
    fn number(&self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::Nested(inner) => self.number(inner),
            Expr::Value(ValueWithSpan {
                value: Value::Number(text, _) | Value::SingleQuotedString(text),
                ..
            }) => {
                if let Ok(old) = text.parse::<DescriptorId>() {
                    *text = self.id(old)?.to_string();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Changes the names of relations in a view's query, if any of them has another name now.
    fn query(&self, query: &mut String, depends_on: &[DescriptorId]) -> Result<()> {
        let renames: Vec<&([String; 3], [String; 3])> =
            depends_on.iter().filter_map(|id| self.names.get(id)).collect();
        if renames.is_empty() {
            return Ok(());
        }
        let wrong = || Error::corrupt("the query of a view in the backup cannot be read");
        let mut parsed = syntax::parse(query)?;
        let (Some(statement), true) = (parsed.pop(), parsed.is_empty()) else {
            return Err(wrong());
        };
        if statement.as_of.is_some() || !statement.row_sources.is_empty() {
            return Err(Error::unsupported("restoring a view of this kind under another name"));
        }
        let Statement::Sql(mut tree) = statement.statement else { return Err(wrong()) };
        let _: ControlFlow<()> = visit_relations_mut(&mut *tree, |name| {
            if let Some((_, new)) = renames.iter().find(|(old, _)| is_named(name, old)) {
                let part = |word: &String| {
                    ObjectNamePart::Identifier(Ident::with_quote('"', word.clone()))
                };
                *name = ObjectName(new.iter().map(part).collect());
            }
            ControlFlow::Continue(())
        });
        *query = tree.to_string();
        Ok(())
    }
}

fn is_named(name: &ObjectName, words: &[String; 3]) -> bool {
    name.0.len() == words.len()
        && name
            .0
            .iter()
            .zip(words)
            .all(|(part, word)| part.as_ident().is_some_and(|ident| ident.value == *word))
}

fn parse_expression(text: &str) -> Result<Expr> {
    let wrong = || Error::corrupt(format!("an expression in the backup cannot be read: {text}"));
    let mut parsed = syntax::parse(&format!("SELECT {text}"))?;
    let (Some(statement), true) = (parsed.pop(), parsed.is_empty()) else { return Err(wrong()) };
    let Statement::Sql(tree) = statement.statement else { return Err(wrong()) };
    let sqlparser::ast::Statement::Query(query) = *tree else { return Err(wrong()) };
    let SetExpr::Select(mut select) = *query.body else { return Err(wrong()) };
    match (select.projection.pop(), select.projection.is_empty()) {
        (Some(SelectItem::UnnamedExpr(expr)), true) => Ok(expr),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite() -> Rewrite {
        let then = ["old".to_owned(), "public".to_owned(), "t".to_owned()];
        let now = ["N\"w".to_owned(), "public".to_owned(), "t".to_owned()];
        Rewrite {
            ids: BTreeMap::from([(104, 204), (105, 205)]),
            names: BTreeMap::from([(104, (then, now))]),
            ..Rewrite::default()
        }
    }

    #[test]
    fn numbers_in_expressions_are_changed_and_nothing_else() {
        let change = |text: &str| {
            let mut text = text.to_owned();
            rewrite().expression(&mut text).map(|()| text)
        };
        assert_eq!(change("nextval(104::REGCLASS)").unwrap(), "nextval(204::REGCLASS)");
        assert_eq!(change("nextval('105')").unwrap(), "nextval('205')");
        assert_eq!(
            change("nextval(104::REGCLASS) + 104 * nextval('105'::regclass)").unwrap(),
            "nextval(204::REGCLASS) + 104 * nextval('205'::REGCLASS)"
        );
        // Without a relation the text stays as it is, to the letter.
        assert_eq!(change("104+ 1").unwrap(), "104+ 1");
        assert_eq!(change("15::regclass").unwrap(), "15::REGCLASS");
        let e = change("nextval(106::regclass)").unwrap_err();
        assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
    }

    #[test]
    fn a_views_query_follows_its_relations_to_the_new_database() {
        let mut query =
            "SELECT \"t\".a FROM \"old\".\"public\".\"t\" AS \"t\" WHERE a = 'old.public.t'"
                .to_owned();
        rewrite().query(&mut query, &[104]).unwrap();
        assert_eq!(
            query,
            "SELECT \"t\".a FROM \"N\"\"w\".\"public\".\"t\" AS \"t\" WHERE a = 'old.public.t'"
        );
        let mut other = "SELECT 1  FROM x".to_owned();
        rewrite().query(&mut other, &[105]).unwrap();
        assert_eq!(other, "SELECT 1  FROM x");
    }
}
