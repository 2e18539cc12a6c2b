//! Changing configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt as _;
use futures::future::join_all;
use ig_core::configuration::Change;
use ig_core::id::{EventType, OrgId, Rid};
use ig_core::organization::Organization;
use ig_store::{CommitError, Expected, IntegrationFilter, Page, SearchFilter};
use ig_testkit::builders;
use mongodb::bson::{Document, doc};

use crate::stored::Stored;

fn put_org(org: i64) -> Change {
    Change::PutOrganization(builders::organization(org))
}

fn put_unit(org: i64, rid: i64) -> Change {
    Change::PutUnit(builders::unit(org, rid))
}

#[tokio::test]
async fn commit_is_read_with_its_revision() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    assert_eq!(configuration.revision().await.unwrap(), 0);
    assert_eq!(configuration.commit(put_org(7), Expected::New).await, Ok(1));
    let stored = store.organizations().get(OrgId(7), OrgId(7)).await.unwrap();
    assert_eq!(
        stored,
        Some(Organization {
            revision: 1,
            ..builders::organization(7)
        })
    );
    assert_eq!(configuration.revision().await.unwrap(), 1);
}

#[tokio::test]
async fn commits_of_several_processes_get_consecutive_revisions() {
    let stored = Stored::fresh().await;
    let others = [stored.another().await, stored.another().await, stored.another().await];
    let writers = others.map(|store| store.configuration());
    let commits = (1..=24)
        .zip(writers.iter().cycle())
        .map(|(org, writer)| writer.commit(put_org(org), Expected::New));
    let revisions: BTreeSet<u64> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(revisions, (1..=24).collect());
}

#[tokio::test]
async fn commit_of_a_revision_that_another_commit_changed_is_stale() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    configuration.commit(put_org(7), Expected::New).await.unwrap();
    let (one, other) = tokio::join!(
        configuration.commit(put_org(7), Expected::Revision(1)),
        configuration.commit(put_org(7), Expected::Revision(1)),
    );
    let won: Vec<_> = [&one, &other]
        .into_iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(won, [&2], "{one:?} {other:?}");
    assert!([one, other].contains(&Err(CommitError::Stale { current: 2 })));
    assert_eq!(
        configuration.revision().await.unwrap(),
        2,
        "what was refused left no revision behind"
    );
}

#[tokio::test]
async fn commit_of_a_duplicate_names_the_taken_field() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    for change in [put_org(7), put_org(8), put_unit(7, 70)] {
        configuration.commit(change, Expected::New).await.unwrap();
    }
    let integration = builders::integration(7, "order", "https://a.example/");
    let put = Change::PutIntegration(Arc::new(integration.clone()));
    configuration.commit(put.clone(), Expected::New).await.unwrap();
    let event_type = Change::PutEventType(Arc::new(builders::event_type(7, "order")));
    configuration.commit(event_type.clone(), Expected::New).await.unwrap();
    let table = [
        (put_org(7), "orgId"),
        (put_org(70), "orgId"),
        (put_unit(7, 70), "rid"),
        (put_unit(8, 70), "rid"),
        (put_unit(8, 7), "rid"),
        (put, "id"),
        (event_type, "eventType"),
    ];
    for (change, what) in table {
        let outcome = configuration.commit(change.clone(), Expected::New).await;
        assert_eq!(outcome, Err(CommitError::Duplicate { what }), "{change:?}");
    }
}

#[tokio::test]
async fn commit_to_another_organisations_item_finds_nothing() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    for change in [put_org(7), put_org(8), put_unit(7, 70)] {
        configuration.commit(change, Expected::New).await.unwrap();
    }
    let changes = [put_unit(8, 70), Change::DeleteUnit(OrgId(8), Rid(70)), put_unit(9, 90)];
    for change in changes {
        assert_eq!(configuration.commit(change, Expected::Any).await, Err(CommitError::NotFound));
    }
    assert_eq!(
        configuration.commit(put_unit(9, 90), Expected::New).await,
        Err(CommitError::NotFound)
    );
    assert!(store.org_units().get(OrgId(7), Rid(70)).await.unwrap().is_some());
}

#[tokio::test]
async fn organisation_is_deleted_with_all_that_it_had_and_nothing_else() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    for org in [7, 8] {
        let integration = builders::integration(org, "order", "https://a.example/");
        let changes = [
            put_org(org),
            put_unit(org, org * 10),
            Change::PutIntegration(Arc::new(integration)),
            Change::PutEventType(Arc::new(builders::event_type(org, "order"))),
        ];
        for change in changes {
            configuration.commit(change, Expected::New).await.unwrap();
        }
    }
    assert_eq!(
        configuration
            .commit(Change::DeleteOrganization(OrgId(7)), Expected::Any)
            .await,
        Ok(9)
    );
    for (org, left) in [(7, 0), (8, 1)] {
        let units = store
            .org_units()
            .list(OrgId(org), &SearchFilter::default(), Page::first(10))
            .await
            .unwrap()
            .total;
        let integrations = store
            .integrations()
            .list(OrgId(org), &IntegrationFilter::default(), Page::first(10))
            .await
            .unwrap()
            .total;
        let event_type = store.event_types().get(OrgId(org), &EventType::new("order")).await.unwrap();
        assert_eq!(
            (units, integrations, event_type.is_some()),
            (left, left, left == 1),
            "organisation {org}"
        );
    }
}

/// When each document of a collection expires, in the order of their ids.
async fn ends(stored: &Stored, collection: &str, filter: Document) -> Vec<Option<i64>> {
    let documents = stored.database.open().await.collection::<Document>(collection);
    let cursor = documents.find(filter).sort(doc! { "_id": 1 }).await.unwrap();
    let found: Vec<Document> = cursor.try_collect().await.unwrap();
    let end = |document: &Document| document.get_datetime("expiresAt").ok().map(|end| end.timestamp_millis());
    found.iter().map(end).collect()
}

#[tokio::test]
async fn superseded_versions_and_audit_entries_expire() {
    let stored = Stored::fresh().await;
    let configuration = stored.store.configuration();
    let years = |years: i64| chrono::Utc::now().timestamp_millis() + years * 365 * 86_400_000;
    let organization = Organization {
        retention_days: Some(3_650),
        ..builders::organization(7)
    };
    let longer = Change::PutOrganization(organization);
    configuration.commit(longer, Expected::New).await.unwrap();
    configuration.commit(put_org(8), Expected::New).await.unwrap();
    for (org, least, most) in [(7, 9, 11), (8, 6, 7)] {
        let event_type = || Change::PutEventType(Arc::new(builders::event_type(org, "order")));
        let versions = doc! { "orgId": org, "kind": "EVENT_TYPE" };
        configuration.commit(event_type(), Expected::New).await.unwrap();
        assert_eq!(
            ends(&stored, "config_versions", versions.clone()).await,
            [None],
            "it is in force"
        );
        configuration.commit(event_type(), Expected::Any).await.unwrap();
        let kept = ends(&stored, "config_versions", versions.clone()).await;
        assert!(
            matches!(kept[..], [Some(end), None] if end > years(least) && end < years(most)),
            "{kept:?}"
        );
        let delete = Change::DeleteEventType(OrgId(org), EventType::new("order"));
        configuration.commit(delete, Expected::Any).await.unwrap();
        let kept = ends(&stored, "config_versions", versions).await;
        assert!(kept.len() == 3 && kept.iter().all(Option::is_some), "{kept:?}");
        let audited = ends(&stored, "audit_logs", doc! { "orgId": org, "kind": "EVENT_TYPE" }).await;
        let in_time = |end: &Option<i64>| end.is_some_and(|end| end > years(least) && end < years(most));
        assert!(audited.len() == 3 && audited.iter().all(in_time), "{audited:?}");
    }
}

#[tokio::test]
async fn history_keeps_the_latest_versions_of_an_item() {
    let stored = Stored::fresh().await;
    let configuration = stored.store.configuration();
    configuration.commit(put_org(7), Expected::New).await.unwrap();
    for _ in 0..520 {
        configuration.commit(put_org(7), Expected::Any).await.unwrap();
    }
    let kept = ends(&stored, "config_versions", doc! { "orgId": 7_i64 }).await;
    assert_eq!(kept.len(), 500);
    assert_eq!(kept.iter().filter(|end| end.is_none()).count(), 1);
}
