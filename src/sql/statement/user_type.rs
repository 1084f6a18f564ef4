//! CREATE TYPE … AS ENUM and the changes of ALTER TYPE that only enumerated types know.

use sqlparser::ast::{
    AlterType, AlterTypeAddValue, AlterTypeAddValuePosition, AlterTypeOperation,
    AlterTypeRenameValue, Ident, ObjectName, UserDefinedTypeRepresentation,
};

use super::{Outcome, Work, object};
use crate::catalog::descriptor::{Descriptor, State, TypeDescriptor};
use crate::catalog::privilege::{self, ObjectKind};
use crate::catalog::{ObjectRef, names};
use crate::error::{Error, Result, sqlstate};
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::types::EnumMember;
use crate::types::enumeration::{place_between, places};

/// Runs CREATE TYPE.
pub fn create(
    name: &ObjectName,
    what: Option<&UserDefinedTypeRepresentation>,
    if_not_exists: bool,
    work: &mut Work<'_>,
) -> Result<Outcome> {
    let labels = match what {
        Some(UserDefinedTypeRepresentation::Enum { labels }) => labels,
        Some(UserDefinedTypeRepresentation::Composite { .. }) => {
            return Err(Error::unsupported("composite types"));
        }
        Some(UserDefinedTypeRepresentation::Range { .. }) => {
            return Err(Error::unsupported("range types"));
        }
        _ => return Err(Error::unsupported("base types")),
    };
    let words = object::words(name)?;
    let (schema, name) = object::place(work, &words)?;
    if name.starts_with('@') {
        return Err(Error::new(
            sqlstate::RESERVED_NAME,
            format!("unacceptable type name \"{name}\""),
        )
        .with_detail("Names of types must not begin with \"@\"."));
    }
    let catalog = work.catalog()?;
    if let Some(taken) = catalog.named_any_state((schema.database, schema.id), name) {
        if if_not_exists && matches!(taken, ObjectRef::Type(_)) {
            work.notice(format!("type \"{name}\" already exists, skipping"))?;
            return Outcome::done("CREATE TYPE");
        }
        let e = Error::new(sqlstate::DUPLICATE_OBJECT, format!("type \"{name}\" already exists"));
        return Err(match taken {
            ObjectRef::Type(_) => e,
            _ => e.with_hint(
                "A relation has an associated type of the same name, so you must use a name that \
                 doesn't conflict with any existing type.",
            ),
        });
    }
    let mut members: Vec<EnumMember> = Vec::with_capacity(labels.len());
    for (label, place) in labels.iter().zip(places(labels.len())) {
        check_label(&label.value)?;
        if members.iter().any(|member| member.label == label.value) {
            return Err(Error::new(
                sqlstate::UNIQUE_VIOLATION,
                "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"",
            )
            .with_detail(format!("The label \"{}\" is used more than once.", label.value)));
        }
        members.push(EnumMember { label: label.value.clone(), place });
    }
    let id = work.server.catalog.allocate_id()?;
    let (database, schema) = (schema.database, schema.id);
    let owner = &work.session.current_user;
    let privileges =
        privilege::for_new_object(&catalog, database, Some(schema), ObjectKind::Type, owner);
    let ty = TypeDescriptor {
        id,
        database,
        schema,
        name: name.to_owned(),
        version: 1,
        state: State::Public,
        privileges,
        members,
    };
    work.server.catalog.write(work.txn, &Descriptor::Type(ty))?;
    Outcome::done("CREATE TYPE")
}

fn check_label(label: &str) -> Result<()> {
    if label.len() <= IDENTIFIER_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(sqlstate::INVALID_NAME, format!("invalid enum label \"{label}\""))
        .with_detail(format!("Labels must be {IDENTIFIER_BYTES_MAX} bytes or less.")))
}

/// Runs ALTER TYPE.
pub fn alter(stmt: &AlterType, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let words = object::words(&stmt.name)?;
    let found = object::scoped(work, &catalog, |s| names::find_type(&catalog, s, &words))?;
    let found = found.ok_or_else(|| names::undefined("type", &words))?;
    object::refuse_system(found.id, &found.name)?;
    privilege::require_owner(&catalog, &work.session.current_user, &found)?;
    let mut ty = found.as_ref().clone();
    let changed = match &stmt.operation {
        AlterTypeOperation::AddValue(change) => add_value(change, &mut ty, work)?,
        AlterTypeOperation::RenameValue(change) => rename_value(change, &mut ty)?,
        AlterTypeOperation::Rename(_) => return Err(Error::unsupported("this form of ALTER TYPE")),
    };
    if changed {
        work.server.catalog.write(work.txn, &Descriptor::Type(ty))?;
    }
    Outcome::done("ALTER TYPE")
}

fn position(ty: &TypeDescriptor, label: &Ident) -> Result<usize> {
    ty.members.iter().position(|member| member.label == label.value).ok_or_else(|| {
        Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("\"{}\" is not an existing enum label", label.value),
        )
    })
}

fn add_value(
    change: &AlterTypeAddValue,
    ty: &mut TypeDescriptor,
    work: &mut Work<'_>,
) -> Result<bool> {
    let label = &change.value.value;
    check_label(label)?;
    if ty.members.iter().any(|member| member.label == *label) {
        let message = format!("enum label \"{label}\" already exists");
        if change.if_not_exists {
            work.notice(format!("{message}, skipping"))?;
            return Ok(false);
        }
        return Err(Error::new(sqlstate::DUPLICATE_OBJECT, message));
    }
    let at = match &change.position {
        None => ty.members.len(),
        Some(AlterTypeAddValuePosition::Before(other)) => position(ty, other)?,
        Some(AlterTypeAddValuePosition::After(other)) => position(ty, other)? + 1,
    };
    let place_of = |at: usize| ty.members.get(at).map(|member| member.place.as_slice());
    let place = place_between(at.checked_sub(1).and_then(place_of), place_of(at));
    ty.members.insert(at, EnumMember { label: label.clone(), place });
    Ok(true)
}

fn rename_value(change: &AlterTypeRenameValue, ty: &mut TypeDescriptor) -> Result<bool> {
    let at = position(ty, &change.from)?;
    let label = &change.to.value;
    check_label(label)?;
    if ty.members.iter().any(|member| member.label == *label) {
        return Err(Error::new(
            sqlstate::DUPLICATE_OBJECT,
            format!("enum label \"{label}\" already exists"),
        ));
    }
    if let Some(member) = ty.members.get_mut(at) {
        member.label.clone_from(label);
    }
    Ok(true)
}
