//! Documents of configuration that cannot be read whole, and documents that need no key.

use std::sync::Arc;

use futures::TryStreamExt as _;
use ig_core::configuration::Change;
use ig_core::id::OrgId;
use ig_core::integration::{HoldCause, Integration, OutgoingAuth};
use ig_core::organization::Organization;
use ig_core::secret::Secret;
use ig_store::{Expected, MaybeReadable, Page, SearchFilter, SecretSealer, SecretsConfig, Store};
use ig_testkit::builders;
use ig_testkit::earlier::EarlierConfiguration;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use serde_json::json;

use crate::stored::{Stored, config};

const ORG: OrgId = OrgId(7);

async fn commit(store: &Store, change: Change) {
    store.configuration().commit(change, Expected::New).await.unwrap();
}

/// A store with an organisation and one integration that has a secret.
async fn stored() -> (Stored, Integration) {
    let stored = Stored::fresh().await;
    commit(&stored.store, Change::PutOrganization(builders::organization(ORG.0))).await;
    let integration = Integration {
        auth: OutgoingAuth::Bearer {
            token: Secret::new("token"),
        },
        headers: vec![("Accept".to_owned(), "text/csv".to_owned())],
        ..builders::integration(ORG.0, "order", "https://a.example/")
    };
    commit(&stored.store, Change::PutIntegration(Arc::new(integration.clone()))).await;
    (stored, integration)
}

async fn set(stored: &Stored, integration: &Integration, field: &str, value: impl Into<Bson>) {
    let items = stored.database.open().await.collection::<Document>("integration_configs");
    let id = doc! { "_id": ObjectId::from_bytes(integration.id.0) };
    let changed = items.update_one(id, doc! { "$set": { field: value.into() } }).await.unwrap();
    assert_eq!(changed.modified_count, 1, "{field}");
}

async fn followed(store: &Store) -> Vec<Arc<Integration>> {
    let (_, items) = store.configuration().snapshot().await.unwrap();
    let items: Vec<Vec<Change>> = items.try_collect().await.unwrap();
    let integrations = items.concat().into_iter().filter_map(|change| match change {
        Change::PutIntegration(integration) => Some(integration),
        _ => None,
    });
    integrations.collect()
}

#[tokio::test]
async fn stored_integration_that_cannot_be_read_is_held_whatever_is_wrong_with_it() {
    let faults: [(&str, Bson); 9] = [
        ("name", "n".repeat(201).into()),
        ("format", 3.into()),
        ("ordering", "IN_CIRCLES".into()),
        ("outgoingAuthType", "BY_LOOKS".into()),
        ("targetUrl", "no address".into()),
        ("actions", doc! {}.into()),
        ("filter", doc! { "script": 1 }.into()),
        ("schedulingConfig", "soon".into()),
        ("signing", doc! { "enabled": true }.into()),
    ];
    for (field, value) in faults {
        let (stored, integration) = stored().await;
        set(&stored, &integration, field, value).await;
        let found = stored.store.integrations().find(ORG, integration.id).await.unwrap();
        assert!(matches!(found, Some(MaybeReadable::Unreadable(_))), "{field}: {found:?}");
        let followed = followed(&stored.store).await;
        let held = followed.iter().find(|item| item.id == integration.id).expect(field);
        assert_eq!(
            held.hold.as_ref().map(|hold| hold.cause),
            Some(HoldCause::Unreadable),
            "{field}"
        );
        assert_eq!((held.is_active, &held.events), (false, &integration.events), "{field}");
        assert_eq!((&held.auth, &held.signing), (&OutgoingAuth::None, &None), "{field}");
    }
}

#[tokio::test]
async fn stored_integration_without_a_field_that_protects_it_is_unreadable() {
    for field in ["isActive", "outgoingAuthType", "signing", "customHeaders"] {
        let (stored, integration) = stored().await;
        let items = stored.database.open().await.collection::<Document>("integration_configs");
        let id = doc! { "_id": ObjectId::from_bytes(integration.id.0) };
        items.update_one(id, doc! { "$unset": { field: "" } }).await.unwrap();
        let found = stored.store.integrations().find(ORG, integration.id).await.unwrap();
        assert!(matches!(found, Some(MaybeReadable::Unreadable(_))), "{field}: {found:?}");
    }
}

#[tokio::test]
async fn field_that_a_later_version_stored_is_passed_over_and_survives_a_rotation() {
    let (stored, integration) = stored().await;
    set(&stored, &integration, "laterField", "kept").await;
    let read = stored.store.integrations().get(ORG, integration.id).await.unwrap();
    assert_eq!(read.map(|read| read.name), Some(integration.name.clone()));
    stored.store.configuration().renew_secrets().await.unwrap();
    let items = stored.database.open().await.collection::<Document>("integration_configs");
    let later = doc! { "laterField": "kept" };
    assert_eq!(items.count_documents(later).await.unwrap(), 1);
}

#[tokio::test]
async fn secrets_of_a_version_that_breaks_a_rule_of_today_are_counted_and_renewed() {
    let (stored, _) = stored().await;
    let versions = stored.database.open().await.collection::<Document>("config_versions");
    let broken = doc! { "$set": { "document.name": "n".repeat(201) } };
    let changed = versions
        .update_many(doc! { "kind": "OUTBOUND_INTEGRATION" }, broken)
        .await
        .unwrap();
    assert_eq!(changed.modified_count, 1);
    for tallies in [
        stored.store.configuration().count_secrets().await.unwrap(),
        stored.store.configuration().renew_secrets().await.unwrap(),
    ] {
        let faults: Vec<_> = tallies.iter().flat_map(|tally| &tally.faults).collect();
        assert_eq!(tallies.iter().map(|tally| tally.documents).sum::<u64>(), 2, "{faults:?}");
        assert!(faults.is_empty(), "{faults:?}");
    }
}

#[tokio::test]
async fn organization_that_cannot_be_read_remains_and_hides_no_other() {
    let stored = Stored::fresh().await;
    for org in [7, 8] {
        commit(&stored.store, Change::PutOrganization(builders::organization(org))).await;
    }
    stored
        .database
        .set_text("organizations", 7, "tags", "a text, where there was a list")
        .await;
    let found = stored.store.organizations().find(ORG, ORG).await.unwrap();
    let Some(MaybeReadable::Unreadable(found)) = found else {
        panic!("{found:?}");
    };
    assert_eq!((found.id.as_str(), found.name.as_str()), ("7", "Organisation 7"));
    let all = SearchFilter::default();
    let listed = stored.store.organizations().all(&all, Page::first(10)).await.unwrap();
    assert_eq!(listed.items.len(), 2);
}

#[tokio::test]
async fn free_json_with_the_private_keys_of_its_parser_is_kept_as_it_is() {
    let stored = Stored::fresh().await;
    let ui = json!({
        "a": {"$serde_json::private::Number": "x"}, "b": [{"$serde_json::private::RawValue": "["}],
    });
    let organization = Organization {
        ui: ui.as_object().unwrap().clone(),
        ..builders::organization(ORG.0)
    };
    commit(&stored.store, Change::PutOrganization(organization.clone())).await;
    let read = stored.store.organizations().get(ORG, ORG).await.unwrap().unwrap();
    assert_eq!(read.ui, organization.ui);
}

#[tokio::test]
async fn plain_headers_need_no_key_and_are_not_sealed_by_a_process_with_a_wrong_one() {
    let earlier = EarlierConfiguration::read();
    let database = ig_testkit::mongo::database();
    earlier.insert(&database).await;
    let keys = vec![SecretSealer::generate_key("wrong").unwrap()];
    let wrong = SecretSealer::new(&SecretsConfig { keys }).unwrap();
    let store = Store::connect(&config(&database), wrong).await.unwrap();
    store.migrate().await.unwrap();
    for (collection, document) in database.everything().await {
        assert!(!document.contains("wrong:"), "{collection}: {document}");
    }
}

#[tokio::test]
async fn rotation_of_earlier_documents_leaves_nothing_of_their_format() {
    let earlier = EarlierConfiguration::read();
    let database = ig_testkit::mongo::database();
    earlier.insert(&database).await;
    let keys = vec![SecretSealer::generate_key("next").unwrap(), earlier.key.clone()];
    let both = SecretSealer::new(&SecretsConfig { keys }).unwrap();
    let store = Store::connect(&config(&database), both).await.unwrap();
    store.configuration().renew_secrets().await.unwrap();
    let raw = database.open().await;
    for (collection, prefix) in [("integration_configs", ""), ("config_versions", "document.")] {
        for field in [
            "signingSecrets",
            "sealedHeaders",
            "headers",
            "probeAfterSeconds",
            "transformScript",
            "httpMethods",
        ] {
            let path = format!("{prefix}{field}");
            let rotated = doc! { path: { "$exists": true }, format!("{prefix}format"): 2 };
            let left = raw.collection::<Document>(collection).count_documents(rotated).await.unwrap();
            assert_eq!(left, 0, "{collection} {field}");
        }
    }
}
