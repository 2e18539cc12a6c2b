//! A worker with failing deliveries, a retrier, an alerter, and an integration with a single attempt.

use http::{Method, StatusCode};
use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually_within;
use serde_json::{Value, json};

use super::SOON;
use crate::api::Api;
use crate::stack::{Process, Stack, port};

/// The tenant.
pub(crate) const ORG: i64 = 648;
/// Another tenant.
pub(crate) const OTHER_ORG: i64 = 649;

/// Everything that a retry needs.
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    pub(crate) worker: Process,
    pub(crate) retrier: Process,
    _alerter: Process,
    pub(crate) queue: TestQueue,
    pub(crate) receiver: Receiver,
    pub(crate) integration: String,
    pub(crate) mongo: TestDatabase,
}

impl Ground {
    /// Starts a retrier that polls when it is nudged and when a dead letter is due.
    pub(crate) async fn fresh() -> Self {
        Self::looking_every(3_600).await
    }

    /// Starts a retrier that polls every `seconds`.
    pub(crate) async fn looking_every(seconds: u64) -> Self {
        let (retrier_at, alerter_at) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));
        let addresses = [
            ("IG__SERVICES__DLQ_RETRIER", retrier_at.as_str()),
            ("IG__SERVICES__ALERTER", alerter_at.as_str()),
        ];
        let mongo = ig_testkit::mongo::database();
        let queue = ig_testkit::mysql::database().await;
        let stack = Stack::start_with(&mongo, &addresses).await;
        for org in [ORG, OTHER_ORG] {
            stack.api.org(org).await;
        }
        let receiver = Receiver::start();
        let once = json!({"retryCount": 1});
        let integration = stack.api.integration(ORG, "*", &receiver.url("/hook"), once).await;
        let worker_at = stack.worker_grpc();
        let worker = stack.worker_with(&queue, &[("IG__GRPC__LISTEN", &worker_at)]).await;
        let seconds = seconds.to_string();
        let looking = ("IG__DLQ__POLL_INTERVAL_SECONDS", seconds.as_str());
        let retrier = stack.spawn_service("ig-dlq-retrier", &[("IG__GRPC__LISTEN", &retrier_at), looking]);
        let alerter = stack.spawn_service("ig-alerter", &[("IG__GRPC__LISTEN", &alerter_at)]);
        for process in [&retrier, &alerter] {
            process.wait_until_ready().await;
        }
        Self {
            stack,
            worker,
            retrier,
            _alerter: alerter,
            queue,
            receiver,
            integration,
            mongo,
        }
    }

    /// Enables the integration after its breaker has opened, and waits until the worker knows.
    pub(crate) async fn enable(&self) {
        let path = format!("/outbound-integrations/{}/enable?orgId={ORG}", self.integration);
        self.api().post(&path, &json!({})).await;
        let url = self.receiver.url("/canary");
        self.api().integration(OTHER_ORG, "canary", &url, json!({})).await;
        eventually_within(SOON, "what was configured last is in force", async || {
            self.queue.insert(QueueRow::new(OTHER_ORG, "canary")).await;
            !self.receiver.requests_to("/canary").is_empty()
        })
        .await;
    }

    pub(crate) fn api(&self) -> &Api {
        &self.stack.api
    }

    /// Makes one delivery fail and returns the identifier of its dead letter.
    pub(crate) async fn failed(&self, payload: Value) -> String {
        self.queue.insert(QueueRow::new(ORG, "lab").json(&payload)).await;
        self.dead_letters(1).await.remove(0)
    }

    /// Makes `count` deliveries of one lane fail, numbered from 0, and returns the identifiers of their dead letters.
    pub(crate) async fn all_failed(&self, count: i64) -> Vec<String> {
        let rows = (0..count).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n})));
        self.queue.insert_many(rows).await;
        self.dead_letters(count as usize).await
    }

    async fn dead_letters(&self, count: usize) -> Vec<String> {
        let mut entries = Vec::new();
        eventually_within(SOON, "the dead letters are there", async || {
            entries = self.api().list(ORG, "dlq", "entries", "").await;
            entries.len() == count
        })
        .await;
        let ids = entries.iter().map(|entry| entry["id"].as_str().expect("an id").to_owned());
        ids.collect()
    }

    /// Reads a dead letter.
    pub(crate) async fn entry(&self, id: &str) -> Value {
        self.api().get(&format!("/dlq/{id}?orgId={ORG}")).await
    }

    /// Waits until a dead letter meets the condition, which `what` describes.
    pub(crate) async fn entry_when(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut entry = Value::Null;
        eventually_within(SOON, what, async || {
            entry = self.entry(id).await;
            is(&entry)
        })
        .await;
        entry
    }

    /// Requests a retry of a dead letter.
    pub(crate) async fn retry(&self, id: &str) -> StatusCode {
        let path = format!("/dlq/{id}/retry?orgId={ORG}");
        self.api().call(Method::POST, &path, None).await.status
    }

    /// The only delivery log, with its attempts.
    pub(crate) async fn one_log(&self) -> Value {
        let logs = self.api().list(ORG, "logs", "logs", "").await;
        assert_eq!(logs.len(), 1, "{logs:?}");
        let id = logs[0]["id"].as_str().expect("an id");
        self.api().get(&format!("/logs/{id}?orgId={ORG}")).await
    }

    /// Starts a redrive.
    pub(crate) async fn redrive(&self, filter: &Value) -> Value {
        self.api().post(&format!("/dlq/redrives?orgId={ORG}"), filter).await
    }

    /// Waits until a redrive meets the condition, which `what` describes.
    pub(crate) async fn redrive_when(&self, begun: &Value, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let id = begun["id"].as_str().expect("an id");
        let mut redrive = Value::Null;
        eventually_within(SOON * 4, what, async || {
            redrive = self.api().get(&format!("/dlq/redrives/{id}?orgId={ORG}")).await;
            is(&redrive)
        })
        .await;
        redrive
    }
}
