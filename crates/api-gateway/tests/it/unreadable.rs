//! Configuration that a gateway cannot read, such as secrets under a key that is gone.

use std::sync::Arc;

use ig_proto::v1::alert_service_server::{AlertService, AlertServiceServer};
use ig_proto::v1::{RaiseRequest, RaiseResponse};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually;
use parking_lot::Mutex;
use serde_json::json;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::api::{Api, with};
use crate::runtime::{gateway, inbound};

/// An alerter that notes what is raised.
#[derive(Clone, Default)]
struct Alerter(Arc<Mutex<Vec<RaiseRequest>>>);

#[tonic::async_trait]
impl AlertService for Alerter {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        self.0.lock().push(request.into_inner());
        Ok(Response::new(RaiseResponse { told: true }))
    }
}

impl Alerter {
    async fn serve(&self) -> String {
        let services = Services::new(Routes::new(AlertServiceServer::new(self.clone())));
        let context = Context::new("alerter", &Stop::new());
        context
            .serve_grpc(&GrpcConfig::default(), services)
            .await
            .unwrap()
            .to_string()
    }
}

/// A gateway on the same database that has another key.
async fn with_another_key(api: &Api, alerter: String) -> Api {
    Api::with(Arc::clone(&api.database), |config| {
        config.services.alerter = alerter;
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
        config.secrets.keys = vec!["other:HwAeAR0CHAMbBBoFGQYYBxcIFgkVChQLEwwSDREOEA8=".to_owned()];
    })
    .await
}

#[tokio::test]
async fn one_item_that_cannot_be_read_is_out_of_use_and_all_others_are_followed() {
    let target = Receiver::start();
    let api = gateway(|_| {}).await;
    api.org(10).await;
    let secret = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    let id = inbound(&api, &target.url("/"), secret.clone()).await;
    let outbound = api.integration(10, with(secret.clone())).await;

    // It becomes ready though it can read neither.
    let alerter = Alerter::default();
    let other = with_another_key(&api, alerter.serve().await).await;
    let refused = other.post("/integrations/t?orgId=10", json!({})).await;
    assert_eq!((refused.status, target.count()), (503, 0), "{refused:?}");
    assert!(refused.text("/error").contains("cannot be read"), "{refused:?}");
    eventually("both are told of", async || {
        let raised = alerter.0.lock();
        let is_told = |id: &str| {
            raised
                .iter()
                .any(|alert| alert.key == id && alert.kind == "configuration-unreadable")
        };
        is_told(&id) && is_told(&outbound)
    })
    .await;

    // What it writes is unreadable here, and what comes after that is followed.
    let theirs = json!({
        "type": "u", "name": "U", "targetUrl": target.url("/"),
        "outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"},
    });
    assert_eq!(other.post("/inbound-integrations?orgId=10", theirs).await.status, 201);
    eventually("the unreadable one is out of use", async || {
        api.post("/integrations/u?orgId=10", json!({})).await.status == 503
    })
    .await;
    assert_eq!(api.post("/integrations/t?orgId=10", json!({})).await.status, 200);
    let path = format!("/inbound-integrations/{id}/disable?orgId=10");
    assert_eq!(api.post(&path, json!({})).await.status, 200);
    assert_eq!(
        api.post("/integrations/t?orgId=10", json!({})).await.status,
        404,
        "it is switched off"
    );
    assert_eq!(target.count(), 1);
}

#[tokio::test]
async fn what_a_later_version_wrote_of_one_organisation_keeps_no_other_from_being_served() {
    let target = Receiver::start();
    let api = gateway(|_| {}).await;
    api.org(10).await;
    api.org(20).await;
    api.unit(20, 21).await;
    inbound(&api, &target.url("/"), json!({})).await;
    let event_type = json!({"eventType": "order", "schema": {"type": "object"}, "validation": "reject"});
    assert_eq!(api.post("/event-types?orgId=20", event_type).await.status, 201);
    api.database
        .set_text("event_types", 20, "validation", "in-a-way-that-is-yet-to-come")
        .await;
    for collection in ["organizations", "org_units"] {
        api.database
            .set_text(collection, 20, "tags", "a text, where there was a list")
            .await;
    }

    let other = Api::with(Arc::clone(&api.database), |config| {
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    assert_eq!(other.post("/integrations/t?orgId=10", json!({})).await.status, 200);
    api.org(30).await;
    eventually("what comes after is followed", async || {
        other.get("/outbound-integrations?orgId=30").await.status == 200
    })
    .await;
    let event = json!({"eventType": "order", "entityRid": 21, "payload": {"a": 1}});
    let pushed = other.post("/events?orgId=20", event).await;
    assert_eq!(pushed.status, 202, "its events are accepted: {pushed:?}");
}
