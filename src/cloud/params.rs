//! The parameters that each kind of store takes, and the checks on them.

use super::path;
use super::uri::{ExternalUri, Scheme, invalid};
use crate::error::{Error, Result};

/// How to authenticate: `specified`, `implicit` or (gs) `default`.
pub(super) const AUTH: &str = "AUTH";
/// Credentials are in the URI.
pub(super) const AUTH_SPECIFIED: &str = "specified";
/// Credentials are the server's own.
pub(super) const AUTH_IMPLICIT: &str = "implicit";
/// Which nodes write here; allowed everywhere.
pub(super) const LOCALITY: &str = "COCKROACH_LOCALITY";

const S3: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT",
    "AWS_SERVER_ENC_MODE",
    "AWS_SERVER_KMS_ID",
    "AWS_USE_PATH_STYLE",
    "AWS_SKIP_CHECKSUM",
    "AWS_SKIP_TLS_VERIFY",
    "S3_STORAGE_CLASS",
    "ASSUME_ROLE",
    AUTH,
];
const GS: &[&str] = &["CREDENTIALS", "BEARER_TOKEN", "GOOGLE_ENDPOINT", "ASSUME_ROLE", AUTH];
const AZURE: &[&str] = &[
    "AZURE_ACCOUNT_NAME",
    "AZURE_ACCOUNT_KEY",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_ENVIRONMENT",
    "AZURE_ENDPOINT",
    AUTH,
];

/// Checks host, path and parameters by the rules of the URI's scheme.
pub(super) fn check(uri: &ExternalUri) -> Result<()> {
    match uri.scheme() {
        Scheme::S3 => check_s3(uri)?,
        Scheme::Gs => check_gs(uri)?,
        Scheme::Azure => check_azure(uri)?,
        Scheme::Nodelocal => {
            // A secret where none belongs is tolerated: it must be redacted, not refused.
            check_node(uri)?;
        }
        Scheme::Http if uri.host().is_empty() => {
            return Err(invalid("empty host component; http URI must name a server"));
        }
        Scheme::Http => {}
        Scheme::Userfile => {
            let cleaned = path::clean(uri.path())?;
            if cleaned != uri.path().strip_prefix('/').unwrap_or(uri.path()) {
                return Err(invalid("path of userfile URI must not change when it is normalised"));
            }
        }
        Scheme::External if uri.host().is_empty() => {
            return Err(invalid(
                "empty host component; external URI must name an external connection",
            ));
        }
        Scheme::External => known(uri, "external", &[])?,
    }
    if let Some(locality) = uri.locality() {
        check_locality(locality)?;
    }
    Ok(())
}

fn check_locality(value: &str) -> Result<()> {
    let pair = value.split_once('=');
    let well_formed =
        pair.is_some_and(|(k, v)| !k.is_empty() && !v.is_empty() && !v.contains(['=', ',']));
    if value == "default" || well_formed {
        return Ok(());
    }
    Err(invalid(format!("invalid {LOCALITY} \"{value}\": tier must be in the form key=value")))
}

fn check_s3(uri: &ExternalUri) -> Result<()> {
    need_host(uri, "s3", "bucket")?;
    known(uri, "S3", S3)?;
    if uri.param("ASSUME_ROLE").is_some() {
        return Err(Error::unsupported("ASSUME_ROLE in an s3 URI"));
    }
    match uri.param(AUTH) {
        None | Some(AUTH_SPECIFIED) => {
            need_with_specified(uri, "AWS_ACCESS_KEY_ID")?;
            need_with_specified(uri, "AWS_SECRET_ACCESS_KEY")?;
        }
        Some(AUTH_IMPLICIT) => {}
        Some(other) => return Err(bad_value(other, AUTH)),
    }
    match uri.param("AWS_SERVER_ENC_MODE") {
        None | Some("AES256") => {}
        Some("aws:kms") if uri.param("AWS_SERVER_KMS_ID").is_none() => {
            return Err(invalid("AWS_SERVER_KMS_ID must be set with AWS_SERVER_ENC_MODE aws:kms"));
        }
        Some("aws:kms") => {}
        Some(other) => return Err(bad_value(other, "AWS_SERVER_ENC_MODE")),
    }
    for flag in ["AWS_USE_PATH_STYLE", "AWS_SKIP_CHECKSUM", "AWS_SKIP_TLS_VERIFY"] {
        if let Some(value) = uri.param(flag).filter(|v| !["true", "false"].contains(v)) {
            return Err(bad_value(value, flag));
        }
    }
    Ok(())
}

fn check_gs(uri: &ExternalUri) -> Result<()> {
    need_host(uri, "gs", "bucket")?;
    known(uri, "GS", GS)?;
    if uri.param("ASSUME_ROLE").is_some() {
        return Err(Error::unsupported("ASSUME_ROLE in a gs URI"));
    }
    match uri.param(AUTH) {
        None | Some("default") | Some(AUTH_IMPLICIT) => Ok(()),
        Some(AUTH_SPECIFIED) if uri.param("BEARER_TOKEN").is_some() => Ok(()),
        Some(AUTH_SPECIFIED) => need_with_specified(uri, "CREDENTIALS"),
        Some(other) => Err(bad_value(other, AUTH)),
    }
}

fn check_azure(uri: &ExternalUri) -> Result<()> {
    need_host(uri, "azure", "container")?;
    known(uri, "Azure", AZURE)?;
    let need = |name: &str| match uri.param(name) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("azure URI must have the parameter {name}"))),
    };
    need("AZURE_ACCOUNT_NAME")?;
    match uri.param(AUTH) {
        Some(AUTH_IMPLICIT) => Ok(()),
        None | Some(AUTH_SPECIFIED) if uri.param("AZURE_CLIENT_ID").is_some() => {
            need("AZURE_CLIENT_SECRET")?;
            need("AZURE_TENANT_ID")
        }
        None | Some(AUTH_SPECIFIED) => need("AZURE_ACCOUNT_KEY"),
        Some(other) => Err(bad_value(other, AUTH)),
    }
}

fn check_node(uri: &ExternalUri) -> Result<()> {
    match uri.host() {
        "self" => Ok(()),
        host => match host.parse::<u32>() {
            // Node 0 is the old way of writing `self`, and this server is node 1.
            Ok(0 | 1) => Ok(()),
            Ok(node) => Err(invalid(format!("node {node} does not exist"))
                .with_hint("Write nodelocal://1/... or nodelocal://self/...")),
            Err(_) => Err(invalid("host component of nodelocal URI must be a node ID or \"self\"")
                .with_hint("Write nodelocal://1/path.")),
        },
    }
}

fn need_host(uri: &ExternalUri, scheme: &str, what: &str) -> Result<()> {
    if uri.host().is_empty() {
        let message = format!("empty host component; {scheme} URI must specify a target {what}");
        return Err(invalid(message));
    }
    path::clean(uri.path()).map(|_| ())
}

fn need_with_specified(uri: &ExternalUri, name: &str) -> Result<()> {
    match uri.param(name) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("{AUTH} is set to '{AUTH_SPECIFIED}', but {name} is not set"))
            .with_hint("AUTH=implicit uses the credentials of the server.")),
    }
}

pub(super) fn bad_value(value: &str, name: &str) -> Error {
    invalid(format!("unsupported value {} for {name}", value.escape_debug()))
}

fn known(uri: &ExternalUri, kind: &str, names: &[&str]) -> Result<()> {
    let unknown: Vec<&str> = uri
        .params()
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != LOCALITY && !names.contains(name))
        .map(|name| if looks_like_a_name(name) { name } else { "(not shown)" })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("unknown {kind} query parameters: {}", unknown.join(", "))).with_hint(
        "Percent-encode the values; an unencoded \"&\" inside a value begins another parameter.",
    ))
}

/// Whether an unknown parameter may be repeated in a message: the tail of a secret with an
/// unencoded `&` looks like a parameter too, but hardly like a name.
pub(super) fn looks_like_a_name(name: &str) -> bool {
    let word = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    word && (name.contains('_') || !name.bytes().any(|b| b.is_ascii_lowercase()))
}
