//! Columns as CREATE TABLE and ADD COLUMN define them.

use sqlparser::ast::{
    ColumnDef, ColumnOption, ColumnOptionDef, DataType, Expr, GeneratedAs, GeneratedExpressionMode,
    Ident, IndexColumn, OrderByExpr, OrderByOptions, SequenceOptions, TableConstraint,
};

use super::draft::Draft;
use super::expression::{self, Stored};
use super::name::choose;
use crate::catalog::descriptor::{
    ColumnDescriptor, ColumnId, Identity, TableDescriptor, TableKind,
};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::user_type::user_type_of;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::{ExpressionUse, column_type_in};
use crate::sql::statement::Work;
use crate::sql::statement::{object, sequence};
use crate::types::{ColumnType, Type};

/// A column that was added to a draft, and what of its definition needs all columns to be there.
pub(super) struct Defined {
    /// Its number.
    pub id: ColumnId,
    /// Its constraints, as constraints of the table.
    pub constraints: Vec<TableConstraint>,
    /// GENERATED ALWAYS AS
    generated: Option<Expr>,
}

/// A type for a column.
pub(in crate::sql::statement) fn parse_type(
    work: &mut Work<'_>,
    name: &str,
    ty: &DataType,
) -> Result<ColumnType> {
    let catalog = work.catalog()?;
    let ty = column_type_in(&object::binding(work, &catalog), ty)?;
    if let Some(id) = user_type_of(&ty.ty)
        && let Some(own) = catalog.type_any_state(id)
    {
        privilege::check(&catalog, &work.session.current_user, own, Privilege::Usage)?;
        work.server.catalog.pin(work.txn, id)?;
    }
    if matches!(ty.ty, Type::Record | Type::Unknown | Type::Void) {
        return Err(Error::new(
            sqlstate::INVALID_TABLE_DEFINITION,
            format!("column \"{name}\" has pseudo-type {}", ty.ty),
        ));
    }
    Ok(ty)
}

/// The integer type behind `serial` and its like.
fn serial(ty: &DataType) -> Option<Type> {
    let DataType::Custom(name, modifiers) = ty else { return None };
    if !modifiers.is_empty() {
        return None;
    }
    match object::words(name).ok()?.as_slice() {
        ["serial" | "serial4"] => Some(Type::Int4),
        ["bigserial" | "serial8"] => Some(Type::Int8),
        ["smallserial" | "serial2"] => Some(Type::Int2),
        _ => None,
    }
}

/// Adds a column to a draft.
pub(super) fn define(work: &mut Work<'_>, draft: &mut Draft, def: &ColumnDef) -> Result<Defined> {
    let name = def.name.value.as_str();
    let serial = serial(&def.data_type);
    let ty = match &serial {
        Some(ty) => ColumnType::plain(ty.clone()),
        None => parse_type(work, name, &def.data_type)?,
    };
    let id = draft.add_column(ColumnDescriptor::new(0, name, ty))?;
    let mut said = Said::default();
    if serial.is_some() {
        own_sequence(work, draft, name, &[], None)?;
        said.null = Some(false);
        said.default = true;
    }
    let mut defined = Defined { id, constraints: Vec::new(), generated: None };
    for option in &def.options {
        apply(work, draft, &def.name, option, &mut said, &mut defined)?;
    }
    let what = [
        (said.default && said.identity, "both default and identity"),
        (said.default && defined.generated.is_some(), "both default and generation expression"),
        (said.identity && defined.generated.is_some(), "both identity and generation expression"),
    ];
    if let Some((_, what)) = what.iter().find(|(clash, _)| *clash) {
        return Err(Error::syntax(format!(
            "{what} specified for column \"{name}\" of table \"{}\"",
            draft.table.name
        )));
    }
    if said.null == Some(false) {
        draft.column_mut(name)?.nullable = false;
    }
    Ok(defined)
}

/// Settles what needs all columns: the expression of a generated column.
pub(super) fn settle(work: &mut Work<'_>, draft: &mut Draft, defined: &Defined) -> Result<()> {
    let Some(tree) = &defined.generated else { return Ok(()) };
    let Some(column) = draft.table.column(defined.id).cloned() else { return Ok(()) };
    for id in expression::columns_in(tree, &draft.table) {
        let Some(used) = draft.table.column(id) else { continue };
        if used.computed.is_some() || id == column.id {
            return Err(Error::new(
                sqlstate::INVALID_OBJECT_DEFINITION,
                format!(
                    "cannot use generated column \"{}\" in column generation expression",
                    used.name
                ),
            )
            .with_detail("A generated column cannot reference another generated column."));
        }
    }
    let stored =
        expression::store(work, tree, &draft.table, ExpressionUse::Generated, Some(&column))?;
    draft.column_mut(&column.name)?.computed = Some(stored.sql);
    Ok(())
}

/// Checks a default and sets it; NULL is none.
pub(super) fn set_default(
    work: &mut Work<'_>,
    table: &mut TableDescriptor,
    name: &str,
    tree: &Expr,
) -> Result<Option<Stored>> {
    let Some(column) = table.columns.iter().find(|c| c.name == name).cloned() else {
        return Ok(None);
    };
    let stored = match expression::is_null(tree) {
        true => None,
        false => Some(expression::store(work, tree, table, ExpressionUse::Default, Some(&column))?),
    };
    if let Some(column) = table.columns.iter_mut().find(|c| c.name == name) {
        column.default = stored.as_ref().map(|s| s.sql.clone());
        column.uses_sequences = stored.as_ref().map_or_else(Vec::new, |s| s.names.clone());
    }
    Ok(stored)
}

/// What was said of a column so far.
#[derive(Default)]
struct Said {
    null: Option<bool>,
    default: bool,
    identity: bool,
}

impl Said {
    fn nullable(&mut self, null: bool, column: &str, table: &str) -> Result<()> {
        if self.null.is_some_and(|before| before != null) {
            return Err(Error::syntax(format!(
                "conflicting NULL/NOT NULL declarations for column \"{column}\" of table \
                 \"{table}\""
            )));
        }
        self.null = Some(null);
        Ok(())
    }

    fn first_default(&mut self, column: &str, table: &str) -> Result<()> {
        if std::mem::replace(&mut self.default, true) {
            return Err(Error::syntax(format!(
                "multiple default values specified for column \"{column}\" of table \"{table}\""
            )));
        }
        Ok(())
    }
}

fn apply(
    work: &mut Work<'_>,
    draft: &mut Draft,
    ident: &Ident,
    option: &ColumnOptionDef,
    said: &mut Said,
    defined: &mut Defined,
) -> Result<()> {
    let name = ident.value.as_str();
    let table = draft.table.name.clone();
    match &option.option {
        ColumnOption::Null => said.nullable(true, name, &table)?,
        ColumnOption::NotNull => said.nullable(false, name, &table)?,
        ColumnOption::Default(tree) => {
            said.first_default(name, &table)?;
            set_default(work, &mut draft.table, name, tree)?;
        }
        ColumnOption::PrimaryKey(key) => {
            said.nullable(false, name, &table)?;
            let mut key = key.clone();
            key.name = key.name.or_else(|| option.name.clone());
            key.columns = vec![index_column(ident)];
            defined.constraints.push(TableConstraint::PrimaryKey(key));
        }
        ColumnOption::Unique(key) => {
            let mut key = key.clone();
            key.name = key.name.or_else(|| option.name.clone());
            key.columns = vec![index_column(ident)];
            defined.constraints.push(TableConstraint::Unique(key));
        }
        ColumnOption::ForeignKey(key) => {
            let mut key = key.clone();
            key.name = key.name.or_else(|| option.name.clone());
            key.columns = vec![ident.clone()];
            defined.constraints.push(TableConstraint::ForeignKey(key));
        }
        ColumnOption::Check(check) => {
            let mut check = check.clone();
            check.name = check.name.or_else(|| option.name.clone());
            defined.constraints.push(TableConstraint::Check(check));
        }
        ColumnOption::Collation(collation) => {
            let words = object::words(collation)?;
            let collation = words.last().copied().unwrap_or_default();
            // Text is ordered by its bytes, which is what these say.
            if !matches!(collation, "C" | "POSIX" | "default" | "ucs_basic") {
                return Err(Error::new(
                    sqlstate::UNDEFINED_OBJECT,
                    format!("collation \"{collation}\" for encoding \"UTF8\" does not exist"),
                ));
            }
            if collation != "default" {
                draft.column_mut(name)?.collation = Some(collation.to_owned());
            }
        }
        ColumnOption::Generated {
            generated_as, generation_expr: None, sequence_options, ..
        } => {
            if std::mem::replace(&mut said.identity, true) {
                return Err(Error::syntax(format!(
                    "multiple identity specifications for column \"{name}\" of table \"{table}\""
                )));
            }
            said.nullable(false, name, &table)?;
            let options = sequence_options.as_deref().unwrap_or_default();
            own_sequence(work, draft, name, options, Some(identity(generated_as)))?;
        }
        ColumnOption::Generated { generation_expr: Some(tree), generation_expr_mode, .. } => {
            if *generation_expr_mode == Some(GeneratedExpressionMode::Virtual) {
                return Err(Error::unsupported("virtual generated columns")
                    .with_hint("Write STORED instead."));
            }
            if defined.generated.replace(tree.clone()).is_some() {
                return Err(Error::syntax(format!(
                    "multiple generation clauses specified for column \"{name}\" of table \
                     \"{table}\""
                )));
            }
        }
        other => return Err(Error::unsupported(format!("the column option {other}"))),
    }
    Ok(())
}

/// Which identity a clause means.
pub(super) fn identity(generated: &GeneratedAs) -> Identity {
    match generated {
        GeneratedAs::ByDefault => Identity::ByDefault,
        GeneratedAs::Always | GeneratedAs::ExpStored => Identity::Always,
    }
}

/// A column as a key names it.
pub(super) fn index_column(ident: &Ident) -> IndexColumn {
    IndexColumn {
        column: OrderByExpr {
            expr: Expr::Identifier(ident.clone()),
            options: OrderByOptions { sort: None, nulls_first: None },
            with_fill: None,
        },
        operator_class: None,
    }
}

/// Makes the sequence of a serial or identity column, owned by the column, and its default.
pub(super) fn own_sequence(
    work: &mut Work<'_>,
    draft: &mut Draft,
    name: &str,
    options: &[SequenceOptions],
    identity: Option<Identity>,
) -> Result<()> {
    let column = draft.column(name)?.clone();
    if identity.is_some() && !matches!(column.ty.ty, Type::Int2 | Type::Int4 | Type::Int8) {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "identity column type must be smallint, integer, or bigint",
        ));
    }
    let mut counting = sequence::initial(column.ty.ty.clone())?;
    sequence::change(work, &mut counting, options, sequence::Existing::No)?;
    counting.owned_by = Some((draft.table.id, column.id));
    let catalog = work.catalog()?;
    let own = choose(&draft.table.name, name, "seq", |n| draft.is_taken(&catalog, n));
    let schema = draft.schema.clone();
    let mut new = Draft::new(work, &schema, &own, TableKind::Sequence(counting))?.table;
    new.privileges = with_owner(new.privileges, &draft.table.privileges.owner);
    let place = draft.column_mut(name)?;
    place.nullable = false;
    place.identity = identity;
    place.default = Some(format!("nextval({}::regclass)", new.id));
    place.uses_sequences = vec![new.id];
    draft.sequences.push(new);
    Ok(())
}

fn with_owner(
    mut privileges: crate::catalog::descriptor::Privileges,
    owner: &str,
) -> crate::catalog::descriptor::Privileges {
    owner.clone_into(&mut privileges.owner);
    privileges
}
