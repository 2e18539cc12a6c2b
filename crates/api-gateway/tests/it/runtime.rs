//! Inbound calls that the gateway proxies to an outside API: what arrives there, what the client receives, and what is logged.

mod failing;
mod hygiene;
mod lasting;
mod logging;
mod passing;
mod proof;
mod raw;
mod shaping;
mod shedding;
mod target;

use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ig_testkit::mongo::database;
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::{Answer, Api, merged};

pub(crate) const ORG: i64 = 10;

/// A gateway, a target, and the inbound integration `t` between them.
pub(crate) struct ProxyFixture {
    pub(crate) api: Api,
    pub(crate) target: Receiver,
    pub(crate) id: String,
}

impl ProxyFixture {
    /// Starts a gateway and a target with further fields of the integration.
    pub(crate) async fn open(fields: Value) -> Self {
        let target = Receiver::start();
        let url = target.url("/base");
        Self::between(target, &url, fields).await
    }

    /// The same, with the integration pointing to an address other than the target's.
    pub(crate) async fn towards(url: &str, fields: Value) -> Self {
        Self::between(Receiver::start(), url, fields).await
    }

    async fn between(target: Receiver, url: &str, fields: Value) -> Self {
        let api = gateway(|_| {}).await;
        api.org(ORG).await;
        let id = inbound(&api, url, fields).await;
        Self { api, target, id }
    }

    /// Sends a call with a JSON body.
    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.api.post("/integrations/t?orgId=10", body).await
    }

    /// Sends a call with the given headers.
    pub(crate) async fn call(&self, method: &str, rest: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = self.api.request(method, &format!("/integrations/t{rest}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.api.send(request, body.into()).await
    }

    /// Begins a call without a body and returns the streaming response.
    pub(crate) async fn begin(&self) -> http::Response<Incoming> {
        let request = self.api.request("GET", "/integrations/t?orgId=10");
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        client.request(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The only log.
    pub(crate) async fn log(&self) -> Value {
        self.logs(1).await.remove(0)
    }

    /// The logs in full, the latest first.
    pub(crate) async fn logs(&self, count: usize) -> Vec<Value> {
        let list = async || self.api.get("/logs?orgId=10&direction=INBOUND&limit=100").await;
        eventually(&format!("{count} logs"), async || {
            list().await.json["logs"].as_array().map(Vec::len) == Some(count)
        })
        .await;
        let mut logs = Vec::new();
        for listed in list().await.json["logs"].as_array().unwrap() {
            let id = listed["id"].as_str().unwrap();
            logs.push(self.api.get(&format!("/logs/{id}?orgId=10")).await.json);
        }
        logs
    }

    /// The dead letters.
    pub(crate) async fn letters(&self) -> Vec<Value> {
        let listed = self.api.get("/dlq?orgId=10").await;
        listed.json["entries"].as_array().cloned().unwrap_or_default()
    }
}

/// A gateway whose egress guard allows targets on this machine.
pub(crate) async fn gateway(change: impl FnOnce(&mut ig_api_gateway::Config)) -> Api {
    Api::start_with(Arc::new(database()), |config| {
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
        change(config);
    })
    .await
}

/// Creates the inbound integration `t` and returns its identifier.
pub(crate) async fn inbound(api: &Api, url: &str, fields: Value) -> String {
    let minimal = json!({"type": "t", "name": "T", "targetUrl": url, "retryCount": 3});
    let made = api.post("/inbound-integrations?orgId=10", merged(minimal, fields)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/id")
}
