//! Circuit breakers of integrations.

use std::sync::Arc;

use futures::future::join_all;
use ig_core::alert::{Alert, Severity};
use ig_core::breaker::{Breaker, BreakerPolicy, Circuit, DeliveryResult, FAILURE_THRESHOLD, FinishedDelivery, Transition};
use ig_core::clock::Timestamp;
use ig_core::configuration::Change;
use ig_core::delivery_log::Direction;
use ig_core::id::{EventId, IntegrationId, OrgId, SourceId};
use ig_core::integration::{Hold, HoldCause, Integration};
use ig_core::message::MessageId;
use ig_core::ports::{Breakers as _, SwitchError, Switches as _};
use ig_store::{CommitError, Configurations, Expected, MongoBreakers};
use ig_testkit::builders;
use mongodb::bson::{Document, doc};

use crate::stored::{Stored, moment};

const ORG: OrgId = OrgId(1);

fn id() -> IntegrationId {
    builders::integration_id(1)
}

fn failed(number: usize) -> FinishedDelivery {
    FinishedDelivery {
        message: MessageId::derive(&SourceId::new("mysql"), &EventId::new(number.to_string()), id(), 0),
        result: DeliveryResult::Failed("The target answered 500.".to_owned()),
        probe: None,
    }
}

/// Counts one failure as workers do: read, decide, and store if no other process did in the meantime.
async fn count(breakers: &MongoBreakers, number: usize, now: Timestamp) {
    loop {
        let breaker = breakers.get(ORG, id()).await.unwrap();
        let (Transition::StreakChanged(next) | Transition::Opened(next)) = breaker.transition(&failed(number), now) else {
            return;
        };
        if breakers.put(ORG, id(), &next).await.unwrap() {
            return;
        }
    }
}

#[tokio::test]
async fn breaker_loses_no_failure_and_counts_none_twice_among_many_workers() {
    let stored = Stored::fresh().await;
    let breakers = stored.store.breakers();
    let numbers = (0..FAILURE_THRESHOLD - 1).flat_map(|number| [number, number, number]);
    join_all(numbers.map(|number| count(&breakers, number, moment(1)))).await;
    let breaker = breakers.get(ORG, id()).await.unwrap();
    assert_eq!(
        (breaker.failure_streak.len(), &breaker.circuit),
        (FAILURE_THRESHOLD - 1, &Circuit::Closed)
    );
    count(&breakers, 99, moment(9)).await;
    let opened = breakers.get(ORG, id()).await.unwrap();
    assert!(matches!(opened.circuit, Circuit::Open(_)), "{opened:?}");
    assert_eq!(
        breakers.get(OrgId(2), id()).await.unwrap(),
        Breaker::default(),
        "another tenant sees nothing"
    );
}

#[tokio::test]
async fn breaker_is_read_as_written_and_an_older_version_is_refused() {
    let stored = Stored::fresh().await;
    let breakers = stored.store.breakers();
    for number in 0..FAILURE_THRESHOLD {
        count(&breakers, number, moment(1)).await;
    }
    let opened = breakers.get(ORG, id()).await.unwrap();
    let policy = BreakerPolicy::new(Some(10)).unwrap();
    let message = failed(77).message;
    let (_, probing) = opened
        .claim_probe(policy, "worker-1", message, std::time::Duration::from_secs(30), moment(20))
        .unwrap();
    assert!(breakers.put(ORG, id(), &probing).await.unwrap());
    assert_eq!(breakers.get(ORG, id()).await.unwrap(), probing);
    assert!(!breakers.put(ORG, id(), &opened).await.unwrap());
}

#[tokio::test]
async fn breaker_row_ends_at_a_reported_success_whose_time_survives_later_counts() {
    let stored = Stored::fresh().await;
    let breakers = stored.store.breakers();
    breakers.delivered(&[id()], moment(1)).await.unwrap();
    assert_eq!(
        breakers.get(ORG, id()).await.unwrap(),
        Breaker::default(),
        "a healthy one has no breaker"
    );
    for number in 0..FAILURE_THRESHOLD - 1 {
        count(&breakers, number, moment(2)).await;
    }
    breakers.delivered(&[id()], moment(9)).await.unwrap();
    breakers.delivered(&[id()], moment(8)).await.unwrap();
    count(&breakers, 50, moment(10)).await;
    let breaker = breakers.get(ORG, id()).await.unwrap();
    assert_eq!((breaker.failure_streak.len(), &breaker.circuit), (1, &Circuit::Closed));
    assert_eq!(breaker.delivered_at, Some(moment(9)));
}

async fn made(configuration: &Configurations, integration: &Integration) -> u64 {
    let organization = Change::PutOrganization(builders::organization(1));
    configuration.commit(organization, Expected::New).await.unwrap();
    let put = Change::PutIntegration(Arc::new(integration.clone()));
    configuration.commit(put, Expected::New).await.unwrap()
}

/// The alert that goes with a switch.
fn alert() -> Alert {
    Alert {
        org_id: Some(ORG),
        kind: "circuit-open".to_owned(),
        key: id().to_string(),
        severity: Severity::Critical,
        message: "it is held".to_owned(),
        at: moment(2),
    }
}

#[tokio::test]
async fn breaker_opens_with_the_switch_or_not_at_all() {
    let stored = Stored::fresh().await;
    let (configuration, breakers) = (stored.store.configuration(), stored.store.breakers());
    let mut integration = builders::integration(1, "order", "https://a.example/");
    integration.id = id();
    integration.revision = made(&configuration, &integration).await;
    for number in 0..FAILURE_THRESHOLD - 1 {
        count(&breakers, number, moment(1)).await;
    }
    let four = breakers.get(ORG, id()).await.unwrap();
    let Transition::Opened(next) = four.transition(&failed(99), moment(2)) else {
        panic!()
    };
    let hold = Hold {
        cause: HoldCause::CircuitOpen,
        since: moment(2),
        reason: "it failed".to_owned(),
    };
    let alert = alert();
    let outdated = Integration {
        revision: integration.revision + 1,
        ..integration.clone()
    };
    let turned = configuration
        .apply_breaker(&outdated.breaker_subject(), Some(&hold), &next, &alert, moment(2))
        .await;
    assert_eq!(turned, Err(SwitchError::Stale));
    assert_eq!(breakers.get(ORG, id()).await.unwrap(), four, "nothing of it was done");
    let turned = configuration
        .apply_breaker(&integration.breaker_subject(), Some(&hold), &next, &alert, moment(2))
        .await;
    assert_eq!(turned, Ok(true));
    let held = stored.store.integrations().get(ORG, id()).await.unwrap().unwrap();
    assert_eq!((held.is_active, held.hold), (false, Some(hold)));
    assert!(matches!(breakers.get(ORG, id()).await.unwrap().circuit, Circuit::Open(_)));
    let stale = configuration
        .apply_breaker(
            &Integration {
                revision: held.revision,
                ..integration
            }
            .breaker_subject(),
            None,
            &next,
            &alert,
            moment(3),
        )
        .await;
    assert_eq!(stale, Ok(false), "the breaker has changed since");
    let still = stored.store.integrations().get(ORG, id()).await.unwrap().unwrap();
    assert!(!still.is_active);
    let alerts = stored.store.alerts();
    let owed = alerts
        .claim_owed(moment(4))
        .await
        .unwrap()
        .expect("it is owed with the opening");
    assert_eq!(owed.alert(), Some(&alert));
    assert_eq!(alerts.claim_owed(moment(4)).await, Ok(None), "once, and somebody tells of it");
    let again = alerts.claim_owed(moment(60)).await.unwrap();
    assert_eq!(
        again.as_ref().and_then(|owed| owed.alert()),
        Some(&alert),
        "whoever took it has died"
    );
    alerts.settle_owed(&owed).await.unwrap();
    assert_eq!(alerts.claim_owed(moment(900)).await, Ok(None));
}

#[tokio::test]
async fn breaker_stays_as_it_was_when_the_switch_fails() {
    let stored = Stored::fresh().await;
    let (configuration, breakers) = (stored.store.configuration(), stored.store.breakers());
    let mut integration = builders::integration(1, "order", "https://a.example/");
    integration.id = id();
    integration.revision = made(&configuration, &integration).await;
    for number in 0..FAILURE_THRESHOLD - 1 {
        count(&breakers, number, moment(1)).await;
    }
    let four = breakers.get(ORG, id()).await.unwrap();
    let Transition::Opened(next) = four.transition(&failed(99), moment(2)) else {
        panic!()
    };
    let hold = Hold {
        cause: HoldCause::CircuitOpen,
        since: moment(2),
        reason: "it failed".to_owned(),
    };
    // The switch records its change last, which fails where that revision is recorded already.
    let changes = stored.database.open().await.collection::<Document>("config_changes");
    let next_revision = i64::try_from(integration.revision + 1).unwrap();
    changes.insert_one(doc! { "_id": next_revision }).await.unwrap();
    let turned = configuration
        .apply_breaker(&integration.breaker_subject(), Some(&hold), &next, &alert(), moment(2))
        .await;
    assert!(matches!(turned, Err(SwitchError::Store(_))), "{turned:?}");
    assert_eq!(breakers.get(ORG, id()).await.unwrap(), four);
    let still = stored.store.integrations().get(ORG, id()).await.unwrap().unwrap();
    assert!(still.is_active);
    let owed = stored.store.alerts().claim_owed(moment(9)).await;
    assert_eq!(owed, Ok(None), "nobody is told of what was not done");
}

#[tokio::test]
async fn breaker_stays_as_it_was_when_activation_is_refused() {
    let stored = Stored::fresh().await;
    let (configuration, breakers) = (stored.store.configuration(), stored.store.breakers());
    let mut integration = builders::integration(1, "order", "https://a.example/");
    (integration.id, integration.is_active) = (id(), false);
    let revision = made(&configuration, &integration).await;
    for number in 0..FAILURE_THRESHOLD {
        count(&breakers, number, moment(1)).await;
    }
    let opened = breakers.get(ORG, id()).await.unwrap();
    integration.is_active = true;
    let enable = |expected| configuration.commit(Change::PutIntegration(Arc::new(integration.clone())), expected);
    let stale = enable(Expected::Revision(revision + 1)).await;
    assert_eq!(stale, Err(CommitError::Stale { current: revision }));
    assert_eq!(breakers.get(ORG, id()).await.unwrap(), opened);
    enable(Expected::Revision(revision)).await.unwrap();
    let reset = breakers.get(ORG, id()).await.unwrap();
    assert_eq!(
        (reset.circuit, reset.failure_streak.len(), reset.version),
        (Circuit::Closed, 0, opened.version + 1)
    );
}

#[tokio::test]
async fn switch_changes_what_followers_see_and_nothing_else_and_only_once() {
    let stored = Stored::fresh().await;
    let configuration = stored.store.configuration();
    let organization = Change::PutOrganization(builders::organization(1));
    configuration.commit(organization, Expected::New).await.unwrap();
    let mut integration = builders::integration(1, "order", "https://a.example/");
    integration.id = id();
    let put = Change::PutIntegration(Arc::new(integration.clone()));
    let made = configuration.commit(put, Expected::New).await.unwrap();
    let hold = Hold {
        cause: HoldCause::CircuitOpen,
        since: moment(5),
        reason: "it failed".to_owned(),
    };
    let expected = Expected::Revision(made);
    let revision = configuration
        .switch(Direction::Outbound, ORG, id(), Some(&hold), expected, moment(5))
        .await
        .unwrap();
    let held = stored.store.integrations().get(ORG, id()).await.unwrap().unwrap();
    assert_eq!(
        (held.is_active, held.hold.as_ref(), held.revision),
        (false, Some(&hold), revision)
    );
    assert_eq!(
        (&held.name, &held.auth, held.created_at),
        (&integration.name, &integration.auth, integration.created_at)
    );
    let changes = configuration.changes_since(made, 10).await.unwrap().unwrap();
    assert!(
        matches!(&changes[..], [revised] if matches!(&revised.change, Change::PutIntegration(put) if put.hold.is_some())),
        "{changes:?}"
    );
    let late = configuration
        .switch(Direction::Outbound, ORG, id(), Some(&hold), expected, moment(6))
        .await;
    assert_eq!(late, Err(CommitError::Stale { current: revision }));
    let stranger = configuration
        .switch(Direction::Outbound, OrgId(2), id(), None, Expected::Any, moment(6))
        .await;
    assert_eq!(stranger, Err(CommitError::NotFound));
    configuration
        .switch(Direction::Outbound, ORG, id(), None, Expected::Any, moment(7))
        .await
        .unwrap();
    let sent = stored.store.integrations().get(ORG, id()).await.unwrap().unwrap();
    assert_eq!((sent.is_active, sent.hold), (true, None));
}
