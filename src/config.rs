//! What the operator chooses when a node starts, checked.
//!
//! The command line (and later a file) fills a [`Config`]; nothing below this floor reads either.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, Result, sqlstate};
use crate::settings::parse_duration;

/// Where PostgreSQL clients connect unless told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:26257";

/// The environment variable that sets root's password at start.
pub const ROOT_PASSWORD_VARIABLE: &str = "CAIRN_ROOT_PASSWORD";

/// Everything that a node needs to know to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that holds everything.
    pub store: PathBuf,
    /// `HOST:PORT` for PostgreSQL clients; port 0 lets the system choose.
    pub listen: String,
    /// `HOST:PORT` for `/health` and `/metrics`; not served without.
    pub http: Option<String>,
    /// Where nodelocal files are; `None` switches nodelocal off.
    pub external_io_dir: Option<PathBuf>,
    /// Where this server stands, tier by tier, widest first.
    pub locality: Vec<(String, String)>,
    /// Whether everyone is believed without a password.
    pub insecure: bool,
    /// The password that root gets at start, if any.
    pub root_password: Option<Secret>,
    /// Whether http, https and custom endpoints are refused to everyone.
    pub disable_external_http: bool,
    /// Whether the server's own credentials for external storage are refused to everyone.
    pub disable_implicit_credentials: bool,
    /// A file that is written when the node takes connections, with its addresses.
    pub ready_file: Option<PathBuf>,
    /// Memory for cached blocks of the store, in bytes.
    pub cache_bytes: usize,
    /// How far the machine's clock may leap, or be behind the store; anywhere without.
    pub max_offset: Option<Duration>,
    /// Whether a log that is damaged before its end is cut off there rather than refused.
    pub discard_damaged_log: bool,
}

/// How far the machine's clock may leap unless the operator says otherwise.
pub const MAX_OFFSET_DEFAULT: &str = "10m";

impl Config {
    /// The defaults over a store directory.
    pub fn new(store: impl Into<PathBuf>) -> Config {
        let store = store.into();
        Config {
            external_io_dir: Some(external_io_default(&store)),
            store,
            listen: LISTEN_DEFAULT.to_owned(),
            http: None,
            locality: Vec::new(),
            insecure: false,
            root_password: None,
            disable_external_http: false,
            disable_implicit_credentials: false,
            ready_file: None,
            cache_bytes: 256 << 20,
            max_offset: Some(Duration::from_secs(600)),
            discard_damaged_log: false,
        }
    }

    /// Where the engine's files are.
    pub fn engine_dir(&self) -> PathBuf {
        self.store.join("kv")
    }
}

/// Where nodelocal files are unless the operator says otherwise.
pub fn external_io_default(store: &Path) -> PathBuf {
    store.join("extern")
}

/// Reads `--external-io-dir`: a directory, or `disabled`.
pub fn external_io_dir(given: Option<&str>, store: &Path) -> Result<Option<PathBuf>> {
    match given {
        None => Ok(Some(external_io_default(store))),
        Some("disabled") => Ok(None),
        Some("") => Err(invalid("the external I/O directory must not be empty")
            .with_hint("Use --external-io-dir=disabled to switch nodelocal off.")),
        Some(dir) => Ok(Some(PathBuf::from(dir))),
    }
}

/// Reads `--max-offset`: a duration, or `off`.
pub fn max_offset(text: &str) -> Result<Option<Duration>> {
    match text {
        "off" => Ok(None),
        _ => parse_duration(text)
            .filter(|offset| !offset.is_zero())
            .map(Some)
            .ok_or_else(|| invalid(format!("\"{text}\" is not a duration such as 10m, nor off"))),
    }
}

/// Reads `--locality`: `key=value` tiers with commas between them, widest first.
pub fn locality(text: &str) -> Result<Vec<(String, String)>> {
    let mut tiers: Vec<(String, String)> = Vec::new();
    for tier in text.split(',').filter(|t| !t.is_empty()) {
        let (key, value) = match tier.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => (key, value),
            _ => return Err(invalid(format!("\"{tier}\" in the locality is not key=value"))),
        };
        if tiers.iter().any(|(other, _)| other == key) {
            return Err(invalid(format!("the locality names the tier \"{key}\" twice")));
        }
        tiers.push((key.to_owned(), value.to_owned()));
    }
    Ok(tiers)
}

/// A configuration that cannot be used.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

/// Text that no log shows, wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text in.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locality_is_tiers_in_order() {
        let tiers = locality("region=eu,zone=eu-1").unwrap();
        assert_eq!(tiers, [("region".into(), "eu".into()), ("zone".into(), "eu-1".into())]);
        assert!(locality("").unwrap().is_empty());
        for bad in ["region", "=eu", "region=", "a=1,a=2"] {
            assert!(locality(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_offset_of_the_clock_is_a_duration_or_off() {
        assert_eq!(max_offset(MAX_OFFSET_DEFAULT).unwrap(), Config::new("s").max_offset);
        assert_eq!(max_offset("off").unwrap(), None);
        for bad in ["", "0", "10", "never"] {
            assert!(max_offset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_external_directory_can_be_switched_off() {
        let store = Path::new("/s");
        assert_eq!(external_io_dir(None, store).unwrap(), Some("/s/extern".into()));
        assert_eq!(external_io_dir(Some("disabled"), store).unwrap(), None);
        assert_eq!(external_io_dir(Some("/x"), store).unwrap(), Some("/x".into()));
        assert!(external_io_dir(Some(""), store).is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let mut config = Config::new("/s");
        config.root_password = Some(Secret::new("sesame".into()));
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
