//! From names to objects: `pg_get_serial_sequence`, and how names in strings are read.

use super::args::txt;
use super::row::{Row, f};
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::names::{self, Scope};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::syntax::quote_identifier;
use crate::types::Datum;

pub(super) const FUNCTIONS: &[Row] =
    &[f(1665, "pg_get_serial_sequence", "text text", "text", |context, a| {
        let parts = split_name(txt(a, 0)?);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let table = names::resolve_relation(context.catalog, scope(context)?, &parts)?;
        Ok(serial_sequence(context, &table, txt(a, 1)?)?.map(Datum::text).into())
    })
    .stable()];

/// Where the session looks for names.
pub(super) fn scope<'a>(context: &'a EvalContext<'_>) -> Result<Scope<'a>> {
    let database = names::resolve_database(context.catalog, &context.session.database)?.id;
    Ok(Scope { database, search_path: &context.session.search_path, temp_schema: None })
}

/// Splits a name as a person writes it, `a."B c".d`, into its parts.
pub(crate) fn split_name(name: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c if c.is_whitespace() => {}
            c => part.extend(c.to_lowercase()),
        }
    }
    parts.push(part);
    parts
}

/// The qualified name of the sequence that a column owns.
fn serial_sequence(
    context: &EvalContext<'_>,
    table: &TableDescriptor,
    column: &str,
) -> Result<Option<String>> {
    let column = table.column_named(column).ok_or_else(|| {
        Error::new(
            sqlstate::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
        )
    })?;
    let owner = Some((table.id, column.id));
    let mut owned = context.catalog.owned_sequences(table.id).iter();
    let sequence = owned.find_map(|id| {
        let sequence = context.catalog.table(*id)?;
        (sequence.sequence()?.owned_by == owner).then_some(sequence)
    });
    Ok(sequence.map(|sequence| {
        let [_, schema, name] = names::qualified_name(context.catalog, sequence);
        format!("{}.{}", quote_identifier(&schema), quote_identifier(&name))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_people_write_them() {
        assert_eq!(split_name("Public.Orders"), ["public", "orders"]);
        assert_eq!(split_name("a.\"B.\"\"c\""), ["a", "B.\"c"]);
        assert_eq!(split_name("t"), ["t"]);
    }
}
