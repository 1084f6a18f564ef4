//! Master keys in Amazon's key management service: two signed requests and no more.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::bridge::Bridge;
use super::failure::Secrets;
use super::kms::{KmsUri, MasterKey};
use super::objects::is_plain_http;
use super::uri::invalid;
use crate::error::{Error, Result, sqlstate};

/// Answers are a few hundred bytes; more is not the service's.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A key of the service, by its id, ARN or alias.
pub(super) struct AwsKey {
    uri: KmsUri,
    /// The region belongs to it: an alias is another key elsewhere.
    id: String,
    bridge: Bridge,
    secrets: Secrets,
}

/// What one request needs; it is sent on another thread.
struct Request {
    action: &'static str,
    body: String,
    endpoint: String,
    region: String,
    /// `None`: the server's own.
    credential: Option<Arc<AwsCredential>>,
}

impl AwsKey {
    pub(super) fn new(uri: KmsUri, bridge: Bridge) -> Result<AwsKey> {
        let region = uri.param("REGION").unwrap_or_default();
        let id = format!("aws:{region}:{}", uri.key);
        let secrets = Secrets::new(uri.secrets());
        Ok(AwsKey { id, secrets, bridge, uri })
    }

    /// Sends a request and gives one field of the answer, decoded.
    fn ask(
        &self,
        action: &'static str,
        body: Value,
        field: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let param = |name: &str| self.uri.param(name).map(str::to_owned);
        let region = param("REGION").unwrap_or_default();
        let credential = (!self.uri.is_implicit()).then(|| {
            Arc::new(AwsCredential {
                key_id: param("AWS_ACCESS_KEY_ID").unwrap_or_default(),
                secret_key: param("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
                token: param("AWS_SESSION_TOKEN"),
            })
        });
        let endpoint =
            param("AWS_ENDPOINT").unwrap_or_else(|| format!("https://kms.{region}.amazonaws.com"));
        let request = Request { action, body: body.to_string(), endpoint, region, credential };
        let answer = self.bridge.run(request.send())?;
        match answer {
            Ok(answer) => {
                let text = answer.get(field).and_then(Value::as_str).unwrap_or_default();
                let bytes = STANDARD.decode(text).map(Zeroizing::new);
                bytes.ok().filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
                    Error::io("the key management service gave an answer without a key")
                })
            }
            Err(Refusal { kind, message }) => {
                let words = self.secrets.strike_out(&format!("{kind}: {message}"));
                let code = match kind.as_str() {
                    "AccessDeniedException"
                    | "UnrecognizedClientException"
                    | "InvalidSignatureException"
                    | "ExpiredTokenException" => sqlstate::INSUFFICIENT_PRIVILEGE,
                    "NotFoundException"
                    | "DisabledException"
                    | "InvalidCiphertextException"
                    | "IncorrectKeyException"
                    | "ValidationException"
                    | "KMSInvalidStateException" => sqlstate::INVALID_PARAMETER_VALUE,
                    _ => sqlstate::IO_ERROR,
                };
                Err(Error::new(
                    code,
                    format!("the key management service refused {}: {words}", self.shown(true)),
                ))
            }
        }
    }
}

/// The service's own words for a refusal.
struct Refusal {
    kind: String,
    message: String,
}

impl Request {
    async fn send(self) -> Result<std::result::Result<Value, Refusal>> {
        let credential = match &self.credential {
            Some(credential) => Arc::clone(credential),
            None => implicit(&self.region).await?,
        };
        let malformed = || invalid("the endpoint of the kms URI is malformed");
        let mut request = HttpRequest::new(HttpRequestBody::from(self.body.clone()));
        *request.method_mut() =
            "POST".parse().map_err(|_| Error::internal("POST is no method of HTTP"))?;
        let url = url::Url::parse(&self.endpoint).map_err(|_| malformed())?;
        *request.uri_mut() = url.as_str().parse().map_err(|_| malformed())?;
        for (name, value) in [
            ("x-amz-target", format!("TrentService.{}", self.action)),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
        ] {
            let value = value.parse().map_err(|_| Error::internal("a header is malformed"))?;
            request.headers_mut().insert(name, value);
        }
        AwsAuthorizer::new(&credential, "kms", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|_| invalid("the credentials of the kms URI are malformed"))?;
        let options = ClientOptions::new().with_allow_http(is_plain_http(&self.endpoint));
        let unreachable = |_| Error::io("the key management service cannot be reached");
        let client = ReqwestConnector::default()
            .connect(&options)
            .map_err(|_| Error::io("no client for the key management service"))?;
        let response = client.execute(request).await.map_err(unreachable)?;
        let good = response.status().is_success();
        let bytes = response.into_body().bytes().await.map_err(unreachable)?;
        let answer: Value = match bytes.get(..ANSWER_BYTES_MAX) {
            Some(_) => Value::Null,
            None => serde_json::from_slice(&bytes).unwrap_or_default(),
        };
        if good {
            return Ok(Ok(answer));
        }
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| answer.get(*name).and_then(Value::as_str));
            let shown = found.unwrap_or("no reason given").chars().filter(|c| !c.is_control());
            shown.take(200).collect::<String>()
        };
        let kind = text(["__type", "code"]);
        let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
        Ok(Err(Refusal { kind, message: text(["message", "Message"]) }))
    }
}

/// The server's own credentials, wherever the environment says that they are.
async fn implicit(region: &str) -> Result<Arc<AwsCredential>> {
    let refused = |_| {
        Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            "the server has no credentials for the key management service",
        )
    };
    // The builder wants a bucket; nothing is asked of it.
    let builder = AmazonS3Builder::from_env().with_region(region).with_bucket_name("none");
    builder.build().map_err(refused)?.credentials().get_credential().await.map_err(refused)
}

impl MasterKey for AwsKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn shown(&self, whole: bool) -> String {
        self.uri.shown(whole)
    }

    fn requires_admin(&self) -> bool {
        self.uri.is_implicit() || self.uri.param("AWS_ENDPOINT").is_some()
    }

    fn is_implicit(&self) -> bool {
        self.uri.is_implicit()
    }

    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>> {
        let text = Zeroizing::new(STANDARD.encode(key));
        let body = json!({ "KeyId": self.uri.key, "Plaintext": *text });
        Ok(self.ask("Encrypt", body, "CiphertextBlob")?.to_vec())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let body = json!({ "KeyId": self.uri.key, "CiphertextBlob": STANDARD.encode(wrapped) });
        self.ask("Decrypt", body, "Plaintext")
    }
}
