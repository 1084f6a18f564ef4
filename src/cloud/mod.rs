//! # cloud: external storage
//!
//! The places outside the server where backups live. A user names one by a URI; whoever works
//! with it sees a [`Store`]: files with paths, written whole or streamed, read whole or by range.
//!
//! ```text
//!    's3://bucket/dir?AWS_…'                         Store
//!            │                                        ▲
//!            ▼                                        │
//!      ExternalUri ──▶ Cloud::open ──┬─▶ Objects  (objects.rs, upload.rs; s3, gcs, azure, web)
//!       uri, params                  │      └─ Bridge ─▶ object_store on a tokio runtime
//!                                    ├─▶ Nodelocal    the server's external I/O directory
//!                                    ├─▶ userfile     tables of the server; `sql` hands it in
//!                                    └─▶ (tests) Memory, Faulty
//!
//!    'aws:///key?REGION=…' ──▶ Cloud::open_kms ──▶ MasterKey: wraps the keys of backups (kms.rs)
//! ```
//!
//! Words: a *store* is one opened URI, and its *root* the URI's path; a *path* is relative to the
//! root, with names joined by `/`; a *directory* is nothing but a common beginning of paths, and
//! exists while a file is below it.
//!
//! Invariants:
//! - The interface is synchronous and may be called from any ordinary thread. The futures of
//!   object_store run on the runtime that was handed in; the caller waits on a channel
//!   (`bridge.rs`), so it never blocks a runtime that it happens to be part of.
//! - A write that returned is durable, and visible to every reader. A streamed file is invisible
//!   before `finish` and leaves nothing behind after `abort`. Of several `CreateNew` one wins.
//! - Every failed write, flush, part, completion, rename and sync reaches the caller.
//! - One call takes no longer than `cloudstorage.timeout`, retries included, and ends early when
//!   the [`Interrupt`] it was opened with is raised.
//! - No message or `Debug` form holds a secret: URIs print redacted, and the texts of other
//!   libraries are reduced to a code and a scrubbed sentence (`failure.rs`).
//! - A path never leads out of the root, not even through a symbolic link.
//!
//! What it is not: the names and content of a backup's files (`archive`), or who may use which
//! URI (`sql` asks [`ExternalUri::requires_admin`]).

mod aws_kms;
mod azure;
mod bridge;
mod failure;
pub mod faulty;
mod gcs;
pub mod kms;
pub mod memory;
mod nodelocal;
mod objects;
mod params;
pub mod path;
mod s3;
pub mod store;
mod upload;
pub mod uri;
mod web;

#[cfg(test)]
pub(crate) mod conformance;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;

use crate::error::{Error, Result, sqlstate};
use crate::settings::Settings;
use crate::task::Interrupt;

pub use kms::MasterKey;
pub use memory::Memory;
pub use store::{ListEntry, Listing, Store, StoreWriter, WriteMode};
pub use uri::{ExternalUri, Scheme};

use bridge::Bridge;

/// Finds the URI behind the name of an external connection.
pub type ConnectionLookup = dyn Fn(&str) -> Result<String> + Send + Sync;

/// Opens stores whose files lie in the server's own tables.
pub type UserfileOpener =
    dyn Fn(&ExternalUri, Option<Interrupt>) -> Result<Arc<dyn Store>> + Send + Sync;

/// What the server's operator allows, for everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restrictions {
    /// Whether http, https and custom endpoints may be used.
    pub allow_http: bool,
    /// Whether the server's own credentials may be used.
    pub allow_implicit: bool,
}

impl Default for Restrictions {
    fn default() -> Self {
        Restrictions { allow_http: true, allow_implicit: true }
    }
}

/// Everything that is needed to open stores.
#[derive(Clone)]
pub struct Cloud {
    /// The runtime on which requests run; its timers and I/O must be enabled.
    pub runtime: Handle,
    /// Where nodelocal files are; `None` switches nodelocal off.
    pub external_io_dir: Option<PathBuf>,
    /// The cluster settings.
    pub settings: Arc<Settings>,
    /// This server's locality, tier by tier, widest first.
    pub locality: Vec<(String, String)>,
    /// What the operator allows.
    pub restrictions: Restrictions,
    /// Finds external connections; `None` while there is no catalog to ask.
    pub connections: Option<Arc<ConnectionLookup>>,
    /// Opens userfile storage, once there are tables.
    pub userfiles: OnceLock<Arc<UserfileOpener>>,
}

impl Cloud {
    /// Storage with nothing restricted, nodelocal off and no external connections.
    pub fn new(runtime: Handle, settings: Arc<Settings>) -> Self {
        Cloud {
            runtime,
            external_io_dir: None,
            settings,
            locality: Vec::new(),
            restrictions: Restrictions::default(),
            connections: None,
            userfiles: OnceLock::new(),
        }
    }

    /// Opens the store that a URI names. Reaches the network only if the kind of store needs it.
    pub fn open(&self, uri: &str) -> Result<Arc<dyn Store>> {
        self.open_uri(&ExternalUri::parse(uri)?, None)
    }

    /// Opens a store whose calls end early when `interrupt` is raised.
    pub fn open_interruptible(&self, uri: &str, interrupt: &Interrupt) -> Result<Arc<dyn Store>> {
        self.open_uri(&ExternalUri::parse(uri)?, Some(interrupt.clone()))
    }

    /// Opens a store by its parsed URI.
    pub fn open_uri(
        &self,
        uri: &ExternalUri,
        interrupt: Option<Interrupt>,
    ) -> Result<Arc<dyn Store>> {
        let resolved = self.resolve(uri)?;
        let uri = resolved.as_ref().unwrap_or(uri);
        self.check_restrictions(uri)?;
        let bridge = Bridge::new(self.runtime.clone(), self.settings.clone(), interrupt.clone());
        match uri.scheme() {
            Scheme::S3 => s3::open(uri, bridge),
            Scheme::Gs => gcs::open(uri, bridge),
            Scheme::Azure => azure::open(uri, bridge),
            Scheme::Http => web::open(uri, bridge),
            Scheme::Nodelocal => nodelocal::open(uri, self.external_io_dir.as_deref()),
            Scheme::Userfile => match self.userfiles.get() {
                Some(open) => open(uri, interrupt),
                None => Err(Error::unsupported("userfile storage without a server")),
            },
            Scheme::External => Err(Error::unsupported("an external connection of another one")),
        }
    }

    /// The URI that an external connection stands for; `None` for every other scheme.
    pub fn resolve(&self, uri: &ExternalUri) -> Result<Option<ExternalUri>> {
        if uri.scheme() != Scheme::External {
            return Ok(None);
        }
        let Some(lookup) = &self.connections else {
            return Err(Error::unsupported("an external connection"));
        };
        Ok(Some(ExternalUri::parse(&lookup(uri.host())?)?.join(uri.path())))
    }

    /// Refuses what the operator switched off.
    fn check_restrictions(&self, uri: &ExternalUri) -> Result<()> {
        let endpoint = ["AWS_ENDPOINT", "GOOGLE_ENDPOINT", "AZURE_ENDPOINT"]
            .iter()
            .any(|name| uri.param(name).is_some());
        let denied = |what: &str| {
            Err(Error::new(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                format!("{what} in external storage was disabled by the server's operator"),
            ))
        };
        if !self.restrictions.allow_http && (uri.scheme() == Scheme::Http || endpoint) {
            return denied("the use of http and custom endpoints");
        }
        if !self.restrictions.allow_implicit && uri.is_implicit() {
            return denied("the use of implicit credentials");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> (tokio::runtime::Runtime, Cloud) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let cloud = Cloud::new(runtime.handle().clone(), Arc::new(Settings::new()));
        (runtime, cloud)
    }

    #[test]
    fn the_operators_restrictions_bind_everyone() {
        let (_runtime, mut cloud) = cloud();
        cloud.restrictions = Restrictions { allow_http: false, allow_implicit: false };
        let keys = "AWS_ACCESS_KEY_ID=a&AWS_SECRET_ACCESS_KEY=b";
        for uri in [
            "http://h/x".to_owned(),
            format!("s3://b/p?{keys}&AWS_ENDPOINT=http://h"),
            "s3://b/p?AUTH=implicit".to_owned(),
            "gs://b/p".to_owned(),
        ] {
            let e = cloud.open(&uri).err().unwrap();
            assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE, "{uri}");
        }
        assert!(cloud.open(&format!("s3://b/p?{keys}")).is_ok());
        let e = cloud.open("nodelocal://1/x").err().unwrap();
        assert!(e.message().contains("local file access is disabled"), "{e}");
    }

    #[test]
    fn an_external_connection_stands_for_its_uri() {
        let (_runtime, mut cloud) = cloud();
        let dir = tempfile::tempdir().unwrap();
        cloud.external_io_dir = Some(dir.path().to_owned());
        let uri = "external://weekly/sub";
        assert_eq!(cloud.open(uri).err().unwrap().code(), sqlstate::FEATURE_NOT_SUPPORTED);
        cloud.connections = Some(Arc::new(|name| Ok(format!("nodelocal://1/base-{name}"))));
        let store = cloud.open(uri).unwrap();
        store.write("f", "x".into(), WriteMode::CreateNew).unwrap();
        assert!(dir.path().join("base-weekly/sub/f").is_file());
        assert_eq!(store.describe(), "nodelocal://1/base-weekly/sub");
    }

    #[test]
    fn a_raised_interrupt_ends_a_request() {
        let (_runtime, cloud) = cloud();
        // A listener that never answers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!(
            "s3://b/p?AWS_ACCESS_KEY_ID=a&AWS_SECRET_ACCESS_KEY=b&AWS_ENDPOINT=http://{}",
            listener.local_addr().unwrap()
        );
        let interrupt = Interrupt::new();
        let store = cloud.open_interruptible(&uri, &interrupt).unwrap();
        let reader = std::thread::spawn(move || store.read("x"));
        let _connection = listener.accept().unwrap();
        interrupt.raise(crate::task::Cause::Cancel);
        let e = reader.join().unwrap().unwrap_err();
        assert_eq!(e.code(), sqlstate::QUERY_CANCELED);
    }
}
