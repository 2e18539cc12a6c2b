//! The matrix of which integrations receive an event, tested through rows.

use std::collections::BTreeSet;

use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::setup::{ORG, setup};

const UNIT: i64 = 701;
const OTHER_UNIT: i64 = 702;
const OTHER_ORG: i64 = 649;

/// The integrations by the last segment of their address: (name, organisation, event type, further fields).
fn integrations() -> Vec<(&'static str, i64, &'static str, Value)> {
    vec![
        ("org-all", ORG, "lab", json!({})),
        ("org-any-type", ORG, "*", json!({})),
        ("org-alone", ORG, "lab", json!({"scope": "ENTITY_ONLY"})),
        ("org-but-unit", ORG, "lab", json!({"excludedEntityRids": [UNIT]})),
        ("unit", ORG, "lab", json!({"tenantId": UNIT})),
        ("unit-other-type", ORG, "bill", json!({"tenantId": UNIT})),
        ("paused", ORG, "lab", json!({"isActive": false})),
        ("stranger", OTHER_ORG, "lab", json!({})),
    ]
}

/// The expected receivers of each event: (entity, parent, event type, receivers).
fn table() -> Vec<(i64, Option<i64>, &'static str, Vec<&'static str>)> {
    vec![
        (
            ORG,
            Some(ORG),
            "lab",
            vec!["org-all", "org-any-type", "org-alone", "org-but-unit"],
        ),
        (UNIT, Some(ORG), "lab", vec!["org-all", "org-any-type", "unit"]),
        (OTHER_UNIT, Some(ORG), "lab", vec!["org-all", "org-any-type", "org-but-unit"]),
        (UNIT, Some(ORG), "bill", vec!["org-any-type", "unit-other-type"]),
        (UNIT, None, "lab", vec!["org-all", "org-any-type", "unit"]),
        (OTHER_ORG, Some(OTHER_ORG), "lab", vec!["stranger"]),
        (OTHER_ORG, Some(OTHER_ORG), "bill", vec![]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_exactly_the_integrations_that_match() {
    let setup = setup().await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    api.unit(ORG, UNIT).await;
    api.unit(ORG, OTHER_UNIT).await;
    for (name, org, event_type, more) in integrations() {
        api.integration(org, event_type, &setup.receiver.url(&format!("/{name}")), more)
            .await;
    }
    for (case, (entity, parent, event_type, _)) in table().into_iter().enumerate() {
        let row = QueueRow::new(entity, event_type).entity(entity).parent(parent);
        setup.queue.insert(row.json(&json!({"case": case}))).await;
    }
    let expected: BTreeSet<(usize, String)> = table()
        .into_iter()
        .enumerate()
        .flat_map(|(case, (_, _, _, receivers))| receivers.into_iter().map(move |name| (case, format!("/{name}"))))
        .collect();
    setup.receiver.wait_for(expected.len()).await;
    eventually("every event is decided about", async || {
        api.list(ORG, "events", "events", "").await.len() + api.list(OTHER_ORG, "events", "events", "").await.len()
            == table().len()
    })
    .await;
    let got: Vec<_> = setup
        .receiver
        .requests()
        .into_iter()
        .map(|r| (r.json()["case"].as_u64().unwrap() as usize, r.path))
        .collect();
    assert_eq!(got.len(), expected.len(), "nobody gets an event twice: {got:?}");
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), expected);
}
