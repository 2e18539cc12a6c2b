//! A gateway per test, and a client for it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ig_api_gateway::{Addresses, Config};
use ig_core::id::OrgId;
use ig_service::config::Secret;
use ig_service::{Context, Stop};
use ig_store::{MongoConfig, SecretSealer, Store};
use ig_testkit::mongo::{TestDatabase, database};
use serde_json::{Value, json};

pub(crate) const ADMIN_KEY: &str = "admin-key-of-this-test-run";

/// A running gateway and a client with one key.
pub(crate) struct Api {
    pub(crate) at: Addresses,
    pub(crate) context: Context,
    pub(crate) database: Arc<TestDatabase>,
    credential: (&'static str, String),
    client: Client<HttpConnector, Body>,
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) bytes: Bytes,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_on(Arc::new(database())).await
    }

    /// Starts another gateway on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::start_on(Arc::clone(&self.database)).await
    }

    pub(crate) async fn start_on(database: Arc<TestDatabase>) -> Self {
        Self::start_with(database, |_| {}).await
    }

    pub(crate) async fn start_with(database: Arc<TestDatabase>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&database);
        change(&mut config);
        let context = Context::new("api-gateway", &Stop::new());
        let at = ig_api_gateway::run(config, context.clone()).await.unwrap();
        tokio::time::timeout(Duration::from_mins(4), context.readiness().ready())
            .await
            .expect("ready");
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            at,
            context,
            database,
            credential: ("x-api-key", ADMIN_KEY.to_owned()),
            client,
        }
    }

    /// A client of the same gateway with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        self.with_credential("x-api-key", key.to_owned())
    }

    /// A client of the same gateway with a person's token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.with_credential("authorization", format!("Bearer {token}"))
    }

    fn with_credential(&self, header: &'static str, value: String) -> Self {
        Self {
            at: self.at,
            context: self.context.clone(),
            database: Arc::clone(&self.database),
            credential: (header, value),
            client: self.client.clone(),
        }
    }

    pub(crate) async fn store(&self) -> Store {
        let config = config(&self.database);
        Store::connect(&config.mongodb, SecretSealer::new(&config.secrets).unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn stop(&self) {
        self.context.drain(Duration::from_secs(10)).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path), Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path), Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.json("PUT", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, body).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request, Body::from(body.to_string())).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let uri = format!("http://{}/api/v1{path}", self.at.http);
        Request::builder()
            .method(method)
            .uri(uri)
            .header(self.credential.0, &self.credential.1)
    }

    pub(crate) async fn send(&self, request: http::request::Builder, body: Body) -> Answer {
        let response = self.client.request(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
            bytes,
        }
    }

    /// Uploads a file.
    pub(crate) async fn upload(&self, path: &str, kind: &str, file: impl Into<Bytes>) -> Answer {
        let request = self.request("POST", path).header("content-type", kind);
        self.send(request, Body::from(file.into())).await
    }

    /// Creates an organisation.
    pub(crate) async fn org(&self, org: i64) {
        let made = self
            .post("/admin/orgs", json!({"orgId": org, "name": format!("Org {org}")}))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Creates a unit.
    pub(crate) async fn unit(&self, org: i64, rid: i64) {
        let made = self
            .post(
                &format!("/admin/orgs/{org}/units"),
                json!({"rid": rid, "name": format!("Unit {rid}")}),
            )
            .await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Creates an integration and returns its id.
    pub(crate) async fn integration(&self, org: i64, body: Value) -> String {
        let made = self.post(&format!("/outbound-integrations?orgId={org}"), body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.text("/id")
    }
}

impl Answer {
    pub(crate) fn text(&self, pointer: &str) -> String {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {self:?}"))
            .to_owned()
    }

    /// The pointers of all faults, sorted.
    pub(crate) fn faults(&self) -> Vec<&str> {
        let details = self.json["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut pointers: Vec<_> = details.iter().filter_map(|detail| detail["pointer"].as_str()).collect();
        pointers.sort_unstable();
        pointers
    }
}

/// A minimal integration.
pub(crate) fn minimal_integration() -> Value {
    json!({"name": "Hook", "eventType": "order", "targetUrl": "https://receiver.invalid/hook"})
}

/// [`minimal_integration`] with the given fields.
pub(crate) fn integration_with(fields: Value) -> Value {
    merged(minimal_integration(), fields)
}

/// A document with some fields replaced.
pub(crate) fn merged(mut document: Value, fields: Value) -> Value {
    let (Some(object), Value::Object(fields)) = (document.as_object_mut(), fields) else {
        panic!("objects")
    };
    object.extend(fields);
    document
}

fn config(database: &TestDatabase) -> Config {
    let mongodb = MongoConfig {
        uri: database.uri.clone(),
        database: database.name.clone(),
        ..MongoConfig::default()
    };
    let mut config = Config {
        mongodb,
        ..Config::default()
    };
    config.secrets.keys = vec!["test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()];
    config.http.listen.set_port(0);
    config.http.drain_ms = 0;
    config.grpc.listen.set_port(0);
    // The test executable cannot act as a script worker.
    config.scripts.worker_program = Some(env!("CARGO_BIN_EXE_ig-api-gateway").into());
    config.scripts.workers = Some(1);
    // Limits would count across a whole test.
    config.rate_limit.global_per_minute = 0;
    config.rate_limit.org_per_minute = 0;
    config.rate_limit.org_runtime_per_minute = 0;
    config.auth.failed_logins_per_address = 0;
    config.bootstrap.api_key = Some(Secret::new(ADMIN_KEY));
    config
}

/// Creates a key with every right in one organisation.
pub(crate) async fn key_for(api: &Api, org: OrgId) -> String {
    key(
        api,
        json!({"name": "test", "orgId": org.0, "scopes": ["read", "write", "events", "runtime"]}),
    )
    .await
}

/// Creates a key.
pub(crate) async fn key(api: &Api, body: Value) -> String {
    let made = api.post("/admin/api-keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/key")
}

/// The password of every test user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Creates a person and returns their id.
pub(crate) async fn user(api: &Api, email: &str, fields: Value) -> String {
    let mut body = json!({"email": email, "role": "USER", "password": PASSWORD});
    let (Some(object), Value::Object(fields)) = (body.as_object_mut(), fields) else {
        panic!("objects")
    };
    object.extend(fields);
    let made = api.post("/admin/users", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/id")
}

/// Logs a person in and returns their token.
pub(crate) async fn log_in(api: &Api, email: &str) -> String {
    let begun = api.post("/auth/login", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    begun.text("/token")
}
