//! Google Cloud Storage.

use std::sync::Arc;

use base64::Engine as _;
use object_store::gcp::GoogleCloudStorageBuilder;

use super::bridge::Bridge;
use super::objects::{Objects, client, is_plain_http, retry};
use super::params::{AUTH, AUTH_SPECIFIED};
use super::store::Store;
use super::uri::{ExternalUri, invalid};
use crate::error::Result;

/// Opens a bucket.
pub(super) fn open(uri: &ExternalUri, bridge: Bridge) -> Result<Arc<dyn Store>> {
    let endpoint = uri.param("GOOGLE_ENDPOINT");
    let specified = uri.param(AUTH) == Some(AUTH_SPECIFIED);
    // Only implicit access may see the server's environment.
    let start = if specified {
        GoogleCloudStorageBuilder::new()
    } else {
        GoogleCloudStorageBuilder::from_env()
    };
    let mut builder = start
        .with_bucket_name(uri.host())
        .with_retry(retry(&bridge))
        .with_client_options(client(endpoint.is_some_and(is_plain_http)));
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint);
    }
    if specified {
        match (uri.param("BEARER_TOKEN"), uri.param("CREDENTIALS")) {
            (Some(token), _) => builder = builder.with_bearer_token(token),
            (None, Some(credentials)) => {
                builder = builder.with_service_account_key(decode(credentials)?);
            }
            // The URI's own check asks for one of them.
            (None, None) => return Err(invalid("CREDENTIALS is not set")),
        }
    }
    Ok(Arc::new(Objects::new(uri, builder.build(), bridge, true)?))
}

/// The JSON of a service account from its base64 form.
fn decode(credentials: &str) -> Result<String> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let compact: String = credentials.split_whitespace().collect();
    let bytes = STANDARD.decode(&compact).or_else(|_| URL_SAFE.decode(&compact));
    bytes
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid("CREDENTIALS is not base64-encoded JSON"))
}
