//! What went wrong in an external store, in words that are safe to show.
//!
//! The texts of HTTP libraries hold URLs, and those may hold signatures and tokens. So a text is
//! never passed on: its class decides the code, and only the store's own error code and sentence,
//! or the root cause of a broken connection, are kept, with every known secret struck out.

use crate::error::{Error, Result, sqlstate};

/// What is shorter is no secret, and striking it out would only garble the message.
const SECRET_BYTES_MIN: usize = 4;

/// Strikes out the secrets of one store.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Remembers secrets, in plain and in percent-encoded form.
    pub(super) fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Vec::new();
        for secret in secrets.filter(|secret| secret.len() >= SECRET_BYTES_MIN) {
            let encoded: String =
                percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC)
                    .collect();
            all.push(encoded);
            all.push(secret.to_owned());
        }
        // The longest first, so that no part of one is left when another begins alike.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Secrets(all)
    }

    pub(super) fn strike_out(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "redacted"))
    }
}

/// What was being done, for the message.
#[derive(Clone, Copy)]
pub(super) enum Doing {
    Reading,
    Writing,
    Creating,
    Listing,
    Deleting,
    Opening,
}

impl Doing {
    fn verb(self) -> &'static str {
        match self {
            Doing::Reading => "read",
            Doing::Writing => "write",
            Doing::Creating => "create",
            Doing::Listing => "list",
            Doing::Deleting => "delete",
            Doing::Opening => "open",
        }
    }
}

/// Turns object_store's error about `file` (a redacted location) into ours.
pub(super) fn classify(
    e: &object_store::Error,
    doing: Doing,
    file: &str,
    secrets: &Secrets,
) -> Error {
    use object_store::Error as E;
    let (code, fallback) = match (e, doing) {
        (E::NotFound { .. }, Doing::Writing | Doing::Creating) => {
            (sqlstate::UNDEFINED_FILE, "the bucket or container does not exist")
        }
        (E::NotFound { .. }, _) => (sqlstate::UNDEFINED_FILE, "it does not exist"),
        (E::AlreadyExists { .. } | E::Precondition { .. }, Doing::Creating) => {
            (sqlstate::DUPLICATE_FILE, "it already exists")
        }
        (E::PermissionDenied { .. }, _) => (sqlstate::INSUFFICIENT_PRIVILEGE, "access denied"),
        (E::Unauthenticated { .. }, _) => {
            (sqlstate::INSUFFICIENT_PRIVILEGE, "the credentials were not accepted")
        }
        (E::NotSupported { .. } | E::NotImplemented { .. }, _) => {
            (sqlstate::FEATURE_NOT_SUPPORTED, "the store does not support it")
        }
        (E::InvalidPath { .. }, _) => (sqlstate::INVALID_PARAMETER_VALUE, "invalid path"),
        (E::UnknownConfigurationKey { .. }, _) => {
            (sqlstate::INVALID_PARAMETER_VALUE, "invalid parameter")
        }
        _ => (sqlstate::IO_ERROR, "the request failed"),
    };
    let reason = match reason(e) {
        Some(reason) => secrets.strike_out(&reason),
        None => fallback.to_owned(),
    };
    let error = Error::new(code, format!("cannot {} {file}: {reason}", doing.verb()));
    if code == sqlstate::INSUFFICIENT_PRIVILEGE {
        return error.with_hint("Check the credentials in the URI and what they may do.");
    }
    error
}

/// The store's own words, or the root cause of a broken connection.
fn reason(e: &object_store::Error) -> Option<String> {
    let text = e.to_string();
    if let Some(code) = between(&text, "<Code>", "</Code>") {
        return Some(match between(&text, "<Message>", "</Message>") {
            Some(message) => format!("{code}: {}", message.trim_end_matches('.')),
            None => code,
        });
    }
    if let Some(status) = between(&text, "status code: ", ":") {
        return Some(format!("the store answered {status}"));
    }
    let mut cause: &dyn std::error::Error = e;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let io = cause.downcast_ref::<std::io::Error>()?;
    Some(io.to_string())
}

/// A short piece of text between two marks, on one line and without control characters.
fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let from = text.find(start)? + start.len();
    let piece = &text[from..];
    let piece = &piece[..piece.find(end)?];
    let short: String = piece.chars().filter(|c| !c.is_control()).take(200).collect();
    // A URL inside a sentence may carry a signature.
    (!short.is_empty() && !short.contains("://") && !short.contains('?')).then_some(short)
}

/// Maps the error of a finished request.
pub(super) fn checked<T>(
    result: object_store::Result<T>,
    doing: Doing,
    file: &str,
    secrets: &Secrets,
) -> Result<T> {
    result.map_err(|e| classify(&e, doing, file, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn only_the_stores_own_code_and_sentence_get_through() {
        let secrets = Secrets::new(["s3cr/t"].into_iter());
        let text = "Error performing GET http://h/b/x?X-Amz-Signature=abc in 1s - Server returned \
            non-2xx status code: 400 Bad Request: <Code>Bad</Code><Message>key s3cr/t or s3cr%2Ft \
            is wrong.</Message><StringToSign>zzz</StringToSign>";
        let e = classify(&generic(text), Doing::Reading, "s3://b/x", &secrets);
        assert_eq!(e.message(), "cannot read s3://b/x: Bad: key redacted or redacted is wrong");
        assert_eq!(e.code(), sqlstate::IO_ERROR);
        let bare = "Error performing GET http://h/b/x?sig=abc - Server returned non-2xx status \
            code: 503 Service Unavailable: ";
        let e = classify(&generic(bare), Doing::Reading, "s3://b/x", &secrets);
        assert_eq!(e.message(), "cannot read s3://b/x: the store answered 503 Service Unavailable");
    }

    #[test]
    fn the_class_decides_the_code() {
        let source = || "http://u:p@h/?sig=1".to_owned().into();
        let path = String::new;
        let code = |e: object_store::Error, doing| {
            let e = classify(&e, doing, "f", &Secrets::default());
            assert!(!e.to_string().contains("sig"), "{e}");
            e.code()
        };
        use object_store::Error as E;
        let denied = E::PermissionDenied { path: path(), source: source() };
        assert_eq!(code(denied, Doing::Reading), sqlstate::INSUFFICIENT_PRIVILEGE);
        let absent = E::NotFound { path: path(), source: source() };
        assert_eq!(code(absent, Doing::Reading), sqlstate::UNDEFINED_FILE);
        let exists = || E::AlreadyExists { path: path(), source: source() };
        assert_eq!(code(exists(), Doing::Creating), sqlstate::DUPLICATE_FILE);
        // A conflict while replacing is a passing fault: nobody asked for a new file.
        assert_eq!(code(exists(), Doing::Writing), sqlstate::IO_ERROR);
    }
}
