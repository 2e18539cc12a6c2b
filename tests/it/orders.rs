//! Orders for single deliveries: a worker completes and records an order even when its caller disconnects.

use std::time::Duration;

use bytes::Bytes;
use ig_core::delivery_command::DeliveryCommand;
use ig_core::delivery_log::TriggerType;
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, Rid, SourceId};
use ig_core::message::MessageId;
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_service::config::GrpcConfig;
use ig_service::grpc::channel;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;
use tonic::{Code, Request};

use crate::setup::{ORG, setup_for_orders, setup_for_orders_within};

/// Longer than the callers in these tests wait.
const SLOW: Duration = Duration::from_secs(3);

fn order(integration: &str, event: &str) -> DeliveryCommand {
    let integration: IntegrationId = integration.parse().expect("an id");
    let (source, event) = (SourceId::new("manual"), EventId::new(event));
    DeliveryCommand {
        org_id: OrgId(ORG),
        integration,
        action_index: 0,
        message_id: MessageId::derive(&source, &event, integration, 0),
        source,
        event_id: event,
        event_type: EventType::new("lab"),
        entity_rid: Rid(ORG),
        event_created_at: Some(chrono::Utc::now()),
        payload: Bytes::from_static(b"{}"),
        trigger: TriggerType::Manual,
        claim_id: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_executed_once_and_recorded_after_its_caller_disconnects() {
    let setup = setup_for_orders().await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(200).after(SLOW));
    let id = api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    let client = channel(&setup.stack.worker_grpc(), &GrpcConfig::default()).expect("a channel");
    let client = DeliveryServiceClient::new(client);
    let order = order(&id, "e-1");
    eventually("the worker knows the integration, and its caller leaves", async || {
        let mut request = Request::new(DeliverRequest::from(&order));
        request.set_timeout(Duration::from_millis(300));
        let left = client.clone().deliver(request).await.expect_err("it takes longer");
        left.code() == Code::DeadlineExceeded
    })
    .await;
    let again = client.clone().deliver(DeliverRequest::from(&order)).await.expect("an answer");
    assert_eq!(
        again.into_inner().response_status,
        Some(200),
        "whoever comes again has the end of the first"
    );
    assert_eq!(setup.receiver.count(), 1);
    let logs = api.list(ORG, "logs", "logs", "").await;
    assert!(logs.len() == 1 && logs[0]["status"] == "SUCCESS", "{logs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_integration_test_is_reported_as_pending_and_runs_every_action() {
    let setup = setup_for_orders_within(&[
        ("IG__HTTP__REQUEST_TIMEOUT_MS", "2500"),
        ("IG__HTTP__BODY_TIMEOUT_MS", "1000"),
    ])
    .await;
    let api = &setup.stack.api;
    let url = |path: &str| setup.receiver.url(path);
    setup.receiver.always("/slow", Answer::status(200).after(SLOW));
    let actions = json!({"actions": [
        {"name": "quick", "targetUrl": url("/quick")},
        {"name": "slow", "targetUrl": url("/slow")},
        {"name": "last", "targetUrl": url("/last")},
    ]});
    let id = api.integration(ORG, "lab", &url("/"), actions).await;
    let mut tested = json!(null);
    eventually("the worker knows the integration", async || {
        let path = format!("/outbound-integrations/{id}/test?orgId={ORG}");
        let answer = api.call(http::Method::POST, &path, Some(&json!({"payload": {}}))).await;
        tested = answer.body;
        answer.status == http::StatusCode::OK
    })
    .await;
    let outcomes: Vec<_> = [0, 1, 2].map(|at| tested["results"][at]["outcome"].as_str()).to_vec();
    assert_eq!(outcomes, [Some("DELIVERED"), Some("PENDING"), Some("PENDING")], "{tested}");
    eventually("all actions are made and logged", async || {
        let logs = api.list(ORG, "logs", "logs", "").await;
        logs.len() == 3 && logs.iter().all(|log| log["status"] == "SUCCESS")
    })
    .await;
    for at in 0..3 {
        let log = tested["results"][at]["logId"].as_str().expect("a log");
        let log = api.get(&format!("/logs/{log}?orgId={ORG}")).await;
        assert_eq!(log["status"], "SUCCESS", "{log}");
    }
    assert_eq!(setup.receiver.count(), 3);
}
