//! SHOW USERS, ROLES, GRANTS, GRANTS ON ROLE.

use std::sync::Arc;

use sqlparser::ast::Ident;

use crate::catalog::descriptor::Privileges;
use crate::catalog::object::ObjectRef;
use crate::catalog::privilege::Privilege;
use crate::catalog::{CatalogSnapshot, names};
use crate::error::{Error, Result};
use crate::sql::client::Field;
use crate::sql::statement::object::words;
use crate::sql::statement::{Work, field};
use crate::syntax::{GrantObjects, TablePattern};
use crate::types::{Array, Datum, Type};

type Rows = Vec<Vec<Datum>>;

/// SHOW USERS and SHOW ROLES.
pub(super) fn roles(work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut rows = Vec::new();
    for role in catalog.roles().roles() {
        let mut options: Vec<String> =
            role.options.iter().map(|o| o.name().to_owned()).filter(|o| o != "LOGIN").collect();
        if !role.can_login() {
            options.push("NOLOGIN".to_owned());
        }
        options.extend(role.options.valid_until.as_ref().map(|t| format!("VALID UNTIL={t}")));
        let member_of =
            catalog.roles().direct_roles(&role.name).map(|(r, _)| Datum::text(r)).collect();
        rows.push((
            role.name.clone(),
            vec![
                Datum::text(&role.name),
                Datum::text(options.join(", ")),
                Datum::Array(Arc::new(Array::from_items(Type::Text, member_of))),
            ],
        ));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// SHOW GRANTS ON ROLE.
pub(super) fn role_grants(
    roles: &[Ident],
    grantees: &[Ident],
    work: &mut Work<'_>,
) -> Result<Rows> {
    let catalog = work.catalog()?;
    let named = |list: &[Ident], name: &str| {
        list.is_empty() || list.iter().any(|ident| ident.value == name)
    };
    Ok(catalog
        .roles()
        .edges()
        .filter(|(role, member, _)| named(roles, role) && named(grantees, member))
        .map(|(role, member, admin)| {
            vec![Datum::text(role), Datum::text(member), Datum::Bool(admin)]
        })
        .collect())
}

/// The columns of SHOW GRANTS, which depend on what it is about.
pub(super) fn grant_fields(on: Option<&GrantObjects>) -> Vec<Field> {
    let names: &[&str] = match on {
        Some(GrantObjects::Databases(_)) => &["database_name", "grantee", "privilege_type"],
        Some(GrantObjects::Schemas(_)) => {
            &["database_name", "schema_name", "grantee", "privilege_type"]
        }
        Some(GrantObjects::Types(_)) => {
            &["database_name", "schema_name", "type_name", "grantee", "privilege_type"]
        }
        Some(GrantObjects::System) => &["grantee", "privilege_type"],
        None => &["database_name", "schema_name", "relation_name", "grantee", "privilege_type"],
        Some(_) => &["database_name", "schema_name", "table_name", "grantee", "privilege_type"],
    };
    names.iter().map(|name| field(name, Type::Text)).collect()
}

/// SHOW GRANTS.
pub(super) fn grants(
    on: Option<&GrantObjects>,
    grantees: &[Ident],
    work: &mut Work<'_>,
) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut out = Grants { grantees, rows: Vec::new() };
    match on {
        Some(GrantObjects::Databases(list)) => {
            for name in list {
                let database = names::resolve_database(&catalog, &name.value)?;
                out.add(&[&database.name], ObjectRef::from(&database));
            }
        }
        Some(GrantObjects::Schemas(list)) => {
            for name in list {
                let scope = work.scope(&catalog)?;
                let schema = names::resolve_schema(&catalog, scope, &words(name)?)?;
                let database = database_name(&catalog, schema.database);
                out.add(&[&database, &schema.name], ObjectRef::from(&schema));
            }
        }
        Some(GrantObjects::Tables(patterns)) => {
            for pattern in patterns {
                tables(pattern, &catalog, work, &mut out)?;
            }
        }
        Some(GrantObjects::Sequences(list)) => {
            for name in list {
                let scope = work.scope(&catalog)?;
                let table = names::resolve_relation(&catalog, scope, &words(name)?)?;
                out.add_relation(&catalog, &table);
            }
        }
        Some(GrantObjects::Types(list)) => {
            for name in list {
                let scope = work.scope(&catalog)?;
                let found = names::find_type(&catalog, scope, &words(name)?)?;
                let ty = found
                    .ok_or_else(|| names::undefined("type", &words(name).unwrap_or_default()))?;
                let database = database_name(&catalog, ty.database);
                let schema = catalog.schema(ty.schema).map_or("", |s| &s.name);
                out.add(&[&database, schema, &ty.name], ObjectRef::from(&ty));
            }
        }
        Some(GrantObjects::System) => {
            for (grantee, set) in catalog.system_grants() {
                for privilege in Privilege::all().filter(|p| set.holds(*p)) {
                    out.push(&[], grantee, privilege.name());
                }
            }
        }
        None => {
            let scope = work.scope(&catalog)?;
            let database = database_name(&catalog, scope.database);
            for schema in catalog.schemas(scope.database) {
                for table in catalog.tables_in(schema.id) {
                    out.add(&[&database, &schema.name, &table.name], ObjectRef::from(table));
                }
            }
        }
        Some(_) => return Err(Error::unsupported("SHOW GRANTS ON this kind of object")),
    }
    out.rows.sort();
    Ok(out.rows.into_iter().map(|row| row.iter().map(Datum::text).collect()).collect())
}

fn tables(
    pattern: &TablePattern,
    catalog: &CatalogSnapshot,
    work: &Work<'_>,
    out: &mut Grants<'_>,
) -> Result<()> {
    let scope = work.scope(catalog)?;
    let name: Vec<&str> = pattern.prefix.iter().map(|ident| ident.value.as_str()).collect();
    if let Some(table) = &pattern.table {
        let name: Vec<&str> = name.into_iter().chain([table.value.as_str()]).collect();
        let table = names::resolve_relation(catalog, scope, &name)?;
        out.add_relation(catalog, &table);
        return Ok(());
    }
    let schemas: Vec<_> = match name.as_slice() {
        [] => catalog.schemas(scope.database).cloned().collect(),
        [one] => match catalog.schema_named(scope.database, one)? {
            Some(schema) => vec![schema.clone()],
            None => {
                let database = names::resolve_database(catalog, one)?;
                catalog.schemas(database.id).cloned().collect()
            }
        },
        more => vec![names::resolve_schema(catalog, scope, more)?],
    };
    for schema in schemas {
        for table in catalog.tables_in(schema.id) {
            out.add_relation(catalog, table);
        }
    }
    Ok(())
}

fn database_name(catalog: &CatalogSnapshot, id: u32) -> String {
    catalog.database(id).map(|d| d.name.clone()).unwrap_or_default()
}

/// Rows of SHOW GRANTS.
struct Grants<'a> {
    grantees: &'a [Ident],
    rows: Vec<Vec<String>>,
}

impl Grants<'_> {
    fn add_relation(
        &mut self,
        catalog: &CatalogSnapshot,
        table: &Arc<crate::catalog::descriptor::TableDescriptor>,
    ) {
        let [database, schema, name] = names::qualified_name(catalog, table);
        self.add(&[&database, &schema, &name], ObjectRef::from(table));
    }

    /// The grants of an object; the owner, `admin` and `root` may do everything.
    fn add(&mut self, path: &[&str], object: ObjectRef<'_>) {
        let privileges: &Privileges = object.privileges();
        for everything in ["admin", "root"] {
            self.push(path, everything, "ALL");
        }
        if !matches!(privileges.owner.as_str(), "admin" | "root") {
            self.push(path, &privileges.owner, "ALL");
        }
        for (grantee, set) in &privileges.grants {
            if matches!(grantee.as_str(), "admin" | "root") || *grantee == privileges.owner {
                continue;
            }
            if set.held & object.kind().grantable() == object.kind().grantable() {
                self.push(path, grantee, "ALL");
                continue;
            }
            for privilege in Privilege::all().filter(|p| set.holds(*p)) {
                self.push(path, grantee, privilege.name());
            }
        }
    }

    fn push(&mut self, path: &[&str], grantee: &str, privilege: &str) {
        if !self.grantees.is_empty() && !self.grantees.iter().any(|g| g.value == grantee) {
            return;
        }
        let words = path.iter().chain([&grantee, &privilege]);
        self.rows.push(words.map(|word| (*word).to_owned()).collect());
    }
}
