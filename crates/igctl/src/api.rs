//! A client of the gateway's HTTP API.

use anyhow::{Context as _, bail};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// A client of one gateway, with one key.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    base: String,
    key: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Api {
    /// A client of the gateway at `http`, such as `http://127.0.0.1:4000`.
    pub(crate) fn new(http: &str, key: &str) -> Self {
        Self {
            base: format!("{http}/api/v1"),
            key: key.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(connector()),
        }
    }

    /// Reads a path; `None` if it is not found.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Option<Value>> {
        match self.exchange(Method::GET, path, None).await? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) => parse_response(&Method::GET, path, status, &body).map(Some),
        }
    }

    /// Sends a body; any status but a success is an error.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let (status, response_body) = self.exchange(method.clone(), path, Some(body)).await?;
        parse_response(&method, path, status, &response_body)
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<(StatusCode, Bytes)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-api-key", &self.key)
            .body(Full::from(body))?;
        let response = self.client.request(request).await.context("the gateway does not answer")?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Plain HTTP, or TLS with the platform's trust roots.
fn connector() -> HttpsConnector<HttpConnector> {
    let mut roots = RootCertStore::empty();
    // A missing root shows as a failed handshake.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .build()
}

fn parse_response(method: &Method, path: &str, status: StatusCode, body: &Bytes) -> anyhow::Result<Value> {
    if !status.is_success() {
        bail!("{method} {path} was answered {status}: {}", String::from_utf8_lossy(body));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).with_context(|| format!("{method} {path} was not answered with JSON"))
}
