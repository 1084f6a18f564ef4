//! Server messages: values to bytes in the output buffer.
//!
//! Rows are encoded in `result.rs`, straight from columns; everything else is rare enough to go
//! through the pgwire crate's message types.

use bytes::{BufMut, Bytes, BytesMut};
use pgwire::messages::PgWireBackendMessage as Backend;
use pgwire::messages::copy::{CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{FieldDescription, NoData, ParameterDescription, RowDescription};
use pgwire::messages::extendedquery::{
    BindComplete, CloseComplete, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ErrorResponse, NoticeResponse, ReadyForQuery,
    TransactionStatus,
};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};

use crate::error::{Error, Result};
use crate::sql::client::{CopyShape, Field, Format, Severity};
use crate::sql::session::Status;
use crate::types::oid;

/// Encodes a message of the crate.
fn encode(message: Backend, out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    message.encode(out).map_err(|e| {
        out.truncate(start);
        Error::new(
            crate::error::sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("could not encode message for client: {e}"),
        )
    })
}

/// AuthenticationOk.
pub fn authentication_ok(out: &mut BytesMut) -> Result<()> {
    encode(Backend::Authentication(Authentication::Ok), out)
}

/// The list of SASL mechanisms.
pub fn sasl(mechanisms: &[&str], out: &mut BytesMut) -> Result<()> {
    let mechanisms = mechanisms.iter().map(|m| (*m).to_owned()).collect();
    encode(Backend::Authentication(Authentication::SASL(mechanisms)), out)
}

/// A SASL challenge.
pub fn sasl_continue(data: String, out: &mut BytesMut) -> Result<()> {
    encode(Backend::Authentication(Authentication::SASLContinue(Bytes::from(data))), out)
}

/// The last SASL message.
pub fn sasl_final(data: String, out: &mut BytesMut) -> Result<()> {
    encode(Backend::Authentication(Authentication::SASLFinal(Bytes::from(data))), out)
}

/// Tells the newest protocol version and the start-up options that are not known.
pub fn negotiate(unknown: Vec<String>, out: &mut BytesMut) -> Result<()> {
    let newest_minor = 0;
    encode(
        Backend::NegotiateProtocolVersion(NegotiateProtocolVersion::new(newest_minor, unknown)),
        out,
    )
}

/// A variable's value.
pub fn parameter_status(name: &str, value: &str, out: &mut BytesMut) -> Result<()> {
    encode(Backend::ParameterStatus(ParameterStatus::new(name.to_owned(), value.to_owned())), out)
}

/// What a cancel request must bring.
pub fn backend_key(pid: i32, secret: i32, out: &mut BytesMut) -> Result<()> {
    encode(Backend::BackendKeyData(BackendKeyData::new(pid, SecretKey::I32(secret))), out)
}

/// The session waits for the next command.
pub fn ready(status: Status, out: &mut BytesMut) -> Result<()> {
    let status = match status {
        Status::Idle => TransactionStatus::Idle,
        Status::Active => TransactionStatus::Transaction,
        Status::Failed => TransactionStatus::Error,
    };
    encode(Backend::ReadyForQuery(ReadyForQuery::new(status)), out)
}

/// ParseComplete.
pub fn parse_complete(out: &mut BytesMut) -> Result<()> {
    encode(Backend::ParseComplete(ParseComplete::new()), out)
}

/// BindComplete.
pub fn bind_complete(out: &mut BytesMut) -> Result<()> {
    encode(Backend::BindComplete(BindComplete::new()), out)
}

/// CloseComplete.
pub fn close_complete(out: &mut BytesMut) -> Result<()> {
    encode(Backend::CloseComplete(CloseComplete::new()), out)
}

/// PortalSuspended.
pub fn portal_suspended(out: &mut BytesMut) -> Result<()> {
    encode(Backend::PortalSuspended(PortalSuspended::new()), out)
}

/// NoData: the statement gives no rows.
pub fn no_data(out: &mut BytesMut) -> Result<()> {
    encode(Backend::NoData(NoData::new()), out)
}

/// EmptyQueryResponse.
pub fn empty_query(out: &mut BytesMut) -> Result<()> {
    encode(Backend::EmptyQueryResponse(EmptyQueryResponse::new()), out)
}

/// CommandComplete with its tag.
pub fn complete(tag: &str, out: &mut BytesMut) -> Result<()> {
    encode(Backend::CommandComplete(CommandComplete::new(tag.to_owned())), out)
}

/// The types of a statement's parameters.
pub fn parameters(types: Vec<u32>, out: &mut BytesMut) -> Result<()> {
    encode(Backend::ParameterDescription(ParameterDescription::new(types)), out)
}

/// Names and types of result columns.
pub fn row_description(fields: &[Field], formats: &[Format], out: &mut BytesMut) -> Result<()> {
    let described = fields
        .iter()
        .zip(formats.iter().copied().chain(std::iter::repeat(Format::Text)))
        .map(|(field, format)| {
            FieldDescription::new(
                field.name.clone(),
                field.table as i32,
                field.attribute,
                oid::oid(&field.ty.ty),
                oid::type_len(&field.ty.ty),
                field.ty.modifier,
                format.code(),
            )
        })
        .collect();
    encode(Backend::RowDescription(RowDescription::new(described)), out)
}

/// CopyInResponse.
pub fn copy_in(shape: &CopyShape, out: &mut BytesMut) -> Result<()> {
    let (format, columns, formats) = copy_formats(shape);
    encode(Backend::CopyInResponse(CopyInResponse::new(format, columns, formats)), out)
}

/// CopyOutResponse.
pub fn copy_out(shape: &CopyShape, out: &mut BytesMut) -> Result<()> {
    let (format, columns, formats) = copy_formats(shape);
    encode(Backend::CopyOutResponse(CopyOutResponse::new(format, columns, formats)), out)
}

fn copy_formats(shape: &CopyShape) -> (i8, i16, Vec<i16>) {
    let code = shape.format.code();
    let columns = i16::try_from(shape.columns).unwrap_or(i16::MAX);
    (code as i8, columns, vec![code; shape.columns])
}

/// A piece of COPY data.
pub fn copy_data(data: &[u8], out: &mut BytesMut) {
    out.put_u8(b'd');
    out.put_u32(4 + data.len() as u32);
    out.put_slice(data);
}

/// CopyDone.
pub fn copy_done(out: &mut BytesMut) {
    out.put_u8(b'c');
    out.put_u32(4);
}

/// ErrorResponse. `fatal` when the connection ends with it.
pub fn error(e: &Error, fatal: bool, out: &mut BytesMut) -> Result<()> {
    let fields = report_fields(e, if fatal { "FATAL" } else { "ERROR" });
    encode(Backend::ErrorResponse(ErrorResponse::new(fields)), out)
}

/// NoticeResponse.
pub fn notice(severity: Severity, notice: &Error, out: &mut BytesMut) -> Result<()> {
    let word = match severity {
        Severity::Notice => "NOTICE",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    encode(Backend::NoticeResponse(NoticeResponse::new(report_fields(notice, word))), out)
}

/// The fields of an error or notice (PostgreSQL's protocol chapter, "Error and Notice Message
/// Fields").
fn report_fields(e: &Error, severity: &str) -> Vec<(u8, String)> {
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', e.code().to_string()),
        (b'M', without_zeros(e.message())),
    ];
    let optional = [
        (b'D', e.detail()),
        (b'H', e.hint()),
        (b's', e.schema()),
        (b't', e.table()),
        (b'c', e.column()),
        (b'n', e.constraint()),
    ];
    fields.extend(optional.into_iter().filter_map(|(k, v)| Some((k, without_zeros(v?)))));
    if let Some(position) = e.position() {
        fields.push((b'P', position.to_string()));
    }
    fields
}

/// Fields end at a zero byte, so a message may not hold one.
fn without_zeros(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::sqlstate;

    #[test]
    fn an_error_carries_its_fields() {
        let e = Error::new(sqlstate::UNIQUE_VIOLATION, "duplicate key")
            .with_detail("Key (a)=(1) already exists.")
            .with_constraint("t_pkey")
            .with_position(7);
        let mut out = BytesMut::new();
        error(&e, false, &mut out).unwrap();
        assert_eq!(out[0], b'E');
        let text = String::from_utf8_lossy(&out);
        for field in ["SERROR", "C23505", "Mduplicate key", "DKey (a)=(1)", "nt_pkey", "P7"] {
            assert!(text.contains(field), "{field} in {text:?}");
        }
    }

    #[test]
    fn copy_data_is_framed() {
        let mut out = BytesMut::new();
        copy_data(b"1\t2\n", &mut out);
        copy_done(&mut out);
        assert_eq!(&out[..], b"d\0\0\0\x081\t2\nc\0\0\0\x04");
    }
}
