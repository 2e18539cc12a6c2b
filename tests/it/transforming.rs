//! Transformations of payloads: mappings, lookups and sandboxed scripts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::{eventually, eventually_within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup, setup_for_orders};

const OTHER_ORG: i64 = 649;

/// The complete log of the only delivery to a path.
pub(crate) async fn log_of(setup: &Setup, path: &str) -> Value {
    let (api, url) = (&setup.stack.api, setup.receiver.url(path));
    let mut found = None;
    eventually("the delivery is logged", async || {
        let logs = api.list(ORG, "logs", "logs", "").await;
        found = logs.into_iter().find(|log| log["targetUrl"] == url.as_str());
        found.is_some()
    })
    .await;
    let id = found.expect("a log")["id"].as_str().expect("an id").to_owned();
    api.get(&format!("/logs/{id}?orgId={ORG}")).await
}

async fn steps_of(api: &Api, log: &Value) -> Value {
    let id = log["id"].as_str().expect("an id");
    api.get(&format!("/execution-logs/{id}?orgId={ORG}")).await
}

async fn department(api: &Api, source: &str, target: &str) -> Value {
    let row = json!({"type": "DEPARTMENT", "source": {"id": source}, "target": {"id": target, "name": format!("Ward {target}")}});
    api.post(&format!("/lookups?orgId={ORG}"), &row).await
}

#[tokio::test(flavor = "multi_thread")]
async fn script_transforms_the_payload_and_its_console_is_in_the_trace() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let script = "console.log('seen', payload.id);
        const name = await Promise.resolve(uppercase(payload.patient?.name ?? 'nobody'));
        return { name, of: context.eventType, org: context.orgId };";
    let scripted = json!({"transformationMode": "SCRIPT", "transformScript": script});
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), scripted).await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "lab").json(&json!({"id": 7, "patient": {"name": "ada"}})))
        .await;
    let received = setup.receiver.wait_for(1).await;
    assert_eq!(received[0].json(), json!({"name": "ADA", "of": "lab", "org": ORG}));
    let log = log_of(&setup, "/hook").await;
    assert_eq!(log["requestPayload"], json!({"name": "ADA", "of": "lab", "org": ORG}));
    let trace = steps_of(api, &log).await;
    assert_eq!(trace["console"], json!(["log: seen 7"]), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn script_returning_null_skips_and_one_that_throws_leaves_a_dead_letter() {
    let setup = setup().await;
    let api = &setup.stack.api;
    for (path, script) in [
        ("/null", "return null"),
        ("/throw", "const a = 1;\nthrow new Error('no ward')"),
    ] {
        let scripted = json!({"transformationMode": "SCRIPT", "transformScript": script});
        api.integration(ORG, "lab", &setup.receiver.url(path), scripted).await;
    }
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;
    assert_eq!(log_of(&setup, "/null").await["status"], "SKIPPED");
    let failed = log_of(&setup, "/throw").await;
    assert_eq!(
        (&failed["status"], &failed["errorCategory"]),
        (&json!("FAILED"), &json!("TRANSFORMATION"))
    );
    let message = failed["errorMessage"].as_str().expect("a message");
    assert!(message.contains("SCRIPT_ERROR") && message.contains("no ward"), "{message}");
    let entries = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!((entries.len(), &entries[0]["status"]), (1, &json!("ABANDONED")));
    assert_eq!(setup.receiver.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unmapped_lookup_value_fails_the_delivery_until_a_row_maps_it() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let lookup = json!({"type": "DEPARTMENT", "sourceField": "ward", "targetField": "department", "unmappedBehavior": "FAIL"});
    api.integration(
        ORG,
        "lab",
        &setup.receiver.url("/hook"),
        json!({"lookups": [lookup], "passthrough": true}),
    )
    .await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "lab").json(&json!({"ward": "A1"})))
        .await;
    let failed = log_of(&setup, "/hook").await;
    assert_eq!(
        (&failed["status"], &failed["errorCategory"]),
        (&json!("FAILED"), &json!("TRANSFORMATION"))
    );
    assert_eq!(api.list(ORG, "dlq", "entries", "").await.len(), 1);
    assert_eq!(setup.receiver.count(), 0, "nothing was sent");

    department(api, "A1", "900").await;
    let mut n = 0;
    eventually("the new row is in force", async || {
        n += 1;
        setup
            .queue
            .insert(QueueRow::new(ORG, "lab").json(&json!({"ward": "A1", "n": n})))
            .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        setup.receiver.count() > 0
    })
    .await;
    assert_eq!(setup.receiver.requests()[0].json()["department"], "900");
}

#[tokio::test(flavor = "multi_thread")]
async fn lookup_row_change_takes_effect_within_a_second() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let row = department(api, "A1", "100").await;
    let mapping = json!({"sourceField": "ward", "targetField": "to", "transform": "lookup", "lookupType": "DEPARTMENT"});
    let kept = json!({"sourceField": "n", "targetField": "n"});
    api.integration(
        ORG,
        "lab",
        &setup.receiver.url("/hook"),
        json!({"fieldMappings": [mapping, kept]}),
    )
    .await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "lab").json(&json!({"ward": "A1", "n": 0})))
        .await;
    assert_eq!(setup.receiver.wait_for(1).await[0].json(), json!({"to": "100", "n": 0}));

    let path = format!("/lookups/{}?orgId={ORG}", row["id"].as_str().unwrap());
    let change = json!({"target": {"id": "200"}});
    assert_eq!(api.call(Method::PATCH, &path, Some(&change)).await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(1)).await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "lab").json(&json!({"ward": "A1", "n": 1})))
        .await;
    assert_eq!(setup.receiver.wait_for(2).await[1].json(), json!({"to": "200", "n": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_excludes_events_and_condition_excludes_an_action() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let adults = json!({"filter": {"field": "age", "gte": 18}});
    api.integration(ORG, "visit", &setup.receiver.url("/adults"), adults).await;
    let actions = json!({"actions": [
        {"name": "always", "targetUrl": setup.receiver.url("/always")},
        {"name": "urgent", "targetUrl": setup.receiver.url("/urgent"), "condition": "payload.urgent === true"},
        {"name": "odd", "targetUrl": setup.receiver.url("/odd"), "condition": {"field": "n", "in": [1, 3, 5]}},
    ]});
    api.integration(ORG, "visit", &setup.receiver.url("/unused"), actions).await;
    for (n, age, urgent) in [(1, 17, false), (2, 18, true)] {
        let visit = json!({"n": n, "age": age, "urgent": urgent});
        setup.queue.insert(QueueRow::new(ORG, "visit").json(&visit)).await;
    }
    eventually("all seven are logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == 7
    })
    .await;
    let count = |path| setup.receiver.requests_to(path).len();
    assert_eq!(
        (count("/adults"), count("/always"), count("/urgent"), count("/odd")),
        (1, 2, 1, 1)
    );
    let skipped = api.list(ORG, "logs", "logs", "&status=SKIPPED").await;
    assert_eq!(
        skipped.len(),
        2,
        "an action's condition that was false is logged: {skipped:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_script_is_stopped_and_costs_no_other_tenant_an_event() {
    let setup = setup().await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    for (org, path, script) in [
        (ORG, "/loop", "await null; return /^(a+)+$/.test('a'.repeat(40) + '!')"),
        (OTHER_ORG, "/other", "return {n: payload.n}"),
    ] {
        let scripted = json!({"transformationMode": "SCRIPT", "transformScript": script});
        api.integration(org, "lab", &setup.receiver.url(path), scripted).await;
    }
    for n in 0..20 {
        for org in [ORG, OTHER_ORG] {
            setup.queue.insert(QueueRow::new(org, "lab").json(&json!({"n": n}))).await;
        }
    }
    let received = setup.receiver.wait_for(20).await;
    let order: Vec<_> = received.iter().map(|request| request.json()["n"].as_i64().unwrap()).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
    let mut letters = Vec::new();
    eventually("each of the endless ones is a dead letter", async || {
        letters = api.list(ORG, "dlq", "entries", "").await;
        letters.len() == 20
    })
    .await;
    let of = |reason: &str| letters.iter().filter(|letter| letter["reason"] == reason).collect::<Vec<_>>();
    let (stopped, waiting) = (of("NOT_RETRYABLE"), of("SCRIPT_DISABLED"));
    assert!(stopped.iter().all(|letter| letter["status"] == "ABANDONED"), "{stopped:?}");
    // After three kills the script is disabled, and the remaining rows wait until it may run again.
    assert!(stopped.len() >= 3 && stopped.len() + waiting.len() == 20, "{letters:?}");
    assert!(!waiting.is_empty(), "{letters:?}");
    for letter in waiting {
        let due: DateTime<Utc> = letter["nextRetryAt"].as_str().unwrap().parse().unwrap();
        assert!(letter["status"] == "PENDING_RETRY" && due > Utc::now(), "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn script_workers_killed_at_once_lose_no_event() {
    const EVENTS: i64 = 300;
    let setup = setup().await;
    let api = &setup.stack.api;
    // Enough time for a busy machine.
    let script = "return {n: payload.n}";
    let scripted = json!({"transformationMode": "SCRIPT", "transformScript": script, "scriptTimeoutMs": 2000});
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), scripted).await;
    let rows = (0..EVENTS).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n})));
    setup.queue.insert_many(rows).await;
    for round in 1..=3 {
        setup.receiver.wait_for(round * 50).await;
        for child in setup.worker.children() {
            let _ = kill_process(Pid::from_raw(child).expect("a process"), Signal::KILL);
        }
    }
    eventually_within(Duration::from_secs(120), "all are received", async || {
        setup.receiver.count() >= EVENTS as u64
    })
    .await;
    let order: Vec<_> = setup
        .receiver
        .requests()
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, (0..EVENTS).collect::<Vec<_>>(), "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn script_that_does_not_compile_is_refused_on_save() {
    let setup = setup().await;
    let body = json!({
        "name": "broken", "eventType": "lab", "targetUrl": setup.receiver.url("/hook"),
        "transformationMode": "SCRIPT", "transformScript": "const a = 1;\nreturn a +* 2;",
        "actions": [{"name": "one", "condition": "payload.("}],
    });
    let path = format!("/outbound-integrations?orgId={ORG}");
    let answer = setup.stack.api.call(Method::POST, &path, Some(&body)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    let details = answer.body["details"].to_string();
    assert!(
        details.contains("/transformScript") && details.contains("line 2"),
        "{details}"
    );
    assert!(details.contains("/actions/0/condition"), "{details}");
}

#[tokio::test(flavor = "multi_thread")]
async fn preview_shows_the_exact_request_and_sends_nothing() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let draft = json!({
        "name": "draft", "eventType": "lab", "targetUrl": setup.receiver.url("/hook"), "httpMethod": "PUT",
        "transformationMode": "SCRIPT", "transformScript": "console.warn('x'); return {a: payload.a + 1}",
        "outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "a-very-secret-token"},
        "signing": {"enabled": true},
    });
    let preview = |body: Value| async move { api.post(&format!("/outbound-integrations/preview?orgId={ORG}"), &body).await };
    let ok = preview(json!({"integration": draft, "payload": {"a": 1}})).await;
    assert_eq!((&ok["status"], &ok["output"]), (&json!("OK"), &json!({"a": 2})));
    assert_eq!(ok["request"]["method"], "PUT");
    assert_eq!(ok["request"]["body"], "{\"a\":2}");
    assert_eq!(ok["console"], json!(["warn: x"]));
    let headers = ok["request"]["headers"].to_string();
    assert!(headers.contains("webhook-signature"), "{headers}");
    assert!(!ok.to_string().contains("a-very-secret-token"), "{ok}");

    let mut broken = draft.clone();
    broken["transformScript"] = json!("return payload.a.b.c");
    let failed = preview(json!({"integration": broken, "payload": {"a": null}})).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("ERROR"), &json!("SCRIPT_ERROR")),
        "{failed}"
    );
    broken["transformScript"] = json!("return null");
    assert_eq!(
        preview(json!({"integration": broken, "payload": 1})).await["status"],
        "SKIPPED"
    );
    assert_eq!(setup.receiver.count(), 0, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_event_can_be_previewed_and_a_test_is_sent_and_logged_as_manual() {
    let setup = setup_for_orders().await;
    let api = &setup.stack.api;
    let id = api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    api.post(
        &format!("/events?orgId={ORG}"),
        &json!({"id": "e-1", "eventType": "lab", "payload": {"a": 5}}),
    )
    .await;
    setup.receiver.wait_for(1).await;
    let asked = json!({"integrationId": id, "eventId": "e-1"});
    let preview = api.post(&format!("/outbound-integrations/preview?orgId={ORG}"), &asked).await;
    assert_eq!((&preview["status"], &preview["output"]), (&json!("OK"), &json!({"a": 5})));

    let tested = api
        .post(
            &format!("/outbound-integrations/{id}/test?orgId={ORG}"),
            &json!({"payload": {"a": 6}}),
        )
        .await;
    assert_eq!(tested["results"][0]["outcome"], "DELIVERED", "{tested}");
    assert_eq!(setup.receiver.wait_for(2).await[1].json(), json!({"a": 6}));
    let log = tested["results"][0]["logId"].as_str().expect("a log");
    let log = api.get(&format!("/logs/{log}?orgId={ORG}")).await;
    assert_eq!(
        (&log["triggerType"], &log["status"]),
        (&json!("MANUAL"), &json!("SUCCESS")),
        "{log}"
    );
    assert!(api.list(ORG, "dlq", "entries", "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn row_violating_its_schema_is_reported_and_rejected_where_the_type_says_so() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let schema = json!({"type": "object", "required": ["id"]});
    for (event_type, validation) in [("strict", "reject"), ("lenient", "warn")] {
        let definition = json!({"eventType": event_type, "schema": schema, "validation": validation});
        api.post(&format!("/event-types?orgId={ORG}"), &definition).await;
        let url = setup.receiver.url(&format!("/{event_type}"));
        api.integration(ORG, event_type, &url, json!({})).await;
    }
    for event_type in ["strict", "lenient"] {
        for payload in [json!({"name": "no id"}), json!({"id": 1})] {
            setup.queue.insert(QueueRow::new(ORG, event_type).json(&payload)).await;
        }
    }
    setup.receiver.wait_for(3).await;
    assert_eq!(setup.receiver.requests_to("/strict")[0].json(), json!({"id": 1}));
    let rejected = || async { api.list(ORG, "events", "events", "&reason=SCHEMA_VIOLATED").await };
    eventually("it is audited", async || rejected().await.len() == 1).await;
    let audited = &rejected().await[0];
    assert!(
        audited["detail"].as_str().is_some_and(|detail| detail.contains("id")),
        "{audited}"
    );

    let draft = json!({"name": "n", "eventType": "strict", "targetUrl": setup.receiver.url("/x")});
    let asked = json!({"integration": draft, "payload": {"name": "no id"}});
    let preview = api.post(&format!("/outbound-integrations/preview?orgId={ORG}"), &asked).await;
    assert_eq!(
        (preview["status"].as_str(), preview["error"]["code"].as_str()),
        (Some("ERROR"), Some("SCHEMA_VIOLATED")),
        "{preview}"
    );
}
