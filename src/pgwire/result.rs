//! Rows: columns of a batch to DataRow messages, in the formats that the client asked for.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, sqlstate};
use crate::limits;
use crate::sql::client::{Field, Format};
use crate::sql::exec::batch::Batch;
use crate::types::text::{self, SessionFormat};
use crate::types::{Datum, binary};

/// Encodes rows straight into the output buffer; keeps scratch space between rows.
#[derive(Default)]
pub struct RowEncoder {
    text: String,
    binary: Vec<u8>,
}

impl RowEncoder {
    /// Appends one DataRow for row `row` of a batch.
    pub fn encode(
        &mut self,
        batch: &Batch,
        row: usize,
        fields: &[Field],
        formats: &[Format],
        session: &SessionFormat,
        out: &mut BytesMut,
    ) -> Result<()> {
        let start = out.len();
        out.put_u8(b'D');
        out.put_u32(0);
        out.put_u16(fields.len() as u16);
        for (i, (column, field)) in batch.columns.iter().zip(fields).enumerate() {
            let datum = column.datum(row);
            if datum.is_null() {
                out.put_i32(-1);
                continue;
            }
            let format = formats.get(i).copied().unwrap_or_default();
            self.value(&datum, field, format, session, out)?;
        }
        let length = out.len() - start - 1;
        if length > limits::WIRE_MESSAGE_BYTES_MAX {
            out.truncate(start);
            return Err(Error::new(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("a row of {length} bytes is too long for the protocol"),
            ));
        }
        out[start + 1..start + 5].copy_from_slice(&(length as u32).to_be_bytes());
        Ok(())
    }

    fn value(
        &mut self,
        datum: &Datum,
        field: &Field,
        format: Format,
        session: &SessionFormat,
        out: &mut BytesMut,
    ) -> Result<()> {
        let bytes = match format {
            Format::Text => {
                self.text.clear();
                text::format_typed(datum, &field.ty.ty, session, &mut self.text);
                self.text.as_bytes()
            }
            Format::Binary => {
                self.binary.clear();
                binary::encode(datum, &field.ty.ty, &mut self.binary)?;
                &self.binary
            }
        };
        out.put_u32(bytes.len() as u32);
        out.put_slice(bytes);
        Ok(())
    }
}
