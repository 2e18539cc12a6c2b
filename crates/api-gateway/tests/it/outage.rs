//! The database away.

use std::sync::Arc;

use ig_testkit::mongo::database_on;
use ig_testkit::servers::Mongo;
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such_and_comes_back() {
    let mut server = Mongo::start().await;
    let database = Arc::new(database_on(&server.uri()));
    let api = Api::with(database, |config| {
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
    ig_testkit::eventually("not ready", async || !api.context.readiness().is_ready()).await;
    server.restart().await;
    ig_testkit::eventually("it answers again", async || {
        api.get("/outbound-integrations?orgId=10").await.status == 200
    })
    .await;
}
