//! Configuration that an earlier version stored.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use ig_core::configuration::Change;
use ig_core::history::{Item, ItemKind};
use ig_core::id::IntegrationId;
use ig_core::organization::{OrgUnit, Organization};
use ig_store::{JobFilter, MaybeReadable, Page, SecretSealer, SecretsConfig, Store};
use ig_testkit::builders;
use ig_testkit::earlier::{EarlierConfiguration, unwritten};
use ig_testkit::mongo::TestDatabase;
use mongodb::bson::oid::ObjectId;

use crate::stored::config;

mod written;

use written::{ORG, everything};

/// A database as the earlier version left it, and a store over it.
async fn stored(earlier: &EarlierConfiguration) -> (TestDatabase, Store) {
    let database = ig_testkit::mongo::database();
    earlier.insert(&database).await;
    let secrets = SecretSealer::new(&SecretsConfig {
        keys: vec![earlier.key.clone()],
    });
    let store = Store::connect(&config(&database), secrets.unwrap()).await.unwrap();
    (database, store)
}

/// The item of a change as a store reads it, and all its versions.
async fn read(store: &Store, change: &Change) -> Vec<Change> {
    let (kind, id) = match change {
        Change::PutOrganization(_) => (ItemKind::Organization, ORG.to_string()),
        Change::PutUnit(unit) => (ItemKind::Unit, unit.rid.to_string()),
        Change::PutEventType(definition) => (ItemKind::EventType, definition.event_type.to_string()),
        Change::PutTemplate(template) => (ItemKind::Template, template.id.to_string()),
        Change::PutIntegration(integration) => (ItemKind::OutboundIntegration, integration.id.to_string()),
        Change::PutInbound(inbound) => (ItemKind::InboundIntegration, inbound.id.to_string()),
        Change::PutJob(job) => (ItemKind::ScheduledJob, job.id.to_string()),
        other => panic!("{other:?} puts nothing"),
    };
    let item = match change {
        Change::PutOrganization(_) => store
            .organizations()
            .get(ORG, ORG)
            .await
            .unwrap()
            .map(Change::PutOrganization),
        Change::PutUnit(unit) => store.org_units().get(ORG, unit.rid).await.unwrap().map(Change::PutUnit),
        Change::PutEventType(definition) => {
            let found = store.event_types().get(ORG, &definition.event_type).await.unwrap();
            found.map(|item| Change::PutEventType(Arc::new(item)))
        }
        Change::PutTemplate(template) => {
            let found = store.templates().get(ORG, template.id).await.unwrap();
            found.map(|item| Change::PutTemplate(Arc::new(item)))
        }
        Change::PutIntegration(integration) => {
            let found = store.integrations().get(ORG, integration.id).await.unwrap();
            found.map(|item| Change::PutIntegration(Arc::new(item)))
        }
        Change::PutInbound(inbound) => {
            let found = store.inbound_integrations().get(ORG, inbound.id).await.unwrap();
            found.map(|item| Change::PutInbound(Arc::new(item)))
        }
        _ => {
            let found = store.jobs().get(ORG, IntegrationId(id_bytes(&id))).await.unwrap();
            found.map(|item| Change::PutJob(Arc::new(item)))
        }
    };
    let item = item.expect("an item that the earlier version stored");
    let configuration = store.configuration();
    let named = Item {
        org: Some(ORG),
        kind,
        id,
    };
    let latest = configuration.version_at(&named, u64::MAX).await.unwrap().unwrap();
    let first = configuration.version_at(&named, latest.revision - 1).await.unwrap().unwrap();
    vec![first.content.unwrap(), latest.content.unwrap(), item]
}

fn id_bytes(text: &str) -> [u8; 12] {
    text.parse::<ObjectId>().unwrap().bytes()
}

/// The same change at the revision of another.
fn at_revision_of(change: &Change, other: &Change) -> Change {
    match (change.clone(), other) {
        (Change::PutOrganization(item), Change::PutOrganization(other)) => Change::PutOrganization(Organization {
            revision: other.revision,
            ..item
        }),
        (Change::PutUnit(item), Change::PutUnit(other)) => Change::PutUnit(OrgUnit {
            revision: other.revision,
            ..item
        }),
        (Change::PutEventType(mut item), Change::PutEventType(other)) => {
            Arc::make_mut(&mut item).revision = other.revision;
            Change::PutEventType(item)
        }
        (Change::PutTemplate(mut item), Change::PutTemplate(other)) => {
            Arc::make_mut(&mut item).revision = other.revision;
            Change::PutTemplate(item)
        }
        (Change::PutIntegration(mut item), Change::PutIntegration(other)) => {
            Arc::make_mut(&mut item).revision = other.revision;
            Change::PutIntegration(item)
        }
        (Change::PutInbound(mut item), Change::PutInbound(other)) => {
            Arc::make_mut(&mut item).revision = other.revision;
            Change::PutInbound(item)
        }
        (Change::PutJob(mut item), Change::PutJob(other)) => {
            Arc::make_mut(&mut item).revision = other.revision;
            Change::PutJob(item)
        }
        (change, other) => panic!("{other:?} was read for {change:?}"),
    }
}

async fn assert_readable(store: &Store) {
    for change in everything() {
        for found in read(store, &change).await {
            assert_eq!(found, at_revision_of(&change, &found));
        }
    }
}

#[tokio::test]
async fn configuration_of_an_earlier_version_is_read_before_and_after_it_is_rewritten() {
    let (database, store) = stored(&EarlierConfiguration::read()).await;
    assert!(unwritten(&database).await > 0);
    assert_readable(&store).await;
    store.migrate().await.unwrap();
    assert_eq!(unwritten(&database).await, 0);
    assert_readable(&store).await;
    let (revision, items) = store.configuration().snapshot().await.unwrap();
    let items: Vec<Vec<Change>> = items.try_collect().await.unwrap();
    assert_eq!(items.concat().len(), everything().len() - 1, "templates are not followed");
    let changes = store.configuration().changes_since(0, 1_000).await.unwrap().unwrap();
    assert_eq!(changes.last().map(|change| change.revision), Some(revision));
}

#[tokio::test]
async fn rewriting_configuration_that_stops_anywhere_goes_on_at_the_next_start() {
    let (database, store) = stored(&EarlierConfiguration::read()).await;
    let mut left = unwritten(&database).await;
    let total = left;
    let mut stops = 0;
    for millis in (0..).map(|doublings| 1 << doublings) {
        let _ = tokio::time::timeout(Duration::from_millis(millis), store.migrate()).await;
        let now = unwritten(&database).await;
        assert!(now <= left, "{now} after {left}");
        stops += usize::from(now > 0 && now < total);
        left = now;
        assert_readable(&store).await;
        if left == 0 {
            break;
        }
    }
    assert!(stops > 0 || total > 0);
}

#[tokio::test]
async fn configuration_whose_key_is_gone_stays_for_the_day_the_key_returns() {
    let (database, store) = stored(&EarlierConfiguration::read()).await;
    let other = SecretSealer::new(&SecretsConfig {
        keys: vec![SecretSealer::generate_key("other").unwrap()],
    });
    let stranger = Store::connect(&config(&database), other.unwrap()).await.unwrap();
    stranger.migrate().await.unwrap();
    let found = stranger.integrations().find(ORG, builders::integration_id(41)).await.unwrap();
    assert!(matches!(found, Some(MaybeReadable::Unreadable(_))), "{found:?}");
    let listed = stranger
        .jobs()
        .list(ORG, &JobFilter::default(), Page::first(10))
        .await
        .unwrap();
    assert!(
        listed.items.iter().all(|job| matches!(job, MaybeReadable::Unreadable(_))),
        "{listed:?}"
    );
    assert_readable(&store).await;
}
