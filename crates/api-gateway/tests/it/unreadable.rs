//! Configuration that a gateway cannot read, for example because its encryption key is missing.

use std::sync::Arc;

use ig_proto::v1::alert_service_server::{AlertService, AlertServiceServer};
use ig_proto::v1::{RaiseRequest, RaiseResponse, ResolveRequest, ResolveResponse};
use ig_service::config::GrpcConfig;
use ig_service::grpc::Services;
use ig_service::{Context, Stop};
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually;
use parking_lot::Mutex;
use serde_json::json;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::api::{Api, integration_with, merged, minimal_integration};
use crate::runtime::{gateway, inbound};

/// An alerter that records the raised alerts.
#[derive(Clone, Default)]
struct Alerter(Arc<Mutex<Vec<RaiseRequest>>>);

#[tonic::async_trait]
impl AlertService for Alerter {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        self.0.lock().push(request.into_inner());
        Ok(Response::new(RaiseResponse { told: true }))
    }

    async fn resolve(&self, _: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        Ok(Response::new(ResolveResponse { resolved: true }))
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

/// A gateway on the same database with another key.
async fn with_another_key(api: &Api, alerter: String) -> Api {
    Api::start_with(Arc::clone(&api.database), |config| {
        config.services.alerter = alerter;
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
        config.secrets.keys = vec!["other:HwAeAR0CHAMbBBoFGQYYBxcIFgkVChQLEwwSDREOEA8=".to_owned()];
    })
    .await
}

#[tokio::test]
async fn unreadable_item_is_out_of_use_while_all_others_stay_current() {
    let target = Receiver::start();
    let api = gateway(|_| {}).await;
    api.org(10).await;
    let secret = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    let id = inbound(&api, &target.url("/"), secret.clone()).await;
    let outbound = api.integration(10, integration_with(secret.clone())).await;

    // The gateway becomes ready although it can read neither item.
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

    // The other gateway's changes are unreadable here, and later changes still arrive.
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
async fn unreadable_organisation_of_a_later_version_blocks_no_other() {
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

    let other = Api::start_with(Arc::clone(&api.database), |config| {
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

#[tokio::test]
async fn unreadable_items_are_listed_and_can_be_replaced_and_deleted() {
    let target = Receiver::start();
    let api = gateway(|_| {}).await;
    api.org(10).await;
    let secret = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    let call = merged(
        json!({"type": "sealed", "name": "Sealed", "targetUrl": target.url("/")}),
        secret.clone(),
    );
    let job = merged(
        secret.clone(),
        json!({
            "name": "Sealed", "schedule": {"type": "CRON", "expression": "0 9 * * *"}, "targetUrl": target.url("/"),
            "dataSource": {"type": "SQL", "query": "SELECT * FROM bills WHERE entity_rid = {{config.tenantId}}"},
        }),
    );
    let outbound = merged(integration_with(secret.clone()), json!({"name": "Sealed"}));
    let kinds = [
        ("outbound-integrations", "integrations", outbound, Some(minimal_integration())),
        ("inbound-integrations", "integrations", call, None),
        ("scheduled-jobs", "jobs", job, None),
    ];
    let other = with_another_key(&api, Alerter::default().serve().await).await;
    for (kind, plural, sealed, readable) in kinds {
        let all = format!("/{kind}?orgId=10");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let mut one = sealed.clone();
            if kind == "inbound-integrations" {
                one["type"] = json!(format!("sealed-{}", ids.len()));
            }
            let made = api.post(&all, one).await;
            assert_eq!(made.status, 201, "{made:?}");
            ids.push(made.text("/id"));
        }
        ids.sort_unstable();
        if let Some(readable) = &readable {
            assert_eq!(other.post(&all, readable.clone()).await.status, 201);
        }

        let listed = other.get(&all).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        assert_eq!(listed.json["total"], json!(2 + usize::from(readable.is_some())));
        let shown = listed.json[plural].as_array().expect("a list").len();
        assert_eq!(shown, usize::from(readable.is_some()), "{listed:?}");
        for (at, id) in ids.iter().enumerate() {
            let named = &listed.json["unreadable"][at];
            assert_eq!((&named["id"], &named["name"]), (&json!(id), &json!("Sealed")), "{listed:?}");
            assert!(
                named["reason"].as_str().expect("a reason").contains("replace it"),
                "{listed:?}"
            );
        }
        assert!(api.get(&all).await.json["unreadable"].is_null(), "who has the key reads them");

        let path = |id: &str| format!("/{kind}/{id}?orgId=10");
        for refused in [
            other.get(&path(&ids[0])).await,
            other.patch(&path(&ids[0]), json!({"name": "B"})).await,
        ] {
            assert_eq!(
                (refused.status, refused.text("/code")),
                (422, "UNREADABLE".to_owned()),
                "{refused:?}"
            );
            assert!(refused.text("/error").contains(&ids[0]), "{refused:?}");
        }
        assert_eq!(other.delete(&path(&ids[1])).await.status, 204);
        assert_eq!(other.get(&path(&ids[1])).await.status, 404);

        let mut anew = sealed.clone();
        if kind == "inbound-integrations" {
            anew["type"] = json!("anew");
        }
        if kind != "scheduled-jobs" {
            anew["outgoingAuthConfig"]["token"] = json!("********");
            let masked = other.put(&path(&ids[0]), anew.clone()).await;
            assert_eq!(masked.status, 400, "a mask stands for nothing that is known: {masked:?}");
            anew["outgoingAuthConfig"]["token"] = json!("another");
        }
        let replaced = other.put(&path(&ids[0]), anew).await;
        assert_eq!(replaced.status, 200, "{replaced:?}");
        let read = other.get(&path(&ids[0])).await;
        assert_eq!((read.status, read.text("/id")), (200, ids[0].clone()), "{read:?}");
        assert!(other.get(&all).await.json["unreadable"].is_null());
    }
}

#[tokio::test]
async fn rollback_of_an_unreadable_item_replaces_it_and_is_answered() {
    let api = gateway(|_| {}).await;
    api.org(10).await;
    let secret = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken"}});
    let id = api.integration(10, integration_with(secret.clone())).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let first = api.get(&path).await.json["revision"].as_u64().unwrap();

    let other = with_another_key(&api, Alerter::default().serve().await).await;
    let replaced = other.put(&path, integration_with(secret)).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(api.get(&path).await.status, 422);

    let versions = format!("/versions/outbound-integrations/{id}");
    let rolled = api.post(&format!("{versions}/{first}/rollback?orgId=10"), json!({})).await;
    assert_eq!(rolled.status, 200, "{rolled:?}");
    let now = api.get(&path).await;
    assert_eq!(now.status, 200, "{now:?}");
    let revision = now.json["revision"].as_u64().unwrap();
    let shown = api.get(&format!("{versions}/{revision}?orgId=10")).await;
    assert_eq!(shown.status, 200, "{shown:?}");
}

#[tokio::test]
async fn unreadable_items_without_secrets_refuse_partial_changes_and_hide_no_other() {
    let api = gateway(|_| {}).await;
    api.org(10).await;
    api.org(20).await;
    api.unit(20, 21).await;
    let event_type = json!({"eventType": "order"});
    assert_eq!(api.post("/event-types?orgId=20", event_type.clone()).await.status, 201);
    let template = json!({"name": "T", "direction": "OUTBOUND", "definition": {"name": "From a template"}});
    let made = api.post("/templates?orgId=20", template.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for collection in ["organizations", "org_units"] {
        api.database
            .set_text(collection, 20, "tags", "a text, where there was a list")
            .await;
    }
    api.database
        .set_text("event_types", 20, "validation", "in-a-way-that-is-yet-to-come")
        .await;
    api.database.set_text("templates", 20, "definition", "no document").await;

    let template_path = format!("/templates/{}?orgId=20", made.text("/id"));
    let organization = json!({"orgId": 20, "name": "Anew"});
    let kinds = [
        ("/admin/orgs", "/admin/orgs/20", organization),
        (
            "/admin/orgs/20/units",
            "/admin/orgs/20/units/21",
            json!({"rid": 21, "name": "Anew"}),
        ),
        ("/event-types?orgId=20", "/event-types/order?orgId=20", event_type),
        ("/templates?orgId=20", template_path.as_str(), template),
    ];
    let partial = [
        api.put("/ui-config?orgId=20", json!({"theme": "dark"})).await,
        api.put("/admin/rate-limits/20", json!({"managementPerMinute": 5})).await,
        api.get("/admin/rate-limits/20").await,
        api.get("/tenant?orgId=20").await,
        api.put("/field-schemas/order?orgId=20", json!({"schema": {"type": "object"}}))
            .await,
        api.delete("/field-schemas/order?orgId=20").await,
    ];
    for refused in partial {
        assert_eq!(
            (refused.status, refused.text("/code")),
            (422, "UNREADABLE".to_owned()),
            "{refused:?}"
        );
    }
    for list in ["/admin/rate-limits", "/tenant/units?orgId=20", "/field-schemas?orgId=20"] {
        let listed = api.get(list).await;
        assert_eq!(
            (listed.status, listed.json["unreadable"].as_array().map(Vec::len)),
            (200, Some(1)),
            "{listed:?}"
        );
    }
    for (list, path, anew) in kinds {
        let listed = api.get(list).await;
        assert_eq!(
            (listed.status, listed.json["unreadable"].as_array().map(Vec::len)),
            (200, Some(1)),
            "{listed:?}"
        );
        for refused in [api.get(path).await, api.patch(path, json!({"description": "d"})).await] {
            assert_eq!(
                (refused.status, refused.text("/code")),
                (422, "UNREADABLE".to_owned()),
                "{refused:?}"
            );
        }
        let replaced = api.put(path, anew).await;
        assert_eq!(replaced.status, 200, "{path}: {replaced:?}");
        let listed = api.get(list).await;
        assert!(listed.json["unreadable"].is_null(), "{listed:?}");
    }
}
