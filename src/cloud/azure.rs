//! Azure Blob Storage.

use std::sync::Arc;

use object_store::azure::MicrosoftAzureBuilder;

use super::bridge::Bridge;
use super::objects::{Objects, client, is_plain_http, retry};
use super::params::{AUTH, AUTH_IMPLICIT};
use super::store::Store;
use super::uri::{ExternalUri, invalid};
use crate::error::Result;

/// Opens a container.
pub(super) fn open(uri: &ExternalUri, bridge: Bridge) -> Result<Arc<dyn Store>> {
    let implicit = uri.param(AUTH) == Some(AUTH_IMPLICIT);
    let account = uri.param("AZURE_ACCOUNT_NAME").unwrap_or_default();
    let endpoint = match (uri.param("AZURE_ENDPOINT"), uri.param("AZURE_ENVIRONMENT")) {
        (Some(endpoint), _) => Some(endpoint.to_owned()),
        (None, None | Some("AzurePublicCloud" | "AZUREPUBLICCLOUD")) => None,
        (None, Some("AzureUSGovernmentCloud" | "AZUREUSGOVERNMENTCLOUD")) => {
            Some(format!("https://{account}.blob.core.usgovcloudapi.net"))
        }
        (None, Some("AzureChinaCloud" | "AZURECHINACLOUD")) => {
            Some(format!("https://{account}.blob.core.chinacloudapi.cn"))
        }
        (None, Some(other)) => {
            let other = other.escape_debug();
            return Err(invalid(format!("unsupported value {other} for AZURE_ENVIRONMENT")));
        }
    };
    let plain = endpoint.as_deref().is_some_and(is_plain_http);
    // Only implicit access may see the server's environment.
    let start =
        if implicit { MicrosoftAzureBuilder::from_env() } else { MicrosoftAzureBuilder::new() };
    let mut builder = start
        .with_container_name(uri.host())
        .with_account(account)
        .with_retry(retry(&bridge))
        .with_client_options(client(plain))
        .with_allow_http(plain);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if !implicit {
        builder = match (uri.param("AZURE_CLIENT_ID"), uri.param("AZURE_CLIENT_SECRET")) {
            (Some(id), Some(secret)) => builder.with_client_secret_authorization(
                id,
                secret,
                uri.param("AZURE_TENANT_ID").unwrap_or_default(),
            ),
            _ => builder.with_access_key(uri.param("AZURE_ACCOUNT_KEY").unwrap_or_default()),
        };
    }
    Ok(Arc::new(Objects::new(uri, builder.build(), bridge, true)?))
}
