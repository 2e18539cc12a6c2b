//! A database outage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ig_testkit::eventually;
use ig_testkit::mongo::database_on;
use ig_testkit::receiver::Receiver;
use ig_testkit::servers::Mongo;
use serde_json::json;

use crate::api::{Answer, Api};
use crate::runtime::inbound;

/// Twice the promised time, for a busy machine.
const BOUND: Duration = Duration::from_secs(6);

/// A gateway on its own database, with rate limits, and a target that was called once.
struct OutageFixture {
    server: Mongo,
    api: Api,
    _target: Receiver,
}

impl OutageFixture {
    async fn new() -> Self {
        let server = Mongo::start().await;
        let api = Api::start_with(Arc::new(database_on(&server.uri())), |config| {
            config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
            config.rate_limit.global_per_minute = 100_000;
            config.rate_limit.org_per_minute = 100_000;
            config.rate_limit.org_runtime_per_minute = 100_000;
        })
        .await;
        api.org(10).await;
        let target = Receiver::start();
        let fields = json!({"logging": "BEST_EFFORT", "rateLimits": {"maxRequests": 100_000, "windowSeconds": 60}});
        inbound(&api, &target.url("/"), fields).await;
        let fixture = Self {
            server,
            api,
            _target: target,
        };
        assert_eq!(fixture.call().await.status, 200);
        assert_eq!(fixture.push().await.status, 202);
        fixture
    }

    async fn call(&self) -> Answer {
        timed(self.api.post("/integrations/t?orgId=10", json!({}))).await
    }

    async fn push(&self) -> Answer {
        let event = json!({"eventType": "order", "payload": {"a": 1}});
        timed(self.api.post("/events?orgId=10", event)).await
    }

    /// Sends many requests at once: those without a need for the database succeed, the others get an error, and none waits for
    /// long.
    async fn is_answered_without_a_database(&self) {
        let stranger = self.api.with_key("a-key-that-nobody-has-seen");
        let (calls, pushes, health, listed, dashboard, unknown) = tokio::join!(
            join_all((0..20).map(|_| self.call())),
            join_all((0..20).map(|_| self.push())),
            timed(self.api.get("/health")),
            timed(self.api.get("/outbound-integrations?orgId=10")),
            timed(self.api.get("/admin/dashboard")),
            timed(stranger.post("/integrations/t?orgId=10", json!({}))),
        );
        for called in calls {
            assert_eq!(called.status, 200, "{called:?}");
        }
        for answer in pushes.into_iter().chain([health, listed, dashboard, unknown]) {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        }
    }

    async fn assert_serving(&self) {
        eventually("all is served again", async || {
            self.push().await.status == 202 && self.call().await.status == 200 && self.api.get("/health").await.status == 200
        })
        .await;
    }
}

async fn timed(answer: impl Future<Output = Answer>) -> Answer {
    let began = Instant::now();
    let answer = answer.await;
    assert!(began.elapsed() < BOUND, "after {:?}: {answer:?}", began.elapsed());
    answer
}

#[tokio::test]
async fn requests_are_answered_soon_after_the_database_is_killed() {
    let mut fixture = OutageFixture::new().await;
    fixture.server.kill();
    fixture.is_answered_without_a_database().await;
    eventually("not ready", async || !fixture.api.context.readiness().is_ready()).await;
    fixture.is_answered_without_a_database().await;
    fixture.server.restart().await;
    fixture.assert_serving().await;
}

#[tokio::test]
async fn requests_are_answered_soon_after_the_database_freezes() {
    let fixture = OutageFixture::new().await;
    fixture.server.freeze();
    fixture.is_answered_without_a_database().await;
    eventually("not ready", async || !fixture.api.context.readiness().is_ready()).await;
    fixture.is_answered_without_a_database().await;
    fixture.server.thaw();
    fixture.assert_serving().await;
}

#[tokio::test]
async fn database_outage_is_reported_and_ends_by_itself() {
    let mut server = Mongo::start().await;
    let database = Arc::new(database_on(&server.uri()));
    let api = Api::start_with(database, |config| {
        config.mongodb.server_selection_timeout_ms = 500;
        config.mongodb.operation_timeout_ms = 1_000;
    })
    .await;
    api.org(10).await;
    server.kill();
    let away = api.get("/outbound-integrations?orgId=10").await;
    assert_eq!(
        (away.status, &away.json["code"]),
        (503, &json!("SERVICE_UNAVAILABLE")),
        "{away:?}"
    );
    assert!(away.headers.contains_key("retry-after"));
    eventually("not ready", async || !api.context.readiness().is_ready()).await;
    server.restart().await;
    eventually("it answers again", async || {
        api.get("/outbound-integrations?orgId=10").await.status == 200
    })
    .await;
}
