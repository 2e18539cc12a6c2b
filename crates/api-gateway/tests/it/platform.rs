//! What platform teams configure: limits of organisations and a gateway's settings. Also the settings of a console.

use std::sync::Arc;
use std::time::Duration;

use ig_core::id::OrgId;
use ig_testkit::mongo::database;
use serde_json::json;

use crate::api::{Api, key_for, user};

#[tokio::test]
async fn organisation_limit_overrides_the_platform_limit() {
    let api = Api::start_with(Arc::new(database()), |config| config.rate_limit.org_per_minute = 2).await;
    for org in [10, 20] {
        api.org(org).await;
    }
    let raised = api.put("/admin/rate-limits/10", json!({"managementPerMinute": 50})).await;
    assert_eq!(
        (raised.status, &raised.json["managementPerMinute"]),
        (200, &json!(50)),
        "{raised:?}"
    );
    let listed = api.get("/admin/rate-limits").await;
    assert_eq!(listed.json["platform"]["managementPerMinute"], json!(2), "{listed:?}");
    assert_eq!(listed.json["platform"]["addressPerMinute"], json!(null));
    let rows = listed.json["rateLimits"].as_array().unwrap();
    let limits: Vec<_> = rows.iter().map(|row| (&row["orgId"], &row["managementPerMinute"])).collect();
    assert_eq!(limits, [(&json!(10), &json!(50)), (&json!(20), &json!(2))]);

    let ten = api.with_key(&key_for(&api, OrgId(10)).await);
    let in_force = async {
        while ten.get("/tenant?orgId=10").await.headers["x-ratelimit-limit"] != "50" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), in_force)
        .await
        .expect("in force");
    let twenty = api.with_key(&key_for(&api, OrgId(20)).await);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(twenty.get("/tenant?orgId=20").await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);

    let off = api.put("/admin/rate-limits/10", json!({"managementPerMinute": 0})).await;
    assert_eq!(off.json["managementPerMinute"], json!(null), "{off:?}");
    let faulty = api
        .put("/admin/rate-limits/10", json!({"managementPerMinute": -1, "perHour": 3}))
        .await;
    assert_eq!(faulty.status, 400);
    let mut faults = faulty.faults();
    faults.sort_unstable();
    assert_eq!(faults, ["/managementPerMinute", "/perHour"]);
    let tenants = ten.put("/admin/rate-limits/10", json!({"managementPerMinute": 9999})).await;
    assert_eq!(tenants.status, 403, "{tenants:?}");
}

#[tokio::test]
async fn rollback_cannot_raise_the_callers_own_limit() {
    let api = Api::start().await;
    api.org(10).await;
    let raised = api.put("/admin/rate-limits/10", json!({"managementPerMinute": 9999})).await;
    let revision = api.get("/admin/orgs/10").await.json["revision"].clone();
    assert_eq!(
        api.put("/admin/rate-limits/10", json!({"managementPerMinute": 5}))
            .await
            .status,
        200,
        "{raised:?}"
    );
    user(&api, "ada@x.example", json!({"orgId": 10, "access": "WRITE"})).await;
    let ada = api.with_token(&crate::api::log_in(&api, "ada@x.example").await);
    let back = format!("/versions/orgs/10/{revision}/rollback?orgId=10");
    let refused = ada.post(&back, json!({})).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(api.post(&back, json!({})).await.status, 200);
}

#[tokio::test]
async fn console_settings_are_kept_and_leave_the_organisation_alone() {
    let api = Api::start().await;
    api.org(10).await;
    let before = api.get("/tenant?orgId=10").await.json;
    assert_eq!(api.get("/ui-config?orgId=10").await.json, json!({}));
    let ui = json!({"theme": "dark", "refreshSeconds": 30, "columns": ["status", "eventType"]});
    let kept = api.put("/ui-config?orgId=10", ui.clone()).await;
    assert_eq!((kept.status, &kept.json), (200, &ui), "{kept:?}");
    assert_eq!(api.get("/ui-config?orgId=10").await.json, ui);
    let after = api.get("/tenant?orgId=10").await.json;
    assert_eq!((&after["name"], &after["ui"]), (&before["name"], &ui));
    // A PATCH of the organisation keeps the console's settings.
    let renamed = api.patch("/admin/orgs/10", json!({"name": "Renamed"})).await;
    assert_eq!(renamed.json["ui"], ui, "{renamed:?}");
    for (body, status) in [(json!([1]), 400), (json!({"x": "y".repeat(70_000)}), 400)] {
        assert_eq!(api.put("/ui-config?orgId=10", body).await.status, status);
    }
}

#[tokio::test]
async fn system_configuration_is_shown_without_secrets() {
    let api = Api::start().await;
    let shown = api.get("/admin/system-configuration").await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(
        shown.json["http"]["request_timeout_ms"].is_number() || shown.json["http"].is_object(),
        "{shown:?}"
    );
    let text = String::from_utf8_lossy(&shown.bytes).into_owned();
    assert!(text.contains("********") && !text.contains(crate::api::ADMIN_KEY), "{text}");
}
