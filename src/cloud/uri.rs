//! The URI of an external store: what a user writes in BACKUP and RESTORE.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::params;
use super::path;
use crate::error::{Error, Result, sqlstate};

/// Characters of a path that need no encoding.
pub(super) const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');
/// Characters of a parameter that need no encoding.
pub(super) const PARAMETER: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Kinds of external store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Amazon S3 and what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Azure,
    /// The server's external I/O directory.
    Nodelocal,
    /// A web server, for reading.
    Http,
    /// Files kept in tables.
    Userfile,
    /// A named external connection.
    External,
}

/// A parsed URI. Its `Debug` and `Display` forms carry no secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalUri {
    scheme: Scheme,
    /// The scheme as it was written (`azure-blob`).
    written: String,
    host: String,
    path: String,
    params: Vec<(String, String)>,
}

impl ExternalUri {
    /// Reads a URI and checks everything that can be known without reaching the store.
    pub fn parse(text: &str) -> Result<Self> {
        let (written, rest) =
            text.split_once("://").or_else(|| text.split_once(":")).unwrap_or(("", text));
        let written = written.to_ascii_lowercase();
        let scheme = match written.as_str() {
            "s3" => Scheme::S3,
            "gs" => Scheme::Gs,
            "azure" | "azure-blob" | "azure-storage" => Scheme::Azure,
            "nodelocal" => Scheme::Nodelocal,
            "http" | "https" => Scheme::Http,
            "userfile" => Scheme::Userfile,
            "external" => Scheme::External,
            other => return Err(unsupported_scheme(other)),
        };
        if !text[written.len()..].starts_with("://") {
            return Err(invalid(format!(
                "invalid {written} URI: \"{written}:\" must be followed by \"//\""
            )));
        }
        if rest.contains('#') {
            return Err(invalid(format!("invalid {written} URI: it contains \"#\""))
                .with_hint("Percent-encode the parameters of the URI; \"#\" is written %23."));
        }
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, raw_path) = match location.find('/') {
            Some(at) => location.split_at(at),
            None => (location, ""),
        };
        if host.contains('@') {
            return Err(invalid(format!("invalid {written} URI: a user name is not allowed"))
                .with_hint("Put credentials into the URI's parameters."));
        }
        let uri = ExternalUri {
            scheme,
            host: decode(host, false, "host")?,
            path: decode(raw_path, false, "path")?,
            params: parse_query(query, scheme)?,
            written,
        };
        params::check(&uri)?;
        Ok(uri)
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The scheme as it was written, in lower case.
    pub fn scheme_name(&self) -> &str {
        &self.written
    }

    /// The bucket, container, node or connection.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path, decoded, as it was written (with its leading slash).
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters, decoded, in order.
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// A parameter's value; an empty value counts as absent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// The value of COCKROACH_LOCALITY: `default` or one `key=value`.
    pub fn locality(&self) -> Option<&str> {
        self.param(params::LOCALITY)
    }

    /// The same store, some directories further down.
    #[must_use]
    pub fn join(&self, subdir: &str) -> Self {
        let mut joined = self.clone();
        if !subdir.trim_matches('/').is_empty() {
            joined.path = format!("/{}", path::join(self.path.trim_start_matches('/'), subdir));
        }
        joined
    }

    /// The same path in another place.
    #[must_use]
    pub fn with_host(&self, host: &str) -> Self {
        ExternalUri { host: host.to_owned(), ..self.clone() }
    }

    /// Whether only an admin may use this URI, external connections aside.
    pub fn requires_admin(&self) -> bool {
        match self.scheme {
            Scheme::S3 => self.is_implicit() || self.param("AWS_ENDPOINT").is_some(),
            Scheme::Gs => self.is_implicit() || self.param("GOOGLE_ENDPOINT").is_some(),
            Scheme::Azure => self.is_implicit() || self.param("AZURE_ENDPOINT").is_some(),
            Scheme::Nodelocal | Scheme::Http => true,
            Scheme::Userfile | Scheme::External => false,
        }
    }

    /// Whether the store is reached with the server's own credentials.
    pub fn is_implicit(&self) -> bool {
        let auth = self.param(params::AUTH);
        match self.scheme {
            Scheme::S3 | Scheme::Azure => auth == Some(params::AUTH_IMPLICIT),
            Scheme::Gs => auth != Some(params::AUTH_SPECIFIED),
            _ => false,
        }
    }

    /// The URI with its secrets replaced by `redacted`.
    pub fn redacted(&self) -> String {
        self.print(true)
    }

    /// The URI in full, secrets included: for storing in a job's details, never for showing.
    pub fn to_secret_string(&self) -> String {
        self.print(false)
    }

    /// The URI without any parameter, for messages.
    pub fn location(&self) -> String {
        format!(
            "{}://{}{}",
            self.written,
            utf8_percent_encode(&self.host, PATH),
            utf8_percent_encode(&self.path, PATH)
        )
    }

    /// The values that must never be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = |name: &str| self.is_secret(name);
        self.params.iter().filter(move |(n, v)| secret(n) && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    fn is_secret(&self, name: &str) -> bool {
        crate::syntax::is_secret_in(&self.written, name)
    }

    fn print(&self, redact: bool) -> String {
        let mut out = self.location();
        for (at, (name, value)) in self.params.iter().enumerate() {
            let value = if redact && self.is_secret(name) { "redacted" } else { value.as_str() };
            out.push(if at == 0 { '?' } else { '&' });
            out.extend(utf8_percent_encode(name, PARAMETER));
            out.push('=');
            out.extend(utf8_percent_encode(value, PARAMETER));
        }
        out
    }
}

impl fmt::Display for ExternalUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for ExternalUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalUri({})", self.redacted())
    }
}

pub(super) fn parse_query(query: &str, scheme: Scheme) -> Result<Vec<(String, String)>> {
    let mut params: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name, true, "parameters")?;
        let mut value = decode(value, true, "parameters")?;
        if scheme == Scheme::S3 && name == "AWS_SECRET_ACCESS_KEY" {
            // Keys may hold a plus sign and people forget to encode it; no key holds a space.
            value = value.replace(' ', "+");
        }
        if params.iter().any(|(n, _)| *n == name) {
            return Err(invalid(format!("parameter {name} is given twice in the URI")));
        }
        params.push((name, value));
    }
    Ok(params)
}

/// Percent-decodes strictly; in a query a plus sign is a space.
pub(super) fn decode(text: &str, query: bool, what: &str) -> Result<String> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let digits = rest.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            return Err(invalid(format!("invalid percent-encoding in the {what} of the URI"))
                .with_hint("Percent-encode the parameters of the URI; \"%\" is written %25."));
        }
        rest = &rest[at + 3..];
    }
    let text = if query { text.replace('+', " ") } else { text.to_owned() };
    let decoded = percent_decode_str(&text)
        .decode_utf8()
        .map_err(|_| invalid(format!("the {what} of the URI are not UTF-8")))?;
    Ok(decoded.into_owned())
}

/// 22023 with a message.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

fn unsupported_scheme(scheme: &str) -> Error {
    // A scheme that is not one may be a misplaced secret: only plain short words are repeated.
    let known =
        scheme.len() <= 20 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let shown = if known { scheme } else { "" };
    invalid(format!("unsupported storage scheme: \"{shown}\""))
        .with_hint("The schemes are s3, gs, azure, nodelocal, http, https, userfile and external.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(uri: &str) -> Error {
        ExternalUri::parse(uri).unwrap_err()
    }

    #[test]
    fn an_s3_uri_is_decoded_and_its_secrets_are_not_shown() {
        let uri = ExternalUri::parse(
            "s3://bucket/a%20b?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=x%2Fy+z&AWS_REGION=eu-1",
        )
        .unwrap();
        assert_eq!((uri.host(), uri.path()), ("bucket", "/a b"));
        assert_eq!(uri.param("AWS_SECRET_ACCESS_KEY"), Some("x/y+z"));
        let shown =
            "s3://bucket/a%20b?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=redacted&AWS_REGION=eu-1";
        assert_eq!(uri.redacted(), shown);
        assert!(!format!("{uri:?}{uri}").contains("x/y"));
        assert_eq!(ExternalUri::parse(&uri.to_secret_string()).unwrap(), uri);
        assert_eq!(uri.join("/2021/03/23").path(), "/a b/2021/03/23");
        assert_eq!(uri.join("").path(), "/a b");
    }

    #[test]
    fn secrets_are_redacted_whatever_the_scheme() {
        let uri = ExternalUri::parse("http://host/x?token=abc&COCKROACH_LOCALITY=default").unwrap();
        assert_eq!(uri.redacted(), "http://host/x?token=redacted&COCKROACH_LOCALITY=default");
        assert_eq!(uri.locality(), Some("default"));
    }

    #[test]
    fn admins_are_required_where_the_server_lends_its_own_rights() {
        let keys = "AWS_ACCESS_KEY_ID=a&AWS_SECRET_ACCESS_KEY=b";
        for (uri, admin) in [
            (format!("s3://b/p?{keys}"), false),
            (format!("s3://b/p?{keys}&AUTH=specified"), false),
            ("s3://b/p?AUTH=implicit".to_owned(), true),
            (format!("s3://b/p?{keys}&AWS_ENDPOINT=http%3A%2F%2Fh"), true),
            ("gs://b/p".to_owned(), true),
            ("gs://b/p?AUTH=implicit".to_owned(), true),
            ("gs://b/p?AUTH=specified&CREDENTIALS=e30%3D".to_owned(), false),
            ("azure://c/p?AZURE_ACCOUNT_NAME=a&AZURE_ACCOUNT_KEY=a2V5".to_owned(), false),
            ("nodelocal://1/p".to_owned(), true),
            ("https://h/p".to_owned(), true),
            ("userfile:///p".to_owned(), false),
            ("external://name".to_owned(), false),
        ] {
            assert_eq!(ExternalUri::parse(&uri).unwrap().requires_admin(), admin, "{uri}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (uri, words) in [
            ("s3://b/p", "AUTH is set to 'specified', but AWS_ACCESS_KEY_ID is not set"),
            ("s3://b/p?AWS_ACCESS_KEY_ID=a", "but AWS_SECRET_ACCESS_KEY is not set"),
            ("s3://b/p?AUTH=maybe", "unsupported value maybe for AUTH"),
            ("s3:///p?AUTH=implicit", "empty host component; s3 URI must specify a target bucket"),
            ("s3://b/p?AUTH=implicit&NO=1&SUCH=2", "unknown S3 query parameters: NO, SUCH"),
            ("s3://b/p?AUTH=implicit&AWS_SERVER_ENC_MODE=aws:kms", "AWS_SERVER_KMS_ID must be set"),
            ("s3://b/p?AUTH=implicit&AWS_SERVER_ENC_MODE=rot13", "unsupported value rot13"),
            ("gs://b/p?AUTH=specified", "but CREDENTIALS is not set"),
            ("azure://c/p?AZURE_ACCOUNT_NAME=a", "AZURE_ACCOUNT_KEY"),
            ("nodelocal:///p", "host component of nodelocal URI must be a node ID"),
            ("nodelocal://x/p", "host component of nodelocal URI must be a node ID"),
            ("nodelocal://9/p", "node 9 does not exist"),
            ("ftp://h/p", "unsupported storage scheme: \"ftp\""),
            ("foo", "unsupported storage scheme: \"\""),
            ("s3:b", "must be followed by"),
            ("s3://b/p?AUTH=%zz", "percent-encoding"),
            ("s3://b/p?AUTH=implicit&AUTH=implicit", "given twice"),
            ("userfile:///a/../b", "path"),
        ] {
            let e = error(uri);
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE, "{uri}");
            assert!(e.message().contains(words), "{uri}: {e}");
        }
        assert_eq!(
            error("s3://b/p?AUTH=implicit&ASSUME_ROLE=r").code(),
            sqlstate::FEATURE_NOT_SUPPORTED
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_parses_prints_back(text in "(s3|gs|nodelocal|http|userfile)?:?/{0,3}[a-z1%+?&=#/@é.]{0,24}") {
            if let Ok(uri) = ExternalUri::parse(&text) {
                prop_assert_eq!(ExternalUri::parse(&uri.to_secret_string()).unwrap(), uri);
            }
        }
    }
}
