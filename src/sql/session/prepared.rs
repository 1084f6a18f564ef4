//! Prepared statements: of the protocol's Parse and of PREPARE, which share their names.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident};

use super::run::{Finish, Request, is_query};
use super::{Session, check_room};
use crate::catalog::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind;
use crate::sql::client::{Client, Field};
use crate::sql::query::Planned;
use crate::sql::statement::{self, Outcome};
use crate::sql::variables::Note;
use crate::syntax::{Execute, ParsedStatement, Prepare, Statement};
use crate::types::{ColumnType, Type};

/// A statement that waits for its parameters.
pub(super) struct Prepared {
    /// Its tree; `None` for an empty text.
    pub parsed: Option<Arc<ParsedStatement>>,
    /// Types of its parameters.
    pub types: Vec<Type>,
    /// How, for a query.
    pub planned: Option<Arc<Planned>>,
    /// Columns of its rows, if it has rows.
    pub fields: Option<Vec<Field>>,
}

impl Session {
    /// Prepares a statement whose parameter types are known as far as `hints` says.
    pub(super) fn make_prepared(
        &mut self,
        parsed: Option<ParsedStatement>,
        hints: Vec<Option<Type>>,
    ) -> Result<Prepared> {
        let Some(parsed) = parsed else {
            return Ok(Prepared { parsed: None, types: Vec::new(), planned: None, fields: None });
        };
        if is_query(&parsed.statement) && parsed.row_sources.is_empty() {
            let mut hints = hints;
            let catalog = match &parsed.as_of {
                Some(expr) => self.catalog_of_the_past(expr, &mut hints)?,
                None => self.catalog_to_prepare()?,
            };
            let planned = self.plan_with(&catalog, &parsed, hints, None)?;
            let has_rows = !planned.fields.is_empty() || planned.kind == bind::BoundKind::Select;
            return Ok(Prepared {
                types: planned.params.clone(),
                fields: has_rows.then(|| planned.fields.clone()),
                planned: Some(planned),
                parsed: Some(Arc::new(parsed)),
            });
        }
        let used = placeholders(&parsed.text).max(hints.len());
        let mut types: Vec<Type> =
            hints.into_iter().map(|hint| hint.unwrap_or(Type::Text)).collect();
        types.resize(used, Type::Text);
        let fields = self.fields_of(&parsed)?;
        Ok(Prepared { parsed: Some(Arc::new(parsed)), types, planned: None, fields })
    }

    /// The columns of a statement that is not planned.
    fn fields_of(&mut self, parsed: &ParsedStatement) -> Result<Option<Vec<Field>>> {
        Ok(match &parsed.statement {
            Statement::ShowVariable(name) => Some(super::variable::show_fields(name)),
            Statement::ShowAll => Some(super::variable::show_all_fields()),
            Statement::Explain(_) => Some(super::explain::fields()),
            Statement::Execute(execute) => self.prepared_named(&execute.name.value)?.fields.clone(),
            Statement::Fetch(fetch) if fetch.is_move => None,
            Statement::Fetch(fetch) => self.cursor_fields(&fetch.cursor.value)?,
            // Its columns are known only once the statements in brackets have run.
            Statement::Sql(_) if !parsed.row_sources.is_empty() => self.bracket_fields(parsed)?,
            statement => statement::fields(statement),
        })
    }

    /// The columns of a query over `[SHOW …]`: bound over the columns of the statements, no rows.
    fn bracket_fields(&mut self, parsed: &ParsedStatement) -> Result<Option<Vec<Field>>> {
        struct Columns;
        impl bind::RowSources for Columns {
            fn rows(&self, source: &Statement) -> Result<bind::RowSource> {
                if let Statement::ReadBackup(_) = source {
                    return Err(Error::unsupported("preparing a query of a backup")
                        .with_hint("Send it by the simple protocol, or create a table from it."));
                }
                let fields = statement::fields(source)
                    .ok_or_else(|| Error::syntax("the statement in brackets returns no rows"))?;
                let columns = fields.into_iter().map(|f| (f.name, f.ty)).collect();
                Ok(bind::RowSource { columns, rows: Vec::new() })
            }
        }
        let catalog = self.catalog_to_prepare()?;
        let planned = self.plan_with(&catalog, parsed, Vec::new(), Some(&Columns))?;
        Ok(Some(planned.fields.clone()))
    }

    /// What exists, to prepare against: the block's view, or the newest outside of one.
    pub(super) fn catalog_to_prepare(&mut self) -> Result<Arc<CatalogSnapshot>> {
        if self.block.is_some() { self.catalog() } else { self.server.catalog.current() }
    }

    /// What existed at the time of AS OF SYSTEM TIME, if that is known before there are parameters;
    /// otherwise what exists, and the types of the parameters in the clause.
    fn catalog_of_the_past(
        &mut self,
        expr: &Expr,
        hints: &mut Vec<Option<Type>>,
    ) -> Result<Arc<CatalogSnapshot>> {
        let text = expr.to_string();
        let used = placeholders(&text);
        if used == 0 {
            let at = self.moment(expr, &[], &[])?;
            return self.server.catalog.snapshot_at(&self.server.mvcc.snapshot(at)?);
        }
        let catalog = self.catalog_to_prepare()?;
        hints.resize(used.max(hints.len()), None);
        let mut types = bind::ParameterTypes(hints.clone());
        // A parameter that only the query names has its type from there.
        for (_, ty) in types.0.iter_mut().enumerate().filter(|(i, _)| !names(&text, i + 1)) {
            ty.get_or_insert(Type::Text);
        }
        let ctx = bind::BindContext::new(&catalog, &self.state);
        bind::bind_constant_with(&ctx, expr, None, &mut types)?;
        for (i, (hint, ty)) in hints.iter_mut().zip(types.0).enumerate() {
            if names(&text, i + 1) {
                *hint = ty;
            }
        }
        Ok(catalog)
    }

    /// The prepared statement with a name; 26000 if there is none.
    pub(super) fn prepared_named(&self, name: &str) -> Result<Arc<Prepared>> {
        self.prepared.get(name).cloned().ok_or_else(|| {
            let what = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            Error::new(sqlstate::INVALID_SQL_STATEMENT_NAME, what)
        })
    }

    /// Keeps a prepared statement; 42P05 if a named one exists.
    pub(super) fn keep_prepared(
        &mut self,
        name: &str,
        prepared: Prepared,
        text: &str,
        from_sql: bool,
    ) -> Result<()> {
        if !name.is_empty() && self.prepared.contains_key(name) {
            return Err(Error::new(
                sqlstate::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        check_room(self.prepared.len(), "prepared statements")?;
        let (types, since) = (prepared.types.clone(), self.server.clock.now().sql_micros());
        self.prepared.insert(name, Arc::new(prepared), || Note {
            statement: text.to_owned(),
            since,
            from_sql,
            types,
            ..Note::default()
        });
        Ok(())
    }

    /// PREPARE.
    pub(super) fn prepare(&mut self, prepare: &Prepare, text: &str) -> Result<Outcome> {
        let catalog = self.catalog_to_prepare()?;
        let ctx = bind::BindContext::new(&catalog, &self.state);
        let hints = prepare
            .types
            .iter()
            .map(|ty| bind::column_type_in(&ctx, ty).map(|c: ColumnType| Some(c.ty)))
            .collect::<Result<Vec<_>>>()?;
        let prepared = self.make_prepared(Some((*prepare.statement).clone()), hints)?;
        self.keep_prepared(&prepare.name.value, prepared, text, true)?;
        Outcome::done("PREPARE")
    }

    /// EXECUTE.
    pub(super) fn execute_prepared(
        &mut self,
        execute: &Execute,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Finish> {
        let prepared = self.prepared_named(&execute.name.value)?;
        if prepared.types.len() != execute.arguments.len() {
            return Err(Error::syntax(format!(
                "wrong number of parameters for prepared statement \"{}\"",
                execute.name.value
            ))
            .with_detail(format!(
                "Expected {} parameters but got {}.",
                prepared.types.len(),
                execute.arguments.len()
            )));
        }
        let mut params = Vec::with_capacity(execute.arguments.len());
        for (argument, ty) in execute.arguments.iter().zip(&prepared.types) {
            let mut work = self.work(request, client)?;
            params.push(work.constant(argument, Some(&ColumnType::plain(ty.clone())))?);
        }
        let Some(parsed) = &prepared.parsed else { return Ok(Finish::Tag(String::new())) };
        if matches!(parsed.statement, Statement::Execute(_) | Statement::Prepare(_)) {
            return Err(Error::unsupported("EXECUTE of PREPARE or EXECUTE"));
        }
        let inner = Request {
            parsed,
            params: &params,
            types: &prepared.types,
            planned: prepared.planned.as_ref(),
            ..request
        };
        self.dispatch(inner, client)
    }

    /// DEALLOCATE.
    pub(super) fn deallocate(&mut self, name: Option<&Ident>) -> Result<Outcome> {
        match name {
            None => {
                self.prepared.clear();
                Outcome::done("DEALLOCATE ALL")
            }
            Some(name) => {
                self.prepared_named(&name.value)?;
                self.prepared.remove(&name.value);
                Outcome::done("DEALLOCATE")
            }
        }
    }
}

/// The highest `$n` of a text, for statements that the binder does not see.
fn placeholders(text: &str) -> usize {
    let mut highest = 0;
    for (at, _) in text.match_indices('$') {
        let digits: String =
            text[at + 1..].chars().take_while(char::is_ascii_digit).take(6).collect();
        highest = highest.max(digits.parse().unwrap_or(0));
    }
    highest.min(crate::limits::PARAMETERS_MAX)
}

/// Whether a text names the parameter of a number.
fn names(text: &str, number: usize) -> bool {
    let name = format!("${number}");
    let mut behind = text.match_indices(&name).map(|(at, name)| &text[at + name.len()..]);
    behind.any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_counted() {
        assert_eq!(placeholders("BACKUP INTO $2 IN $1"), 2);
        assert_eq!(placeholders("SELECT '$'"), 0);
        assert!(names("$10 + $1", 1) && names("$10", 10) && !names("$10", 1));
    }
}
