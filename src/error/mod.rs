//! # Errors
//!
//! One error type for the whole house, shaped like the error message that leaves it: a SQLSTATE,
//! a message in PostgreSQL's manner (lower case, no full stop), an optional detail, and a hint
//! that tells the reader what to do (a sentence, with its full stop).
//!
//! Words:
//! - *code*: the five characters of the SQLSTATE; constants live in [`sqlstate`].
//! - *hint*: what the reader should do next. Every error a person can cause should have one where
//!   the remedy is not obvious.
//! - *retryable*: a fault that running the same thing again may cure (40001, 40P01).
//!
//! Invariants:
//! - Every error that leaves the server has a SQLSTATE; `XX000` means a bug in Cairn.
//! - No secret (key, passphrase, token) is ever put in a message; see `syntax::redact`.
//! - Building an error does no I/O.
//!
//! What it is not: a log, or a place for control flow between neighbouring functions.

pub mod sqlstate;

use std::fmt;
use std::sync::Arc;

pub use sqlstate::SqlState;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as the client will see it. Cheap to move (one pointer) and to clone.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: SqlState,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    /// One-based character position in the statement text.
    position: Option<u32>,
    /// Names of the objects concerned, sent in the error fields `s`, `t`, `c`, `n`.
    schema: Option<String>,
    table: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a code and a message.
    pub fn new(code: SqlState, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            source: None,
        }))
    }

    /// `XX000`: a broken promise inside Cairn, never the user's fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(sqlstate::INTERNAL_ERROR, message)
    }

    /// `0A000`: something that Cairn does not do; name the feature.
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(sqlstate::FEATURE_NOT_SUPPORTED, format!("{feature} is not supported"))
    }

    /// `42601`: the text is not a statement.
    pub fn syntax(message: impl Into<String>) -> Self {
        Self::new(sqlstate::SYNTAX_ERROR, message)
    }

    /// `58030`: the operating system or a remote store failed.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(sqlstate::IO_ERROR, message)
    }

    /// `XX001`: stored bytes are not what was written.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(sqlstate::DATA_CORRUPTED, message)
    }

    /// `40001`: the transaction must be run again.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new(sqlstate::SERIALIZATION_FAILURE, message)
            .with_hint("The transaction might succeed if retried.")
    }

    /// Adds the detail line.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the hint line, a sentence that says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the one-based character position in the statement.
    #[must_use]
    pub fn with_position(mut self, position: u32) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Names the table the error is about.
    #[must_use]
    pub fn with_table(mut self, schema: impl Into<String>, table: impl Into<String>) -> Self {
        self.0.schema = Some(schema.into());
        self.0.table = Some(table.into());
        self
    }

    /// Names the column the error is about.
    #[must_use]
    pub fn with_column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    /// Names the constraint the error is about.
    #[must_use]
    pub fn with_constraint(mut self, constraint: impl Into<String>) -> Self {
        self.0.constraint = Some(constraint.into());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Puts words before the message: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// The same error under another code.
    #[must_use]
    pub fn with_code(mut self, code: SqlState) -> Self {
        self.0.code = code;
        self
    }

    /// The SQLSTATE.
    pub fn code(&self) -> SqlState {
        self.0.code
    }
    /// The message, without its code.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// The detail line.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
    /// The hint line.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
    /// The one-based character position in the statement.
    pub fn position(&self) -> Option<u32> {
        self.0.position
    }
    /// The schema concerned.
    pub fn schema(&self) -> Option<&str> {
        self.0.schema.as_deref()
    }
    /// The table concerned.
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }
    /// The column concerned.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }
    /// The constraint concerned.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// Whether running the transaction again may succeed (class 40).
    pub fn is_retryable(&self) -> bool {
        self.code() == sqlstate::SERIALIZATION_FAILURE || self.code() == sqlstate::DEADLOCK_DETECTED
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " (detail: {detail})")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let code = match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                return Error::new(sqlstate::DISK_FULL, e.to_string())
                    .with_hint("Free some space on the disk.")
                    .with_source(e);
            }
            ErrorKind::NotFound => sqlstate::UNDEFINED_FILE,
            _ => sqlstate::IO_ERROR,
        };
        Error::new(code, e.to_string()).with_source(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_goes_before_the_message_and_keeps_the_code() {
        let e = Error::syntax("at or near \"x\"").context("parsing default").with_hint("Mend it.");
        assert_eq!(e.to_string(), "parsing default: at or near \"x\"");
        assert_eq!(e.code().as_str(), "42601");
        assert_eq!(e.hint(), Some("Mend it."));
    }

    #[test]
    fn a_full_disk_has_its_own_code() {
        let e = Error::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert_eq!(e.code(), sqlstate::DISK_FULL);
    }
}
