//! Incidents: what they become, who may change them, and what earlier versions left.

use std::time::Duration;

use ig_core::alert::{
    Acknowledgement, Alert, AlertEnd, AlertReport, ChannelId, Incident, IncidentId, IncidentStatus, Resolution, ResolvedBy,
    Rules, Severity, TellingPlan, plan,
};
use ig_core::configuration::Change;
use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_store::{AlertFilter, AlertTimes, DueIncident, Expected, IncidentFilter, Page, RaiseOutcome, Store};
use ig_testkit::builders;
use mongodb::bson::{self, Document, doc};

use crate::stored::{Stored, moment};

const ORG: Option<OrgId> = Some(OrgId(7));
const TIMES: AlertTimes = AlertTimes {
    quiet: Duration::from_hours(1),
    keep: Duration::from_hours(24),
};

pub(crate) fn alert(org: Option<OrgId>, key: &str, second: i64) -> Alert {
    Alert {
        org_id: org,
        kind: "circuit-open".to_owned(),
        key: key.to_owned(),
        severity: Severity::Warning,
        message: format!("{key} does not answer"),
        at: moment(second),
    }
}

async fn raise(store: &Store, key: &str, second: i64) -> RaiseOutcome {
    let raised = store.alerts().raise(&alert(ORG, key, second), TIMES, moment(second)).await;
    raised.unwrap()
}

async fn end(store: &Store, key: &str, second: i64) -> bool {
    let end = AlertEnd {
        org_id: ORG,
        kind: "circuit-open".to_owned(),
        key: key.to_owned(),
        at: moment(second),
    };
    store.alerts().end(&end, moment(second)).await.unwrap()
}

async fn incidents(store: &Store) -> Vec<Incident> {
    let listed = store
        .alerts()
        .incidents(ORG, &IncidentFilter::default(), Page::first(50))
        .await;
    listed.unwrap().items
}

pub(crate) fn all_told(due: &DueIncident, channels: impl IntoIterator<Item = ChannelId>, second: i64) -> TellingPlan {
    let rules = Rules {
        channels: channels.into_iter().collect(),
        ..Rules::default()
    };
    plan(&due.incident, &rules, moment(second))
}

#[tokio::test]
async fn incident_is_counted_ended_reopened_and_begun_anew() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    assert_eq!(raise(store, "a", 0).await, RaiseOutcome::New);
    assert_eq!(raise(store, "a", 10).await, RaiseOutcome::Repeated);
    assert!(end(store, "a", 20).await);
    assert!(!end(store, "a", 21).await);
    assert_eq!(raise(store, "a", 20 + 599).await, RaiseOutcome::Reopened);
    assert!(end(store, "a", 700).await);
    assert_eq!(raise(store, "a", 700 + 600).await, RaiseOutcome::New);
    let [second, first] = &incidents(store).await[..] else {
        panic!("two incidents");
    };
    assert_eq!(
        (first.count, first.reopened, first.first_at, first.last_at),
        (3, 1, moment(0), moment(619))
    );
    assert_eq!((second.count, second.state.status()), (1, IncidentStatus::Open));
    assert_eq!(first.fingerprint, second.fingerprint);
    let filter = IncidentFilter {
        status: Some(IncidentStatus::Open),
        ..IncidentFilter::default()
    };
    let open = store.alerts().incidents(ORG, &filter, Page::first(5)).await.unwrap();
    assert_eq!(open.items, std::slice::from_ref(second));
}

#[tokio::test]
async fn end_that_is_older_than_the_last_report_ends_nothing() {
    let stored = Stored::fresh().await;
    raise(&stored.store, "a", 100).await;
    assert!(!end(&stored.store, "a", 50).await);
    assert!(end(&stored.store, "a", 99).await, "clocks may differ a little");
}

#[tokio::test]
async fn breaker_that_closes_ends_its_incident_and_is_recorded() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    raise(store, "a", 0).await;
    let closed = Alert {
        kind: "circuit-closed".to_owned(),
        severity: Severity::Info,
        ..alert(ORG, "a", 60)
    };
    let outcome = store.alerts().raise(&closed, TIMES, moment(60)).await.unwrap();
    assert_eq!(outcome, RaiseOutcome::New);
    let all = incidents(store).await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|incident| incident.state.status() == IncidentStatus::Resolved));
    let due = store.alerts().due(moment(60), 50).await.unwrap();
    assert_eq!(due.len(), 1, "of a closed breaker itself nobody is told");
}

#[tokio::test]
async fn persons_acknowledge_and_resolve_incidents_of_their_own_organisation() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    raise(store, "a", 0).await;
    let id = incidents(store).await[0].id.clone();
    let acknowledgement = Acknowledgement {
        by: "Ana".to_owned(),
        note: Some("I look".to_owned()),
        at: moment(5),
    };
    let alerts = store.alerts();
    for org in [None, Some(OrgId(8))] {
        assert_eq!(alerts.acknowledge(org, &id, &acknowledgement).await.unwrap(), None);
    }
    let changed = alerts.acknowledge(ORG, &id, &acknowledgement).await.unwrap().unwrap();
    assert_eq!(changed.state.status(), IncidentStatus::Acknowledged);
    assert_eq!(raise(store, "a", 6).await, RaiseOutcome::Repeated, "it stays acknowledged");
    assert_eq!(incidents(store).await[0].state, changed.state);
    let resolved = alerts
        .resolve(ORG, &id, "Ben", Some("done"), moment(9))
        .await
        .unwrap()
        .unwrap();
    let expected = Resolution {
        by: ResolvedBy::Person("Ben".to_owned()),
        note: Some("done".to_owned()),
        at: moment(9),
    };
    assert_eq!(resolved.state, ig_core::alert::IncidentState::Resolved(expected));
    let again = alerts.acknowledge(ORG, &id, &acknowledgement).await.unwrap().unwrap();
    assert_eq!(again.state, resolved.state, "what has ended stays as it is");
}

#[tokio::test]
async fn look_that_another_process_forestalled_changes_nothing() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    raise(store, "a", 0).await;
    let alerts = store.alerts();
    let due = alerts.due(moment(40), 10).await.unwrap().remove(0);
    let told = all_told(&due, [ChannelId([1; 12])], 40);
    assert_eq!(told.notices.len(), 1);
    assert!(alerts.apply(&due, &told).await.unwrap());
    assert!(!alerts.apply(&due, &told).await.unwrap());
    assert!(!alerts.end_quiet(&due, moment(41)).await.unwrap());
    assert_eq!(alerts.due(moment(40), 10).await.unwrap(), []);
    let listed = store.notices().list(ORG, None, Page::first(5)).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn alert_of_an_earlier_version_is_an_incident_that_has_ended() {
    let stored = Stored::fresh().await;
    let logs = stored.database.open().await.collection::<Document>("alert_center_logs");
    let at = bson::DateTime::from_millis(moment(0).timestamp_millis());
    logs.insert_one(doc! {
        "_id": r#"[7,"circuit-open","a"]@17"#, "orgId": 7_i64, "kind": "circuit-open", "key": "a", "severity": "CRITICAL",
        "message": "m", "at": at, "count": 2_i64, "firstAt": at, "lastAt": at, "quietUntil": at, "expiresAt": at,
    })
    .await
    .unwrap();
    let store = &stored.store;
    let found = incidents(store).await.remove(0);
    assert_eq!((found.state.status(), found.count), (IncidentStatus::Resolved, 2));
    assert_eq!(found.fingerprint, AlertReport::from(alert(ORG, "a", 0)).fingerprint());
    assert_eq!(store.alerts().due(moment(9_999), 10).await.unwrap(), []);
    assert_eq!(raise(store, "a", 1).await, RaiseOutcome::New);
    let listed = store
        .alerts()
        .list(ORG, &AlertFilter::default(), Page::first(5))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 2);
    let gone = IncidentId("none".to_owned());
    assert_eq!(store.alerts().incident(ORG, &gone).await.unwrap(), None);
}

#[tokio::test]
async fn incident_expires_after_its_end_by_the_retention_of_its_organisation() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let organization = Organization {
        retention_days: Some(3),
        ..builders::organization(7)
    };
    let put = Change::PutOrganization(organization);
    store.configuration().commit(put, Expected::New).await.unwrap();
    raise(store, "a", 0).await;
    let logs = stored.database.open().await.collection::<Document>("alert_center_logs");
    let expiry = async || {
        logs.find_one(doc! { "key": "a" })
            .await
            .unwrap()
            .unwrap()
            .get_datetime("expiresAt")
            .ok()
            .copied()
    };
    assert_eq!(expiry().await, None);
    end(store, "a", 60).await;
    let three_days = moment(60) + Duration::from_hours(72);
    assert_eq!(
        expiry().await,
        Some(bson::DateTime::from_millis(three_days.timestamp_millis()))
    );
    raise(store, "a", 61).await;
    assert_eq!(expiry().await, None, "it is open again");
}
