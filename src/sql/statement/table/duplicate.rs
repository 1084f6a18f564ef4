//! Two rows that a unique index which is being filled would have to hold under one key.

use crate::catalog::descriptor::IndexDescriptor;
use crate::catalog::row::{RowDecoder, TableCodec};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::write::violation::key_text;
use crate::sql::variables::SessionState;
use crate::types::Datum;

/// 23505 for an entry of an index, given by key and value, that two rows have. The table is the
/// codec's, in a schema of a name.
pub(in crate::sql::statement) fn duplicate(
    (schema, codec): (&str, &TableCodec),
    index: &IndexDescriptor,
    entry: (&[u8], &[u8]),
    session: &SessionState,
) -> Error {
    let table = codec.table();
    let error = Error::new(
        sqlstate::UNIQUE_VIOLATION,
        format!("could not create unique index \"{}\"", index.name),
    )
    .with_table(schema, table.name.clone())
    .with_constraint(index.name.clone());
    match key_values(codec, index, entry) {
        Ok((positions, values)) => {
            let text = key_text(table, &positions, &values, &session.format);
            error.with_detail(format!("Key {text} is duplicated."))
        }
        Err(_) => error,
    }
}

fn key_values(
    codec: &TableCodec,
    index: &IndexDescriptor,
    (key, value): (&[u8], &[u8]),
) -> Result<(Vec<usize>, Vec<Datum>)> {
    let table = codec.table();
    let positions: Vec<usize> =
        index.columns.iter().filter_map(|c| table.position(c.column)).collect();
    let decoder = RowDecoder::new(codec, index.id, &positions)?;
    let mut values = vec![Datum::Null; positions.len()];
    decoder.decode(key, value, &mut |at, datum| {
        let ty = positions.get(at).and_then(|p| table.columns.get(*p)).map(|c| &c.ty.ty);
        if let (Some(slot), Some(ty)) = (values.get_mut(at), ty) {
            *slot = datum.to_datum(ty);
        }
    })?;
    Ok((positions, values))
}
