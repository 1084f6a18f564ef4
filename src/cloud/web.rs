//! Web servers, for reading.

use std::sync::Arc;

use object_store::http::HttpBuilder;

use super::bridge::Bridge;
use super::objects::{Objects, client, retry};
use super::params::LOCALITY;
use super::store::Store;
use super::uri::ExternalUri;
use crate::error::{Error, Result};

/// Opens a directory of a web server.
pub(super) fn open(uri: &ExternalUri, bridge: Bridge) -> Result<Arc<dyn Store>> {
    if uri.params().iter().any(|(name, _)| name != LOCALITY) {
        return Err(Error::unsupported("a query in an http URI"));
    }
    let plain = uri.scheme_name() == "http";
    let builder = HttpBuilder::new()
        .with_url(uri.location())
        .with_retry(retry(&bridge))
        .with_client_options(client(plain));
    Ok(Arc::new(Objects::new(uri, builder.build(), bridge, false)?))
}
