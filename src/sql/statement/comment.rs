//! COMMENT ON.

use super::{Outcome, Work, drop, object};
use crate::catalog::comment::{self, CommentKind};
use crate::catalog::descriptor::DescriptorId;
use crate::catalog::names;
use crate::catalog::{ObjectRef, privilege};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{Comment, CommentObject, RelationKind};

/// Runs COMMENT ON.
pub fn run(stmt: &Comment, work: &mut Work<'_>) -> Result<Outcome> {
    let (kind, id, part) = target(stmt, work)?;
    // An empty comment is none, as in PostgreSQL.
    let text = stmt.text.as_deref().filter(|text| !text.is_empty());
    comment::set(work.txn, kind, id, part, text)?;
    Outcome::done("COMMENT")
}

/// What the comment is on; the role in force must own it.
fn target(stmt: &Comment, work: &mut Work<'_>) -> Result<(CommentKind, DescriptorId, u32)> {
    let catalog = work.catalog()?;
    let user = work.session.current_user.clone();
    let owned = |object: ObjectRef<'_>| {
        object::refuse_system(object.id(), object.name())?;
        privilege::require_owner(&catalog, &user, object)
    };
    match &stmt.on {
        CommentObject::Object(kind, name) => match kind {
            RelationKind::Table
            | RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::Sequence => {
                let table = object::relation(work, name)?;
                drop::check_kind(*kind, &table).map_err(|e| {
                    let what = drop::word(*kind);
                    Error::new(e.code(), format!("\"{}\" is not a {what}", table.name))
                })?;
                owned(ObjectRef::from(&table))?;
                Ok((CommentKind::Table, table.id, 0))
            }
            RelationKind::Index => {
                let found = drop::find_index(work, None, name)?;
                let words = object::words(name)?;
                let (table, index) = found.ok_or_else(|| names::undefined("relation", &words))?;
                owned(ObjectRef::from(&table))?;
                Ok((CommentKind::Index, table.id, index))
            }
            RelationKind::Schema => {
                let words = object::words(name)?;
                let schema = object::scoped(work, &catalog, |scope| {
                    names::resolve_schema(&catalog, scope, &words)
                })?;
                owned(ObjectRef::from(&schema))?;
                Ok((CommentKind::Schema, schema.id, 0))
            }
            RelationKind::Type => {
                let words = object::words(name)?;
                let found =
                    object::scoped(work, &catalog, |s| names::find_type(&catalog, s, &words))?;
                let ty = found.ok_or_else(|| names::undefined("type", &words))?;
                owned(ObjectRef::from(&ty))?;
                Ok((CommentKind::Type, ty.id, 0))
            }
            other => Err(Error::unsupported(format!("comments on a {}", drop::word(*other)))),
        },
        CommentObject::Column(name) => {
            let words = object::words(name)?;
            let [table @ .., column] = words.as_slice() else {
                return Err(Error::syntax("column name must be qualified"));
            };
            if table.is_empty() {
                return Err(Error::syntax("column name must be qualified"));
            }
            let table = object::scoped(work, &catalog, |scope| {
                names::resolve_relation(&catalog, scope, table)
            })?;
            owned(ObjectRef::from(&table))?;
            let column = table.column_named(column).ok_or_else(|| {
                Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
                )
            })?;
            Ok((CommentKind::Column, table.id, column.id))
        }
        CommentObject::Database(name) => {
            let database = names::resolve_database(&catalog, &name.value)?;
            owned(ObjectRef::from(&database))?;
            Ok((CommentKind::Database, database.id, 0))
        }
        CommentObject::Constraint { .. } => Err(Error::unsupported("comments on constraints")),
        CommentObject::Role(_) => Err(Error::unsupported("comments on roles")),
        CommentObject::Function(_) => Err(Error::unsupported("comments on functions")),
    }
}
