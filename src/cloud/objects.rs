//! Stores of objects over HTTP: S3, Google, Azure and, for reading, web servers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};

use super::bridge::Bridge;
use super::failure::{Doing, Secrets, checked, classify};
use super::path;
use super::store::{ListEntry, Listing, Store, StoreWriter, WriteMode, not_found, short_read};
use super::upload::Upload;
use super::uri::ExternalUri;
use crate::error::{Error, Result, sqlstate};

/// Requests are tried this often, with random pauses that grow from a tenth of a second to 15 s:
/// half a minute or so, after which a mistyped endpoint is reported and a job starts over.
const RETRIES_MAX: usize = 12;

/// A store behind object_store.
#[derive(Clone)]
pub(super) struct Objects(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) backend: Arc<dyn ObjectStore>,
    pub(super) bridge: Bridge,
    pub(super) secrets: Secrets,
    /// The root inside the bucket.
    root: String,
    /// The URI without parameters, for messages.
    location: String,
    /// The URI without secrets.
    redacted: String,
    /// What every written object gets (its storage class).
    pub(super) attributes: Attributes,
    /// Whether the store can be written and listed.
    writable: bool,
}

impl Objects {
    /// Wraps a built client.
    pub(super) fn new(
        uri: &ExternalUri,
        backend: object_store::Result<impl ObjectStore>,
        bridge: Bridge,
        writable: bool,
    ) -> Result<Self> {
        let secrets = Secrets::new(uri.secrets());
        let location = uri.location();
        // Building fails on malformed credentials, whose text must not be repeated.
        let backend = backend.map_err(|e| {
            let e = classify(&e, Doing::Opening, &location, &secrets);
            Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("cannot open {location}"))
                .with_detail("A parameter of the URI is malformed.")
                .with_source(e)
        })?;
        let mut attributes = Attributes::new();
        if let Some(class) = uri.param("S3_STORAGE_CLASS") {
            attributes.insert(Attribute::StorageClass, class.to_owned().into());
        }
        let root = if writable { path::clean(uri.path())? } else { String::new() };
        Ok(Objects(Arc::new(Inner {
            backend: Arc::new(backend),
            bridge,
            secrets,
            root,
            location: location.trim_end_matches('/').to_owned(),
            redacted: uri.redacted(),
            attributes,
            writable,
        })))
    }
}

impl Inner {
    /// The object's key and the name of the file for messages.
    pub(super) fn locate(&self, path: &str) -> Result<(Path, String)> {
        let path = path::clean(path)?;
        let key = path::join(&self.root, &path);
        let key = Path::parse(&key).map_err(|_| {
            Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("invalid path \"{path}\""))
        })?;
        Ok((key, format!("{}/{path}", self.location)))
    }

    pub(super) fn need_writable(&self) -> Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(Error::unsupported("writing to an http server").with_hint(
            "Back up to another kind of storage; http and https serve for restoring only.",
        ))
    }

    /// The path from our root of an object's key.
    fn relative(&self, key: &Path) -> Option<String> {
        path::below(&self.root, key.as_ref()).map(str::to_owned)
    }
}

impl Store for Objects {
    fn read(&self, path: &str) -> Result<Bytes> {
        let inner = self.0.clone();
        let (key, file) = inner.locate(path)?;
        self.0.bridge.run(async move {
            let result = inner.backend.get(&key).await;
            let body = match result {
                Ok(found) => found.bytes().await,
                Err(e) => Err(e),
            };
            checked(body, Doing::Reading, &file, &inner.secrets)
        })
    }

    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes> {
        let inner = self.0.clone();
        let (key, file) = inner.locate(path)?;
        let end = offset
            .checked_add(len)
            .ok_or_else(|| short_read(&self.0.location, path, offset, len))?;
        if len == 0 {
            // Stores refuse an empty range; all that is left to check is that the file is there.
            return match self.size(path)? {
                Some(size) if size >= offset => Ok(Bytes::new()),
                Some(_) => Err(short_read(&self.0.location, path, offset, len)),
                None => Err(not_found(&self.0.location, path)),
            };
        }
        let bytes = self.0.bridge.run(async move {
            let range = Some(GetRange::Bounded(offset..end));
            let options = GetOptions { range, ..GetOptions::default() };
            let body = match inner.backend.get_opts(&key, options).await {
                Ok(found) => found.bytes().await,
                Err(e) => Err(e),
            };
            checked(body, Doing::Reading, &file, &inner.secrets)
        })?;
        if bytes.len() as u64 != len {
            return Err(short_read(&self.0.location, path, offset, len));
        }
        Ok(bytes)
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        let inner = self.0.clone();
        let (key, file) = inner.locate(path)?;
        self.0.bridge.run(async move {
            match inner.backend.head(&key).await {
                Ok(meta) => Ok(Some(meta.size)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(e) => Err(classify(&e, Doing::Reading, &file, &inner.secrets)),
            }
        })
    }

    fn write(&self, path: &str, content: Bytes, mode: WriteMode) -> Result<()> {
        self.0.need_writable()?;
        let inner = self.0.clone();
        let (key, file) = inner.locate(path)?;
        self.0.bridge.run(async move {
            let (mode, doing) = match mode {
                WriteMode::Overwrite => (PutMode::Overwrite, Doing::Writing),
                WriteMode::CreateNew => (PutMode::Create, Doing::Creating),
            };
            let attributes = inner.attributes.clone();
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            let result = inner.backend.put_opts(&key, content.into(), options).await;
            checked(result, doing, &file, &inner.secrets).map(|_| ())
        })
    }

    fn writer(&self, path: &str) -> Result<Box<dyn StoreWriter>> {
        self.0.need_writable()?;
        let (key, file) = self.0.locate(path)?;
        Ok(Box::new(Upload::new(self.0.clone(), key, file)))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListEntry>> {
        if !self.0.writable {
            return Err(Error::unsupported("listing an http server"));
        }
        let inner = self.0.clone();
        let (key, file) = inner.locate(dir)?;
        self.0.bridge.run(async move {
            let mut entries = Vec::new();
            let mut stream = inner.backend.list(Some(&key));
            while let Some(meta) = stream.next().await {
                let meta = checked(meta, Doing::Listing, &file, &inner.secrets)?;
                if let Some(path) = inner.relative(&meta.location) {
                    entries.push(ListEntry { path, size: meta.size });
                }
            }
            entries.sort();
            Ok(entries)
        })
    }

    fn list_dir(&self, dir: &str) -> Result<Listing> {
        if !self.0.writable {
            return Err(Error::unsupported("listing an http server"));
        }
        let inner = self.0.clone();
        let (key, file) = inner.locate(dir)?;
        self.0.bridge.run(async move {
            let found = inner.backend.list_with_delimiter(Some(&key)).await;
            let found = checked(found, Doing::Listing, &file, &inner.secrets)?;
            let mut files: Vec<ListEntry> = found
                .objects
                .into_iter()
                .filter_map(|meta| {
                    Some(ListEntry { path: inner.relative(&meta.location)?, size: meta.size })
                })
                .collect();
            files.sort();
            let dirs: BTreeSet<String> = found
                .common_prefixes
                .iter()
                .filter_map(|prefix| prefix.parts().next_back())
                .map(|name| name.as_ref().to_owned())
                .collect();
            Ok(Listing { files, dirs: dirs.into_iter().collect() })
        })
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.0.need_writable()?;
        let inner = self.0.clone();
        let (key, file) = inner.locate(path)?;
        self.0.bridge.run(async move {
            match inner.backend.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(e) => Err(classify(&e, Doing::Deleting, &file, &inner.secrets)),
            }
        })
    }

    fn describe(&self) -> String {
        self.0.redacted.clone()
    }
}

/// How every client retries.
pub(super) fn retry(bridge: &Bridge) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(15),
            base: 3.0,
        },
        max_retries: RETRIES_MAX,
        retry_timeout: bridge.timeout(),
    }
}

/// How every client connects. The bridge bounds the whole request; here only silence is bounded.
pub(super) fn client(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_timeout_disabled()
        .with_connect_timeout(Duration::from_secs(10))
        .with_read_timeout(Duration::from_secs(60))
}

/// Whether an endpoint is reached without TLS.
pub(super) fn is_plain_http(endpoint: &str) -> bool {
    endpoint.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}
