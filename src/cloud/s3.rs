//! Amazon S3 and what speaks like it.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::bridge::Bridge;
use super::objects::{Objects, client, is_plain_http, retry};
use super::params::{AUTH, AUTH_IMPLICIT};
use super::store::Store;
use super::uri::ExternalUri;
use crate::error::{Error, Result};

/// The region of a bucket whose URI names none.
const REGION: &str = "us-east-1";

/// Opens a bucket.
pub(super) fn open(uri: &ExternalUri, bridge: Bridge) -> Result<Arc<dyn Store>> {
    let implicit = uri.param(AUTH) == Some(AUTH_IMPLICIT);
    let endpoint = uri.param("AWS_ENDPOINT");
    let mut options = client(endpoint.is_some_and(is_plain_http));
    if uri.param("AWS_SKIP_TLS_VERIFY") == Some("true") {
        options = options.with_allow_invalid_certificates(true);
    }
    // Only implicit access may see the server's environment.
    let mut builder = if implicit { AmazonS3Builder::from_env() } else { AmazonS3Builder::new() }
        .with_bucket_name(uri.host())
        .with_retry(retry(&bridge))
        .with_client_options(options);
    if !implicit {
        builder = builder
            .with_access_key_id(uri.param("AWS_ACCESS_KEY_ID").unwrap_or_default())
            .with_secret_access_key(uri.param("AWS_SECRET_ACCESS_KEY").unwrap_or_default());
        if let Some(token) = uri.param("AWS_SESSION_TOKEN") {
            builder = builder.with_token(token);
        }
    }
    if let Some(region) = uri.param("AWS_REGION") {
        builder = builder.with_region(region);
    } else if builder.get_config_value(&AmazonS3ConfigKey::Region).is_none() {
        builder = builder.with_region(REGION);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
        // An emulator or appliance rarely has a name for each bucket.
        let by_path = uri.param("AWS_USE_PATH_STYLE") != Some("false");
        builder = builder.with_virtual_hosted_style_request(!by_path);
    }
    match uri.param("AWS_SERVER_ENC_MODE") {
        Some("aws:kms") => {
            let key = uri.param("AWS_SERVER_KMS_ID").unwrap_or_default();
            builder = builder.with_sse_kms_encryption(key);
        }
        Some(mode) => {
            // The variant's own type is not public; its name is.
            let key = "aws_server_side_encryption".parse::<AmazonS3ConfigKey>();
            builder = match key {
                Ok(key) => builder.with_config(key, mode),
                Err(_) => return Err(Error::unsupported("AWS_SERVER_ENC_MODE")),
            };
        }
        None => {}
    }
    Ok(Arc::new(Objects::new(uri, builder.build(), bridge, true)?))
}
