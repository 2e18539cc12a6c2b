//! Following configuration: a snapshot, and the changes since.

use std::sync::Arc;

use futures::TryStreamExt;
use ig_core::configuration::{Change, Configuration, OrgConfiguration};
use ig_core::id::{EventType, OrgId, Rid};
use ig_store::{CommitError, Expected, PurgePass, Store};
use ig_testkit::builders;
use mongodb::bson::{Document, doc};
use proptest::prelude::*;

use crate::stored::Stored;

/// A change to one of a handful of items, so that they are created, changed and deleted again and again.
fn change() -> impl Strategy<Value = (Change, Expected)> {
    let expected = prop_oneof![3 => Just(Expected::New), 2 => Just(Expected::Any)];
    let change = (0..12u8, 1..4i64, 0..2i64).prop_map(|(kind, org, item)| {
        let mut integration = builders::integration(org, "order", "https://a.example/");
        integration.id = builders::integration_id(u64::try_from(org * 10 + item).unwrap());
        // Inbound integrations share a collection with the others, and may share a name with each other.
        let mut inbound = builders::inbound(org, "booking", "https://a.example/");
        inbound.id = builders::integration_id(u64::try_from(1000 + org * 10 + item).unwrap());
        let mut job = builders::job(org, "https://a.example/");
        job.id = builders::integration_id(u64::try_from(2000 + org * 10 + item).unwrap());
        match kind {
            8 => Change::PutInbound(Arc::new(inbound)),
            9 => Change::DeleteInbound(OrgId(org), inbound.id),
            10 => Change::PutJob(Arc::new(job)),
            11 => Change::DeleteJob(OrgId(org), job.id),
            0 => Change::PutOrganization(builders::organization(org)),
            1 => Change::DeleteOrganization(OrgId(org)),
            2 => Change::PutUnit(builders::unit(org, 100 + item)),
            3 => Change::DeleteUnit(OrgId(org), Rid(100 + item)),
            4 | 5 => Change::PutIntegration(Arc::new(integration)),
            6 => Change::DeleteIntegration(OrgId(org), integration.id),
            _ => Change::PutEventType(Arc::new(builders::event_type(org, "order"))),
        }
    });
    (change, expected)
}

async fn snapshot(store: &Store) -> Configuration {
    let (revision, items) = store.configuration().snapshot().await.unwrap();
    let mut configuration = Configuration::at(revision);
    let parts: Vec<Vec<Change>> = items.try_collect().await.unwrap();
    parts.into_iter().flatten().for_each(|item| configuration.put(item));
    configuration
}

async fn catch_up(store: &Store, configuration: &mut Configuration, limit: u32) {
    loop {
        let changes = store
            .configuration()
            .changes_since(configuration.revision(), limit)
            .await
            .unwrap()
            .expect("known");
        if changes.is_empty() {
            return;
        }
        for change in changes {
            configuration.apply(change);
        }
    }
}

/// The observable content of a configuration, as text to compare.
fn seen(configuration: &Configuration) -> String {
    let orgs = (1..4).map(|org| {
        let config = configuration.org(OrgId(org));
        let matches = config.map(|config| config.matches(&EventType::new("order"), Rid(org)));
        let inbound = config.map(|config| config.inbound(&"booking".parse().unwrap()));
        let mut jobs: Vec<_> = config.into_iter().flat_map(OrgConfiguration::jobs).collect();
        jobs.sort_unstable_by_key(|job| job.id);
        format!(
            "{org}: {:?}\n  {matches:?}\n  {inbound:?}\n  {jobs:?}\n",
            config.and_then(|config| config.organization())
        )
    });
    let units = (100..102).map(|rid| format!("{rid}: {:?}\n", configuration.org_of_entity(Rid(rid))));
    let seen: String = orgs.chain(units).collect();
    let mut integrations: Vec<_> = configuration
        .integrations()
        .map(|integration| (integration.id, integration.revision))
        .collect();
    integrations.sort_unstable();
    format!("{}\n{seen}{integrations:?}", configuration.revision())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn follower_from_any_revision_converges_to_the_snapshot(
        changes in proptest::collection::vec(change(), 1..60), begin in 0usize..60, limit in 1u32..8
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stored = Stored::fresh().await;
            let store = &stored.store;
            let mut from_nothing = Configuration::default();
            let mut from_the_middle = snapshot(store).await;
            for (number, (change, expected)) in changes.into_iter().enumerate() {
                let _ = store.configuration().commit(change, expected).await;
                if number == begin {
                    from_the_middle = snapshot(store).await;
                }
            }
            catch_up(store, &mut from_nothing, limit).await;
            catch_up(store, &mut from_the_middle, limit).await;
            let truth = seen(&snapshot(store).await);
            assert_eq!(seen(&from_nothing), truth);
            assert_eq!(seen(&from_the_middle), truth);
        });
    }
}

#[tokio::test]
async fn snapshot_read_during_changes_is_completed_by_the_changes_since() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let configuration = store.configuration();
    for org in 1..4 {
        configuration
            .commit(Change::PutOrganization(builders::organization(org)), Expected::New)
            .await
            .unwrap();
    }
    let put = |org: i64, number: u64| {
        let mut integration = builders::integration(org, "order", "https://a.example/");
        integration.id = builders::integration_id(number);
        Change::PutIntegration(Arc::new(integration))
    };
    for number in 0..60 {
        configuration.commit(put(1, number), Expected::New).await.unwrap();
    }
    let churn = async {
        for number in 0..60 {
            configuration
                .commit(
                    Change::DeleteIntegration(OrgId(1), builders::integration_id(number)),
                    Expected::Any,
                )
                .await
                .unwrap();
            configuration.commit(put(2, 1000 + number), Expected::New).await.unwrap();
        }
        configuration
            .commit(Change::DeleteOrganization(OrgId(3)), Expected::Any)
            .await
            .unwrap();
    };
    let follow = async {
        let mut followed = Vec::new();
        for _ in 0..20 {
            followed.push(snapshot(store).await);
        }
        followed
    };
    let ((), followed) = tokio::join!(churn, follow);
    let truth = seen(&snapshot(store).await);
    for mut configuration in followed {
        catch_up(store, &mut configuration, 7).await;
        assert_eq!(seen(&configuration), truth);
    }
}

#[tokio::test]
async fn follower_drops_a_deleted_organisations_items_even_if_it_was_created_again() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let mut follower = Configuration::default();
    let organization = || Change::PutOrganization(builders::organization(1));
    let unit = Change::PutUnit(builders::unit(1, 100));
    for change in [organization(), unit] {
        store.configuration().commit(change, Expected::New).await.unwrap();
    }
    catch_up(store, &mut follower, 10).await;
    let deletion = Change::DeleteOrganization(OrgId(1));
    store.configuration().commit(deletion, Expected::Any).await.unwrap();
    let held = store.configuration().commit(organization(), Expected::New).await;
    assert_eq!(held, Err(CommitError::NumberHeld { number: 1 }));
    let deletions = store.org_deletions();
    let now = chrono::Utc::now();
    assert!(deletions.claim("test", now).await.unwrap().is_some());
    assert_eq!(
        deletions.pass(OrgId(1), "other").await.unwrap(),
        PurgePass::Lost,
        "it is held"
    );
    deletions.finish(OrgId(1), "test", now).await.unwrap();
    store.configuration().commit(organization(), Expected::New).await.unwrap();
    catch_up(store, &mut follower, 10).await;
    assert_eq!(seen(&follower), seen(&snapshot(store).await));
}

#[tokio::test]
async fn changes_since_an_unknown_revision_are_none() {
    let stored = Stored::fresh().await;
    let configuration = stored.store.configuration();
    for org in 1..6 {
        configuration
            .commit(Change::PutOrganization(builders::organization(org)), Expected::New)
            .await
            .unwrap();
    }
    assert_eq!(configuration.changes_since(5, 10).await.unwrap(), Some(Vec::new()));
    assert_eq!(configuration.changes_since(6, 10).await.unwrap(), None, "it is not there yet");
    let log = stored.database.open().await.collection::<Document>("config_changes");
    log.delete_one(doc! { "_id": 2_i64 }).await.unwrap();
    assert_eq!(
        configuration.changes_since(1, 10).await.unwrap(),
        None,
        "its successor was forgotten"
    );
    assert_eq!(configuration.changes_since(2, 10).await.unwrap().unwrap().len(), 3);
}
