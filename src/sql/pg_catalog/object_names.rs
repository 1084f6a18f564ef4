//! Names behind `regclass` and its kin: `'t'::regclass`, and the name that a client is shown.

use std::sync::Arc;

use super::{definition, number};
use crate::catalog::CatalogSnapshot;
use crate::catalog::names::{self, Scope};
use crate::catalog::user_type::find_user_type;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::column_type_from_text;
use crate::sql::function;
use crate::sql::variables::SessionState;
use crate::syntax::quote_identifier;
use crate::types::session::NameResolver;
use crate::types::{Type, oid};

/// Resolves names as a session sees them, over one snapshot of the catalogue.
pub struct CatalogNames {
    catalog: Arc<CatalogSnapshot>,
    database: Arc<str>,
    search_path: Vec<String>,
}

impl CatalogNames {
    /// Over a snapshot, for a session.
    pub fn new(catalog: &Arc<CatalogSnapshot>, session: &SessionState) -> CatalogNames {
        CatalogNames {
            catalog: Arc::clone(catalog),
            database: Arc::clone(&session.database),
            search_path: session.search_path.clone(),
        }
    }

    fn database_id(&self) -> u32 {
        self.catalog.database_named_any_state(&self.database).map_or(0, |d| d.id)
    }

    fn scope(&self) -> Scope<'_> {
        let search_path = &self.search_path;
        Scope { database: self.database_id(), search_path, temp_schema: None }
    }

    fn relation(&self, name: &str) -> Result<u32> {
        let parts = split(name)?;
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        relation_oid(&self.catalog, self.scope(), &words)?
            .ok_or_else(|| names::undefined("relation", &words))
    }

    fn relation_name(&self, oid: u32) -> Option<String> {
        if let Some(table) = super::virtual_table_by_oid(oid) {
            let name = quote_identifier(table.name);
            return Some(match table.schema {
                "pg_catalog" => name,
                schema => format!("{schema}.{name}"),
            });
        }
        let (schema, name) = match self.catalog.table_any_state(oid) {
            Some(table) => (table.schema, &table.name),
            None => {
                let (table, index) = definition::index_with_oid(&self.catalog, oid)?;
                (table.schema, &index.name)
            }
        };
        let found = relation_oid(&self.catalog, self.scope(), &[name]).ok().flatten();
        let name = quote_identifier(name);
        if found == Some(oid) {
            return Some(name);
        }
        let schema = &self.catalog.schema_any_state(schema)?.name;
        Some(format!("{}.{name}", quote_identifier(schema)))
    }

    fn schema(&self, name: &str) -> Result<u32> {
        let parts = split(name)?;
        let [name] = parts.as_slice() else {
            return Err(Error::new(sqlstate::INVALID_NAME, "invalid name syntax"));
        };
        if super::is_virtual_schema(name) {
            return Ok(number::virtual_schema(name));
        }
        Ok(names::resolve_schema(&self.catalog, self.scope(), &[name])?.id)
    }

    fn role(&self, name: &str) -> Result<u32> {
        let parts = split(name)?;
        let found = match parts.as_slice() {
            [name] => self.catalog.role(name).map(|role| role.id),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(sqlstate::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
        })
    }

    fn role_name(&self, oid: u32) -> Option<String> {
        let role = self.catalog.roles().roles().find(|role| role.id == oid)?;
        Some(quote_identifier(&role.name))
    }

    fn schema_name(&self, oid: u32) -> Option<String> {
        let virtual_name =
            super::VIRTUAL_SCHEMAS.iter().find(|name| number::virtual_schema(name) == oid).copied();
        let name = virtual_name.or_else(|| Some(&self.catalog.schema_any_state(oid)?.name))?;
        Some(quote_identifier(name))
    }
}

impl NameResolver for CatalogNames {
    fn oid_of(&self, kind: &Type, name: &str) -> Result<u32> {
        match kind {
            Type::Regtype => match column_type_from_text(name, &|words| {
                find_user_type(&self.catalog, self.scope(), words)
            }) {
                Ok(ty) => Ok(oid::oid(&ty.ty)),
                Err(e) => super::types::pseudo_type(name).ok_or(e),
            },
            Type::Regproc => function_oid(name),
            Type::Regnamespace => self.schema(name),
            Type::Regrole => self.role(name),
            _ => self.relation(name),
        }
    }

    fn name_of(&self, kind: &Type, number: u32) -> Option<String> {
        match kind {
            Type::Regtype => super::types::type_name(&self.catalog, number),
            Type::Regproc => function_name(number).map(quote_identifier),
            Type::Regnamespace => self.schema_name(number),
            Type::Regrole => self.role_name(number),
            _ => self.relation_name(number),
        }
    }
}

/// The OID of the relation, index or virtual table that a name means.
pub fn relation_oid(
    catalog: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Option<u32>> {
    let virtual_table = match parts {
        [name] => super::virtual_table("pg_catalog", name),
        [schema, name] | [_, schema, name] => super::virtual_table(schema, name),
        _ => None,
    };
    if let Some(table) = virtual_table {
        return Ok(Some(table.oid));
    }
    if let Some(table) = names::find_relation(catalog, scope, parts)? {
        return Ok(Some(table.id));
    }
    if let Some((table, index)) = names::find_index(catalog, scope, parts)? {
        return Ok(Some(number::index(table.id, index)));
    }
    // Schemas of virtual tables may stand in the search path, too.
    if let [name] = parts {
        let mut path = scope.search_path.iter();
        return Ok(path.find_map(|s| super::virtual_table(s, name)).map(|table| table.oid));
    }
    Ok(None)
}

/// The parts of a dotted name in a string; 42602 if it is none.
fn split(name: &str) -> Result<Vec<String>> {
    let parts = function::split_name(name);
    if parts.iter().any(String::is_empty) {
        return Err(Error::new(sqlstate::INVALID_NAME, "invalid name syntax"));
    }
    Ok(parts)
}

/// The name of a function of any kind.
pub(super) fn function_name(oid: u32) -> Option<&'static str> {
    super::functions::every().find(|f| f.oid == oid).map(|f| f.name)
}

fn function_oid(name: &str) -> Result<u32> {
    let parts = split(name)?;
    let word = match parts.as_slice() {
        [name] => name.as_str(),
        [schema, name] if schema == "pg_catalog" => name.as_str(),
        _ => "",
    };
    let mut found = super::functions::every().filter(|f| f.name == word).map(|f| f.oid);
    match (found.next(), found.next()) {
        (Some(oid), None) => Ok(oid),
        (Some(_), Some(_)) => Err(Error::new(
            sqlstate::AMBIGUOUS_FUNCTION,
            format!("more than one function named \"{name}\""),
        )),
        _ => Err(Error::new(
            sqlstate::UNDEFINED_FUNCTION,
            format!("function \"{name}\" does not exist"),
        )),
    }
}
