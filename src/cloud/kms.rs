//! Master keys in a key management service: they wrap the keys of encrypted backups.

use std::sync::Arc;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

use super::bridge::Bridge;
use super::params::{AUTH, AUTH_IMPLICIT, AUTH_SPECIFIED, bad_value, looks_like_a_name};
use super::uri::{PARAMETER, PATH, Scheme, decode, invalid, parse_query};
use super::{Cloud, aws_kms};
use crate::error::{Error, Result, sqlstate};
use crate::task::Interrupt;

/// A key that never leaves its service.
pub trait MasterKey: Send + Sync {
    /// What it is known by: the same whenever the same key is named in the same way.
    fn id(&self) -> &str;

    /// Its URI without secrets, and without the key's name unless `whole`.
    fn shown(&self, whole: bool) -> String;

    /// Whether only an admin may use it, since the server lends its own rights.
    fn requires_admin(&self) -> bool;

    /// Whether the server's own credentials are used.
    fn is_implicit(&self) -> bool;

    /// Encrypts the key of a chain.
    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>>;

    /// Decrypts what [`MasterKey::wrap`] gave.
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>>;
}

const AWS: &[&str] = &[
    "REGION",
    AUTH,
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT",
];

/// A parsed URI of a master key.
pub(super) struct KmsUri {
    scheme: String,
    /// The key's name in its service, decoded.
    pub(super) key: String,
    params: Vec<(String, String)>,
}

impl KmsUri {
    pub(super) fn parse(text: &str) -> Result<KmsUri> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        match scheme.as_str() {
            "aws" | "testkms" => {}
            "gs" => return Err(Error::unsupported("the key management service of Google")),
            "azure-kms" | "azure" => {
                return Err(Error::unsupported("the key management service of Azure"));
            }
            "external" => return Err(Error::unsupported("a master key by external connection")),
            // A text that is no URI may be a secret, and is not repeated.
            _ => {
                return Err(invalid("unsupported scheme of a kms URI")
                    .with_hint("Write aws:///<key>?REGION=<region>&AUTH=..."));
            }
        }
        let rest = text.get(scheme.len() + 3..).unwrap_or_default();
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let Some(key) = location.strip_prefix('/').filter(|key| !key.is_empty()) else {
            return Err(invalid(format!("a kms URI must be of the form {scheme}:///<key>")));
        };
        let uri = KmsUri {
            key: decode(key, false, "path")?,
            params: parse_query(query, Scheme::S3)?,
            scheme,
        };
        uri.check()?;
        Ok(uri)
    }

    fn check(&self) -> Result<()> {
        let unknown = self.params.iter().find(|(name, _)| match self.scheme.as_str() {
            "aws" => !AWS.contains(&name.as_str()),
            _ => name != AUTH,
        });
        if let Some((name, _)) = unknown {
            let shown = if looks_like_a_name(name) { name } else { "(not shown)" };
            return Err(invalid(format!("unknown KMS query parameter: {shown}")));
        }
        match self.param(AUTH) {
            Some(AUTH_IMPLICIT) => {}
            None | Some(AUTH_SPECIFIED) => {
                let needed = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
                if let Some(name) = needed.iter().find(|name| self.param(name).is_none()) {
                    return Err(invalid(format!(
                        "{AUTH} is set to '{AUTH_SPECIFIED}', but {name} is not set"
                    )));
                }
            }
            Some(other) => return Err(bad_value(other, AUTH)),
        }
        if self.scheme == "aws" && self.param("REGION").is_none() {
            return Err(invalid("REGION must be set in an aws kms URI"));
        }
        // It becomes a part of a host's name.
        let host = |c: char| c.is_ascii_alphanumeric() || c == '-';
        match self.param("REGION") {
            Some(region) if !region.chars().all(host) => Err(bad_value(region, "REGION")),
            _ => Ok(()),
        }
    }

    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    pub(super) fn is_implicit(&self) -> bool {
        self.param(AUTH) == Some(AUTH_IMPLICIT)
    }

    /// The values that must never be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = |name: &str| crate::syntax::is_secret_in(&self.scheme, name);
        self.params.iter().filter(move |(name, _)| secret(name)).map(|(_, value)| value.as_str())
    }

    /// The URI without its secrets.
    pub(super) fn shown(&self, whole: bool) -> String {
        let key = if whole { self.key.as_str() } else { "redacted" };
        let mut out = format!("{}:///{}", self.scheme, utf8_percent_encode(key, PATH));
        for (at, (name, value)) in self.params.iter().enumerate() {
            let secret = crate::syntax::is_secret_in(&self.scheme, name);
            let value = if secret { "redacted" } else { value.as_str() };
            out.push(if at == 0 { '?' } else { '&' });
            out.extend(utf8_percent_encode(name, PARAMETER));
            out.push('=');
            out.extend(utf8_percent_encode(value, PARAMETER));
        }
        out
    }
}

impl Cloud {
    /// Opens a master key by its URI. Does not reach its service yet.
    pub fn open_kms(&self, uri: &str, interrupt: &Interrupt) -> Result<Arc<dyn MasterKey>> {
        let uri = KmsUri::parse(uri)?;
        if !self.restrictions.allow_implicit && uri.is_implicit()
            || !self.restrictions.allow_http && uri.param("AWS_ENDPOINT").is_some()
        {
            return Err(Error::new(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                "this use of a key management service was disabled by the server's operator",
            ));
        }
        if uri.scheme == "aws" {
            let bridge =
                Bridge::new(self.runtime.clone(), self.settings.clone(), Some(interrupt.clone()));
            return Ok(Arc::new(aws_kms::AwsKey::new(uri, bridge)?));
        }
        // Whoever knows the URI knows the key: fit for tests of the server, and for nothing else.
        if !cfg!(debug_assertions) {
            return Err(Error::unsupported("testkms in a release build"));
        }
        Ok(Arc::new(TestKey::new(&uri.key)))
    }
}

/// A master key that is made from its name, for tests.
pub struct TestKey {
    id: String,
    cipher: Aes256Gcm,
}

const NONCE_BYTES: usize = 12;

impl TestKey {
    /// A key of a name.
    pub fn new(name: &str) -> TestKey {
        let key = blake3::derive_key("cairn cloud 1: a master key for tests", name.as_bytes());
        TestKey { id: name.to_owned(), cipher: Aes256Gcm::new((&key).into()) }
    }
}

impl MasterKey for TestKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn shown(&self, whole: bool) -> String {
        format!("testkms:///{}?AUTH=implicit", if whole { &self.id } else { "redacted" })
    }

    fn requires_admin(&self) -> bool {
        true
    }

    fn is_implicit(&self) -> bool {
        true
    }

    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>> {
        let mut nonce = [0u8; NONCE_BYTES];
        rand::fill(&mut nonce);
        let mut sealed = key.to_vec();
        self.cipher
            .encrypt_in_place(&nonce.into(), b"", &mut sealed)
            .map_err(|_| Error::internal("a key could not be wrapped"))?;
        Ok([&nonce[..], &sealed[..]].concat())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let refused = || invalid("failed to decrypt -- maybe incorrect key");
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_BYTES).ok_or_else(refused)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| refused())?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let opened = self.cipher.decrypt_in_place(&nonce.into(), b"", &mut *text);
        opened.map_err(|_| refused())?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_uri_is_said_and_secrets_are_not() {
        let keys = "AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=hush+hush";
        for (uri, words) in [
            (format!("aws:///k?{keys}"), "REGION must be set"),
            (format!("aws:///?REGION=r&{keys}"), "must be of the form"),
            (format!("aws://k?REGION=r&{keys}"), "must be of the form"),
            (format!("aws:///k?REGION=r.evil/&{keys}"), "unsupported value"),
            (format!("aws:///k?REGION=r&NO_SUCH=1&{keys}"), "NO_SUCH"),
            ("aws:///k?REGION=r".to_owned(), "AWS_ACCESS_KEY_ID is not set"),
            ("aws:///k?REGION=r&AUTH=maybe".to_owned(), "unsupported value maybe"),
            ("hush".to_owned(), "unsupported scheme"),
        ] {
            let e = KmsUri::parse(&uri).err().unwrap();
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE, "{uri}");
            assert!(e.message().contains(words) && !e.to_string().contains("hush"), "{uri}: {e}");
        }
        let e = KmsUri::parse("gs:///projects/p?AUTH=implicit").err().unwrap();
        assert_eq!(e.code(), sqlstate::FEATURE_NOT_SUPPORTED);
        let uri = KmsUri::parse(&format!("aws:///arn:aws:kms:x:1:key/2?REGION=r&{keys}")).unwrap();
        assert_eq!(uri.key, "arn:aws:kms:x:1:key/2");
        assert_eq!(uri.param("AWS_SECRET_ACCESS_KEY"), Some("hush+hush"));
        let shown = "?REGION=r&AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=redacted";
        assert_eq!(uri.shown(true), format!("aws:///arn:aws:kms:x:1:key/2{shown}"));
        assert_eq!(uri.shown(false), format!("aws:///redacted{shown}"));
    }

    #[test]
    fn what_was_wrapped_opens_by_its_own_key_only() {
        let key = TestKey::new("a");
        let wrapped = key.wrap(&[7; 32]).unwrap();
        assert_eq!(key.unwrap(&wrapped).unwrap()[..], [7; 32]);
        assert!(TestKey::new("b").unwrap(&wrapped).is_err());
        for at in 0..wrapped.len() {
            let mut bad = wrapped.clone();
            bad[at] ^= 1;
            assert!(key.unwrap(&bad).is_err(), "byte {at}");
            assert!(key.unwrap(&wrapped[..at]).is_err(), "cut at {at}");
        }
    }
}
