//! CREATE SEQUENCE and ALTER SEQUENCE.

use sqlparser::ast::{DataType, Expr, ObjectName, SequenceOptions as Tree};

use super::table::Draft;
use super::{Outcome, Work, object};
use crate::catalog::descriptor::{
    ColumnId, Descriptor, SequenceOptions, TableDescriptor, TableKind,
};
use crate::catalog::privilege;
use crate::catalog::sequence::{Position, options};
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::mvcc::WaitPolicy;
use crate::sql::bind::column_type;
use crate::syntax::{AlterSequence, SequenceChange};
use crate::types::{ColumnType, Datum, Type};

/// CREATE SEQUENCE, as the tree has it.
pub struct CreateSequence<'t> {
    /// TEMPORARY
    pub temporary: bool,
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// Its name.
    pub name: &'t ObjectName,
    /// AS type
    pub data_type: Option<&'t DataType>,
    /// The options.
    pub options: &'t [Tree],
    /// OWNED BY
    pub owned_by: Option<&'t ObjectName>,
}

/// Runs CREATE SEQUENCE.
pub fn create(stmt: &CreateSequence<'_>, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::Done("CREATE SEQUENCE".to_owned());
    let parts = object::words(stmt.name)?;
    let (schema, name) = match stmt.temporary {
        true => super::table::temporary::place(work, &parts)?,
        false => object::place(work, &parts)?,
    };
    let catalog = work.catalog()?;
    if object::is_taken(&catalog, &schema, name) {
        return already(work, name, stmt.if_not_exists).map(|()| done());
    }
    let ty = match stmt.data_type {
        Some(ty) => column_type(ty)?.ty,
        None => Type::Int8,
    };
    let mut counting = initial(ty)?;
    change(work, &mut counting, stmt.options, Existing::No)?;
    let mut draft = Draft::new(work, &schema, name, TableKind::Sequence(counting))?;
    if let Some(owner) = stmt.owned_by {
        let owner = owner_of(work, owner, &draft.table)?;
        if let TableKind::Sequence(counting) = &mut draft.table.kind {
            counting.owned_by = owner;
        }
    }
    draft.write(work)?;
    Ok(done())
}

/// The answer to a name that is taken: a notice with IF NOT EXISTS, else 42P07.
pub(super) fn already(work: &mut Work<'_>, name: &str, if_not_exists: bool) -> Result<()> {
    if if_not_exists {
        return work.notice(format!("relation \"{name}\" already exists, skipping"));
    }
    Err(Error::new(sqlstate::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")))
}

/// Runs ALTER SEQUENCE.
pub fn alter(stmt: &AlterSequence, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::Done("ALTER SEQUENCE".to_owned());
    let Some(found) = object::find_relation(work, &stmt.name)? else {
        if stmt.if_exists {
            let text = format!("relation \"{}\" does not exist, skipping", stmt.name);
            return work.notice(text).map(|()| done());
        }
        object::relation(work, &stmt.name)?;
        return Err(Error::internal("a sequence appeared"));
    };
    options(&found)?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, &found)?;
    object::refuse_system(found.id, &found.name)?;
    work.server.catalog.hold(work.txn, found.id, WaitPolicy::Wait)?;
    let mut table = found.as_ref().clone();
    let position = work.server.catalog.sequence_position(work.txn, &found)?;
    let mut counting = options(&found)?.clone();
    let mut trees = Vec::new();
    let mut restart = None;
    for option in &stmt.options {
        match option {
            SequenceChange::Option(tree) => trees.push(tree.clone()),
            SequenceChange::DataType(ty) => retype(&mut counting, column_type(ty)?.ty)?,
            SequenceChange::OwnedBy(None) => {
                refuse_identity(&catalog, &found)?;
                counting.owned_by = None;
            }
            SequenceChange::OwnedBy(Some(name)) => {
                refuse_identity(&catalog, &found)?;
                counting.owned_by = owner_of(work, name, &found)?;
            }
            SequenceChange::Restart(to) => restart = Some(to.clone()),
        }
    }
    let last = match restart {
        None => None,
        Some(None) => Some(None),
        Some(Some(tree)) => Some(Some(number(work, &tree)?)),
    };
    let stays = last.is_none().then_some(position.last_value);
    change(work, &mut counting, &trees, Existing::Yes(stays))?;
    if let Some(to) = last {
        let to = to.unwrap_or(counting.start);
        check_within("RESTART", to, &counting)?;
        let to = Position { last_value: to, is_called: false };
        table = work.server.catalog.restart_sequence(work.txn, &found, to)?;
    }
    table.kind = TableKind::Sequence(counting);
    work.server.catalog.write(work.txn, &Descriptor::Table(table))?;
    Ok(done())
}

fn refuse_identity(
    catalog: &crate::catalog::CatalogSnapshot,
    sequence: &TableDescriptor,
) -> Result<()> {
    let owner = sequence.sequence().and_then(|s| s.owned_by);
    let column = owner.and_then(|(table, column)| catalog.table_any_state(table)?.column(column));
    if column.is_none_or(|c| c.identity.is_none()) {
        return Ok(());
    }
    Err(Error::unsupported("cannot change ownership of identity sequence")
        .with_detail(format!("Sequence \"{}\" is linked to an identity column.", sequence.name)))
}

/// The column that OWNED BY names.
fn owner_of(
    work: &mut Work<'_>,
    name: &ObjectName,
    sequence: &TableDescriptor,
) -> Result<Option<(TableId, ColumnId)>> {
    let words = object::words(name)?;
    let (column, table) = match words.as_slice() {
        ["none"] => return Ok(None),
        [table @ .., column] if !table.is_empty() => (*column, table),
        _ => {
            return Err(Error::syntax("invalid OWNED BY option")
                .with_hint("Specify OWNED BY table.column or OWNED BY NONE."));
        }
    };
    let catalog = work.catalog()?;
    let table = object::scoped(work, &catalog, |scope| {
        crate::catalog::names::resolve_relation(&catalog, scope, table)
    })?;
    let state = |message: &str| Error::new(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
    if table.privileges.owner != sequence.privileges.owner {
        return Err(state("sequence must have same owner as table it is linked to"));
    }
    if table.schema != sequence.schema {
        return Err(state("sequence must be in same schema as table it is linked to"));
    }
    let found = table.column_named(column).ok_or_else(|| {
        Error::new(
            sqlstate::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
        )
    })?;
    work.server.catalog.pin(work.txn, table.id)?;
    Ok(Some((table.id, found.id)))
}

/// How a sequence of a type counts when nothing else is said.
pub(super) fn initial(ty: Type) -> Result<SequenceOptions> {
    let (_, maximum) = bounds(&ty)?;
    Ok(SequenceOptions {
        ty,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum,
        cycle: false,
        cache: 1,
        owned_by: None,
    })
}

fn bounds(ty: &Type) -> Result<(i64, i64)> {
    match ty {
        Type::Int2 => Ok((i64::from(i16::MIN), i64::from(i16::MAX))),
        Type::Int4 => Ok((i64::from(i32::MIN), i64::from(i32::MAX))),
        Type::Int8 => Ok((i64::MIN, i64::MAX)),
        _ => Err(invalid("sequence type must be smallint, integer, or bigint".to_owned())),
    }
}

/// Another type: bounds that were the old type's become the new one's.
fn retype(counting: &mut SequenceOptions, ty: Type) -> Result<()> {
    let (old_low, old_high) = bounds(&counting.ty)?;
    let (low, high) = bounds(&ty)?;
    if counting.maximum == old_high {
        counting.maximum = high;
    }
    if counting.minimum == old_low {
        counting.minimum = low;
    }
    counting.ty = ty;
    Ok(())
}

/// Whether a sequence whose options change was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// No: what is not said takes its default.
    No,
    /// Yes: what is not said stays; and where it stands, if that stays too.
    Yes(Option<i64>),
}

/// Applies options.
pub(super) fn change(
    work: &mut Work<'_>,
    counting: &mut SequenceOptions,
    changes: &[Tree],
    existing: Existing,
) -> Result<()> {
    let (low, high) = bounds(&counting.ty)?;
    let fresh = existing == Existing::No;
    let (mut minimum, mut maximum, mut start) = (None, None, None);
    for change in changes {
        match change {
            Tree::IncrementBy(tree, _) => counting.increment = number(work, tree)?,
            Tree::MinValue(None) => minimum = Some(None),
            Tree::MinValue(Some(tree)) => minimum = Some(Some(number(work, tree)?)),
            Tree::MaxValue(None) => maximum = Some(None),
            Tree::MaxValue(Some(tree)) => maximum = Some(Some(number(work, tree)?)),
            Tree::StartWith(tree, _) => start = Some(number(work, tree)?),
            Tree::Cache(tree) => counting.cache = number(work, tree)?,
            Tree::Cycle(no) => counting.cycle = !no,
        }
    }
    if counting.increment == 0 {
        return Err(invalid("INCREMENT must not be zero".to_owned()));
    }
    let up = counting.increment > 0;
    match maximum {
        Some(Some(n)) => counting.maximum = n,
        None if !fresh => {}
        _ => counting.maximum = if up { high } else { -1 },
    }
    match minimum {
        Some(Some(n)) => counting.minimum = n,
        None if !fresh => {}
        _ => counting.minimum = if up { 1 } else { low },
    }
    for (word, value) in [("MAXVALUE", counting.maximum), ("MINVALUE", counting.minimum)] {
        if !(low..=high).contains(&value) {
            let ty = &counting.ty;
            let message = format!("{word} ({value}) is out of range for sequence data type {ty}");
            return Err(invalid(message));
        }
    }
    if counting.minimum >= counting.maximum {
        return Err(invalid(format!(
            "MINVALUE ({}) must be less than MAXVALUE ({})",
            counting.minimum, counting.maximum
        )));
    }
    match start {
        Some(n) => counting.start = n,
        None if !fresh => {}
        None => counting.start = if up { counting.minimum } else { counting.maximum },
    }
    check_within("START", counting.start, counting)?;
    if let Existing::Yes(Some(last)) = existing {
        check_within("RESTART", last, counting)?;
    }
    if counting.cache < 1 {
        return Err(invalid(format!("CACHE ({}) must be greater than zero", counting.cache)));
    }
    Ok(())
}

fn check_within(word: &str, value: i64, counting: &SequenceOptions) -> Result<()> {
    let (low, high) = (counting.minimum, counting.maximum);
    if value < low {
        return Err(invalid(format!(
            "{word} value ({value}) cannot be less than MINVALUE ({low})"
        )));
    }
    if value > high {
        return Err(invalid(format!(
            "{word} value ({value}) cannot be greater than MAXVALUE ({high})"
        )));
    }
    Ok(())
}

fn number(work: &mut Work<'_>, tree: &Expr) -> Result<i64> {
    match work.constant(tree, Some(&ColumnType::plain(Type::Int8)))? {
        Datum::Int8(n) => Ok(n),
        _ => Err(Error::syntax("a sequence option needs a number")),
    }
}

fn invalid(message: String) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}
