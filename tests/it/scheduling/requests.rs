//! What people ask of scheduled deliveries: lists, moves, previews, and schedules that are refused.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_deliveries_are_listed_cancelled_and_moved_only_by_their_tenant() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    api.org(OTHER_ORG).await;
    let config = json!({"delaySeconds": 86_400});
    let integration = api
        .integration(ORG, "visit", &system.receiver.url("/hook"), delayed(&config))
        .await;
    let rows = (1..=2).map(|n| QueueRow::new(ORG, "visit").json(&json!({"n": n})));
    system.queue.insert_many(rows).await;
    system.stands(&["PENDING", "PENDING"]).await;
    let rows = system.rows().await;
    let at = |row: &Value, verb: &str, org: i64| {
        let id = row["id"].as_str().expect("an id");
        format!("/scheduled-integrations/{id}{verb}?orgId={org}")
    };
    let time = json!({"scheduledFor": in_seconds(0)});
    for (method, verb, body) in [
        (Method::GET, "", None),
        (Method::POST, "/cancel", Some(&json!({}))),
        (Method::POST, "/reschedule", Some(&time)),
    ] {
        let answer = api.call(method, &at(&rows[0], verb, OTHER_ORG), body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}: {}", answer.body);
    }
    let cancelled = api
        .post(&at(&rows[0], "/cancel", ORG), &json!({"reason": "No longer wanted"}))
        .await;
    assert_eq!(
        (&cancelled["status"], &cancelled["cancellationInfo"]["reason"]),
        (&json!("CANCELLED"), &json!("No longer wanted"))
    );
    let again = api.call(Method::POST, &at(&rows[0], "/cancel", ORG), None).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    api.post(&at(&rows[1], "/reschedule", ORG), &time).await;
    system.receiver.wait_for(1).await;
    for (filter, count) in [
        ("&status=COMPLETED", 1),
        ("&status=CANCELLED", 1),
        ("&status=PENDING", 0),
        ("&eventType=other", 0),
        (&format!("&integrationId={integration}"), 2),
    ] {
        eventually(filter, async || {
            let list = api.list(ORG, "scheduled-integrations", "scheduledIntegrations", filter).await;
            list.len() == count
        })
        .await;
    }
    assert_eq!(
        api.get(&format!("/scheduled-integrations?orgId={OTHER_ORG}")).await["total"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn schedule_preview_lists_the_next_five_times_or_the_faults() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let path = format!("/scheduled-integrations/preview?orgId={ORG}");
    let nightly = json!({
        "schedulingMode": "RECURRING", "schedulingConfig": {"cron": "30 1 * * *", "timezone": "Europe/Berlin"},
        "eventAt": "2026-10-23T12:00:00Z",
    });
    let told = api.post(&path, &nightly).await;
    // In the night to the 25th, 01:30 comes before the clocks go back at 03:00, so it occurs once.
    let expected = ["2026-10-23T23:30:00Z", "2026-10-24T23:30:00Z", "2026-10-26T00:30:00Z"];
    assert_eq!(told["occurrences"].as_array().unwrap()[..3], expected.map(|at| json!(at)));
    assert_eq!(told["occurrences"].as_array().unwrap().len(), 5);
    let script = json!({
        "schedulingMode": "DELAYED", "schedulingConfig": {"script": "return payload.at"},
        "payload": {"at": "2030-01-01T10:00:00+01:00"},
    });
    assert_eq!(api.post(&path, &script).await["occurrences"], json!(["2030-01-01T09:00:00Z"]));
    let config = json!({"at": "visit.at"});
    let stored = api
        .integration(ORG, "visit", &system.receiver.url("/hook"), delayed(&config))
        .await;
    let refused = api
        .call(Method::POST, &path, Some(&json!({"integrationId": stored, "payload": {}})))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body["details"][0]["message"], "The payload has nothing at visit.at.");

    let body = json!({
        "name": "wrong", "eventType": "visit", "targetUrl": system.receiver.url("/hook"), "schedulingMode": "RECURRING",
        "schedulingConfig": {"cron": "every day", "timezone": "Mars", "cancelOn": [{"eventTypes": [], "matchKeys": ["a..b"]}]},
    });
    let refused = api
        .call(Method::POST, &format!("/outbound-integrations?orgId={ORG}"), Some(&body))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let details = refused.body["details"].to_string();
    for pointer in ["/cron", "/timezone", "/cancelOn/0/eventTypes", "/cancelOn/0/matchKeys/0"] {
        assert!(
            details.contains(&format!("/schedulingConfig{pointer}")),
            "{pointer} in {details}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_schedule_is_refused_by_pointer() {
    let system = Scheduled::start().await;
    let api = &system.stack.api;
    let url = system.receiver.url("/hook");
    let integrations = format!("/outbound-integrations?orgId={ORG}");
    let refused = [
        ("RECURRING", json!({"cron": "61 * * * *"}), "/cron"),
        ("RECURRING", json!({"cron": ""}), "/cron"),
        ("RECURRING", json!({"cron": "0 0 30 2 *"}), "/cron"),
        (
            "RECURRING",
            json!({"cron": "* * * * *", "timezone": "Mars/Olympus"}),
            "/timezone",
        ),
        ("RECURRING", json!({"intervalMs": 0}), "/intervalMs"),
        ("RECURRING", json!({"intervalMs": 999}), "/intervalMs"),
        ("RECURRING", json!({"intervalMs": -1}), "/intervalMs"),
        ("RECURRING", json!({"intervalMs": u64::MAX}), "/intervalMs"),
        (
            "RECURRING",
            json!({"intervalMs": 1000, "maxOccurrences": 0}),
            "/maxOccurrences",
        ),
        (
            "RECURRING",
            json!({"intervalMs": 1000, "maxOccurrences": u64::MAX}),
            "/maxOccurrences",
        ),
        ("RECURRING", json!({"intervalMs": 1000, "firstAt": "soon"}), "/firstAt"),
        ("RECURRING", json!({"intervalMs": 1000, "endDate": "never"}), "/endDate"),
        ("RECURRING", json!({}), "/cron"),
        ("DELAYED", json!({"delaySeconds": -1}), "/delaySeconds"),
        ("DELAYED", json!({"delaySeconds": u64::MAX}), "/delaySeconds"),
        ("DELAYED", json!({"at": "a..b"}), "/at"),
        ("DELAYED", json!({"delaySeconds": 1, "timezone": "Nowhere"}), "/timezone"),
    ];
    for (mode, config, place) in refused {
        let body = json!({
            "name": "n", "eventType": "visit", "targetUrl": url, "schedulingMode": mode, "schedulingConfig": config,
        });
        let answer = api.call(Method::POST, &integrations, Some(&body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{config}: {}", answer.body);
        let expected = format!("/schedulingConfig{place}");
        let details = answer.body["details"].as_array().expect("details");
        let places: Vec<_> = details.iter().map(|detail| detail["pointer"].as_str().unwrap()).collect();
        assert_eq!(places, [expected], "{config}: {}", answer.body);
    }
}
