//! The management API, as a client sees it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(2);

/// A client with a key.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    proof: (&'static str, String),
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A response with its body as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body; null where it is not JSON.
    pub(crate) body: Value,
}

impl Api {
    /// A client of the gateway at `base`, such as `http://127.0.0.1:4000`.
    pub(crate) fn new(base: String, key: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            base,
            proof: ("x-api-key", key.to_owned()),
            client,
        }
    }

    /// The same client with another key.
    pub(crate) fn keyed(&self, key: &str) -> Self {
        let proof = ("x-api-key", key.to_owned());
        Self { proof, ..self.clone() }
    }

    /// The same client with a person's token.
    pub(crate) fn bearing(&self, token: &str) -> Self {
        let proof = ("authorization", format!("Bearer {token}"));
        Self { proof, ..self.clone() }
    }

    /// Calls a route below `/api/v1`.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .header(self.proof.0, &self.proof.1)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        self.answer(request).await
    }

    /// Calls a route below `/api/v1` with headers and a verbatim JSON body.
    pub(crate) async fn call_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .header(self.proof.0, &self.proof.1)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(
            request
                .body(Full::new(Bytes::from_static(body.as_bytes())))
                .expect("a request"),
        )
        .await
    }

    /// The gateway's address, such as `127.0.0.1:4000`.
    pub(crate) fn authority(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    /// The client's key or token.
    pub(crate) fn key(&self) -> &str {
        &self.proof.1
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Answer {
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request))
            .await
            .expect("an answer in time");
        let (parts, body) = answer.expect("an answer").into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// Reads a route that must exist.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Creates a resource that must be accepted.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(Method::POST, path, Some(body)).await;
        assert!(answer.status.is_success(), "POST {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// Creates an organisation.
    pub(crate) async fn org(&self, org: i64) {
        self.post("/admin/orgs", &json!({"orgId": org, "name": format!("Hospital {org}")}))
            .await;
    }

    /// Creates a unit.
    pub(crate) async fn unit(&self, org: i64, rid: i64) {
        self.post(
            &format!("/admin/orgs/{org}/units"),
            &json!({"rid": rid, "name": format!("Unit {rid}")}),
        )
        .await;
    }

    /// Creates an outbound integration and returns its identifier.
    pub(crate) async fn integration(&self, org: i64, event_type: &str, url: &str, more: Value) -> String {
        let mut body = json!({"name": format!("{event_type} to {url}"), "eventType": event_type, "targetUrl": url});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let made = self.post(&format!("/outbound-integrations?orgId={org}"), &body).await;
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The items of a list, such as `logs` of `/logs`.
    pub(crate) async fn list(&self, org: i64, resource: &str, plural: &str, query: &str) -> Vec<Value> {
        let body = self.get(&format!("/{resource}?orgId={org}&limit=500{query}")).await;
        body[plural]
            .as_array()
            .unwrap_or_else(|| panic!("{plural} in {body}"))
            .clone()
    }

    /// The response status of a URL, if it responds.
    pub(crate) async fn status_of(url: &str) -> Option<u16> {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = tokio::time::timeout(Duration::from_secs(2), client.get(url.parse().expect("a URL")));
        answer.await.ok()?.ok().map(|answer| answer.status().as_u16())
    }

    /// The response text of a URL.
    pub(crate) async fn text_of(url: &str) -> String {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.get(url.parse().expect("a URL")).await.expect("an answer");
        let bytes = answer.into_body().collect().await.expect("a whole body").to_bytes();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
