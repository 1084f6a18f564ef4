//! CREATE, ALTER and DROP DATABASE.

use sqlparser::ast::{Expr, Ident, Value, ValueWithSpan};

use super::{Outcome, Work, drop, object};
use crate::catalog::descriptor::{DatabaseDescriptor, Descriptor};
use crate::catalog::names;
use crate::catalog::privilege;
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{
    AlterDatabase, AlterDatabaseAction, CreateDatabase, DropBehavior, DropDatabase,
};

/// Encodings that mean UTF-8.
const UTF8: [&str; 3] = ["utf8", "utf-8", "unicode"];

/// Runs CREATE DATABASE.
pub fn create(stmt: &CreateDatabase, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("CREATE DATABASE");
    let catalog = work.catalog()?;
    object::require_create_database(work, &catalog, "create database")?;
    let name = stmt.name.value.as_str();
    if name.is_empty() {
        return Err(Error::syntax("zero-length delimited identifier"));
    }
    let owner = options(work, &stmt.options)?;
    if let Some(owner) = &owner {
        object::require_new_owner(work, &catalog, owner, None)?;
    }
    if let Some(existing) = catalog.database_named_any_state(name) {
        names::check_online(existing.into())?;
        if stmt.if_not_exists {
            work.notice(format!("database \"{name}\" already exists, skipping"))?;
            return done();
        }
        return Err(names::duplicate(existing.into()));
    }
    let owner = owner.unwrap_or_else(|| work.session.current_user.to_string());
    work.server.catalog.create_database(work.txn, name, &owner)?;
    done()
}

/// Checks the options of CREATE DATABASE; gives back the owner if one is named.
fn options(work: &mut Work<'_>, options: &[(String, Expr)]) -> Result<Option<String>> {
    let mut owner = None;
    for (name, value) in options {
        let text = text(value);
        let lower = text.to_lowercase();
        match name.as_str() {
            "owner" => owner = Some(owner_name(work, value, text)),
            "encoding" => {
                if lower != "default" && !UTF8.contains(&lower.as_str()) && lower != "6" {
                    return Err(Error::unsupported(format!("encoding {text}"))
                        .with_hint("Databases are in UTF8."));
                }
            }
            "template" => {
                if !["template0", "template1", "default"].contains(&lower.as_str()) {
                    return Err(Error::unsupported(format!("template {text}")));
                }
            }
            "lc_collate" | "lc_ctype" | "locale" => {
                let plain = ["c", "posix", "c.utf-8", "c.utf8", "default"];
                if !plain.contains(&lower.as_str()) {
                    return Err(Error::unsupported(format!("{} {text}", name.to_uppercase()))
                        .with_hint("Text is ordered by its bytes, as in C.UTF-8."));
                }
            }
            "connection_limit" | "allow_connections" | "is_template" | "tablespace"
            | "strategy" | "oid" | "locale_provider" | "collation_version"
                if harmless(name, &lower) => {}
            _ => {
                return Err(Error::unsupported(format!(
                    "{} of a database",
                    name.replace('_', " ").to_uppercase()
                )));
            }
        }
    }
    Ok(owner)
}

/// Whether an option asks for what every database has anyway.
fn harmless(name: &str, value: &str) -> bool {
    match name {
        "connection_limit" => value == "-1",
        "allow_connections" => ["true", "on", "1"].contains(&value),
        "is_template" => ["false", "off", "0"].contains(&value),
        "tablespace" => ["pg_default", "default"].contains(&value),
        "strategy" => ["wal_log", "file_copy"].contains(&value),
        "locale_provider" => value == "libc",
        _ => false,
    }
}

fn owner_name(work: &Work<'_>, value: &Expr, text: String) -> String {
    match value {
        Expr::Identifier(ident) => object::role_name(work, ident),
        _ => text,
    }
}

fn text(value: &Expr) -> String {
    match value {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => text.clone(),
        other => other.to_string(),
    }
}

/// The database with a name, which the role in force must own.
fn owned(work: &mut Work<'_>, name: &Ident) -> Result<DatabaseDescriptor> {
    let catalog = work.catalog()?;
    let database = names::resolve_database(&catalog, &name.value)?;
    object::refuse_system(database.id, &database.name)?;
    privilege::require_owner(&catalog, &work.session.current_user, &database)?;
    Ok(database.as_ref().clone())
}

/// Runs ALTER DATABASE.
pub fn alter(stmt: &AlterDatabase, work: &mut Work<'_>) -> Result<Outcome> {
    let mut database = owned(work, &stmt.name)?;
    let catalog = work.catalog()?;
    match &stmt.action {
        AlterDatabaseAction::Owner(owner) => {
            let owner = object::role_name(work, owner);
            object::require_new_owner(work, &catalog, &owner, None)?;
            database.privileges.owner = owner;
        }
        AlterDatabaseAction::Rename(name) => {
            object::require_create_database(work, &catalog, "rename database")?;
            if *work.session.database == *database.name {
                return Err(Error::unsupported("current database cannot be renamed"));
            }
            refuse_views(&catalog, &database)?;
            database.name.clone_from(&name.value);
        }
        AlterDatabaseAction::Set(_) | AlterDatabaseAction::ResetAll => {
            return Err(Error::unsupported("variables of a database"));
        }
        AlterDatabaseAction::Options(list) => {
            options(work, list)?;
        }
    }
    work.server.catalog.write(work.txn, &Descriptor::Database(database))?;
    Outcome::done("ALTER DATABASE")
}

/// Views keep the names of databases; renaming one would break those that read from it.
fn refuse_views(
    catalog: &crate::catalog::CatalogSnapshot,
    database: &DatabaseDescriptor,
) -> Result<()> {
    for view in catalog.tables_any_state() {
        let inside =
            |id: &u32| catalog.table_any_state(*id).is_some_and(|t| t.database == database.id);
        if view.depends_on.iter().any(inside) {
            return Err(Error::new(
                sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot rename database \"{}\" because view \"{}\" depends on it",
                    database.name, view.name
                ),
            ));
        }
    }
    Ok(())
}

/// Runs DROP DATABASE. Sessions that are connected to it find it gone.
pub fn drop(stmt: &DropDatabase, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("DROP DATABASE");
    let name = stmt.name.value.as_str();
    let catalog = work.catalog()?;
    if stmt.if_exists && catalog.database_named_any_state(name).is_none() {
        work.notice(format!("database \"{name}\" does not exist, skipping"))?;
        return done();
    }
    let database = owned(work, &stmt.name)?;
    if *work.session.database == *database.name {
        return Err(Error::new(sqlstate::OBJECT_IN_USE, "cannot drop the currently open database"));
    }
    let offline =
        catalog.tables_any_state().find(|t| t.database == database.id && !t.state.is_public());
    if let Some(table) = offline {
        names::check_online(table.into())?;
    }
    if stmt.behavior == Some(DropBehavior::Restrict)
        && catalog.tables_any_state().any(|t| t.database == database.id)
    {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("database \"{name}\" is not empty and RESTRICT was specified"),
        ));
    }
    drop::database_with_contents(work, database.id)?;
    done()
}
