//! Named connections to databases.

use ig_core::access::Actor;
use ig_core::configuration::Change;
use ig_core::history::ItemKind;
use ig_core::id::OrgId;
use ig_core::job::{ConnectionGrant, DataConnection, TableAccess, TableScope};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_store::{
    AuditLogFilter, ConnectionError, DataConnections, Expected, Page, SecretSealer, SecretsConfig, SecretsTally, Store,
};
use ig_testkit::builders;
use mongodb::bson::{Document, doc};

use crate::stored::{Stored, config, moment};

const ORG: OrgId = OrgId(7);
const OTHER: OrgId = OrgId(8);
/// The marker in every password.
const MARK: &str = "planted7c1f";

fn by() -> Actor {
    Actor::system("test")
}

fn grant(org_id: OrgId, is_default: bool) -> ConnectionGrant {
    ConnectionGrant { org_id, is_default }
}

fn connection(name: &str, grants: Vec<ConnectionGrant>) -> DataConnection {
    let table = |name: &str, scope| TableAccess {
        table: name.parse().unwrap(),
        scope,
    };
    let tables = vec![
        table(
            "bills",
            TableScope::Tenant {
                column: "entity_rid".parse().unwrap(),
            },
        ),
        table("geo.countries", TableScope::Shared),
    ];
    let url = Secret::new(format!("mysql://reader:{MARK}@db.invalid:3306/his"));
    DataConnection::new(name.parse().unwrap(), url, tables, grants, 0, moment(0), moment(0)).unwrap()
}

async fn with_orgs() -> Stored {
    let stored = Stored::fresh().await;
    for org in [ORG, OTHER] {
        let change = Change::PutOrganization(builders::organization(org.0));
        stored.store.configuration().commit(change, Expected::New).await.unwrap();
    }
    stored
}

fn connections(stored: &Stored) -> DataConnections {
    stored.store.data_connections()
}

#[tokio::test]
async fn data_connection_is_sealed_and_shown_without_its_password() {
    let stored = with_orgs().await;
    let new = connection("billing", vec![grant(ORG, true), grant(OTHER, false)]);
    let made = connections(&stored).create(&new, &by()).await.unwrap();
    assert_eq!(made.address, "mysql://reader:********@db.invalid:3306/his");
    assert_eq!((&made.tables, &made.grants), (&new.tables, &new.grants));
    assert_eq!(connections(&stored).get(&new.name).await.unwrap(), Some(made.clone()));
    let listed = connections(&stored).list(Some("DB.inv"), Page::first(10)).await.unwrap();
    assert_eq!((listed.items, listed.total), (vec![made.clone()], 1));
    let opened = connections(&stored).open(&new.name).await.unwrap().unwrap();
    assert_eq!(
        opened,
        DataConnection {
            revision: made.revision,
            ..new.clone()
        }
    );
    let secret = Secret::new(format!("mysql://reader:{MARK}-2@db.invalid:3306/his"));
    let changed = DataConnection {
        url: secret,
        ..new.clone()
    };
    let replaced = connections(&stored).replace(&changed, made.revision, &by()).await.unwrap();
    connections(&stored)
        .delete(&new.name, replaced.revision, &by())
        .await
        .unwrap();
    for (collection, document) in stored.database.everything().await {
        assert!(!document.contains(MARK), "{collection}: {document}");
    }
    let entries = stored
        .store
        .audit_logs()
        .list(&of_connections(), Page::first(10))
        .await
        .unwrap();
    assert_eq!(entries.total, 3);
    let mut entries = entries.items.into_iter().map(|entry| entry.id);
    let middle: ig_core::id::LogId = entries.nth(1).unwrap().parse().unwrap();
    let middle = stored.store.audit_logs().get(middle.0).await.unwrap().unwrap();
    let after = middle.after.unwrap();
    assert_eq!((&after["url"], &after["urlChanged"]), (&made.address.into(), &true.into()));
    assert_eq!((middle.item.org, middle.item.id.as_str()), (None, "billing"));
}

fn of_connections() -> AuditLogFilter {
    AuditLogFilter {
        kind: Some(ItemKind::DataConnection),
        ..AuditLogFilter::default()
    }
}

#[tokio::test]
async fn data_connection_changes_only_at_the_revision_that_was_read() {
    let stored = with_orgs().await;
    let new = connection("billing", vec![grant(ORG, true)]);
    let made = connections(&stored).create(&new, &by()).await.unwrap();
    let again = connections(&stored).create(&new, &by()).await;
    assert_eq!(again, Err(ConnectionError::Taken));
    let replaced = connections(&stored).replace(&new, made.revision, &by()).await.unwrap();
    assert!(replaced.revision > made.revision);
    let stale = ConnectionError::Stale {
        current: replaced.revision,
    };
    let lost = connections(&stored).replace(&new, made.revision, &by()).await;
    assert_eq!(lost, Err(stale.clone()));
    let deleted = connections(&stored).delete(&new.name, made.revision, &by()).await;
    assert_eq!(deleted, Err(stale));
    connections(&stored)
        .delete(&new.name, replaced.revision, &by())
        .await
        .unwrap();
    let gone = connections(&stored).replace(&new, replaced.revision, &by()).await;
    assert_eq!(gone, Err(ConnectionError::NotFound));
    let another = connections(&stored).create(&new, &by()).await.unwrap();
    assert!(
        another.revision > replaced.revision,
        "a revision that was read before says nothing about another connection"
    );
}

#[tokio::test]
async fn data_connection_default_is_unique_within_an_organisation_whoever_writes_at_once() {
    let stored = with_orgs().await;
    let writers = futures::future::join_all((0..6).map(|number| {
        let connections = connections(&stored);
        async move {
            let new = connection(&format!("c{number}"), vec![grant(ORG, true), grant(OTHER, number == 0)]);
            connections.create(&new, &by()).await
        }
    }));
    let (made, refused): (Vec<_>, Vec<_>) = writers.await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1, "{refused:?}");
    let first = made.into_iter().next().unwrap().unwrap();
    for refusal in refused {
        let Err(ConnectionError::DefaultTaken(taken)) = &refusal else {
            panic!("{refusal:?}")
        };
        assert_eq!(taken[0], (ORG, first.name.to_string()));
    }
    let second = connection("second", vec![grant(ORG, false)]);
    let second = connections(&stored).create(&second, &by()).await.unwrap();
    let both = connection("second", vec![grant(ORG, true)]);
    let taken = connections(&stored).replace(&both, second.revision, &by()).await;
    assert_eq!(taken, Err(ConnectionError::DefaultTaken(vec![(ORG, first.name.to_string())])));
    let mut own = connections(&stored).open(&first.name).await.unwrap().unwrap();
    own.tables.clear();
    connections(&stored).replace(&own, first.revision, &by()).await.unwrap();
}

#[tokio::test]
async fn data_connection_is_found_by_the_organisations_that_may_use_it_and_no_others() {
    let stored = with_orgs().await;
    let default = connection("default", vec![grant(ORG, true)]);
    let named = connection("named", vec![grant(ORG, false), grant(OTHER, true)]);
    let foreign = connection("foreign", vec![grant(OTHER, false)]);
    for new in [&default, &named, &foreign] {
        connections(&stored).create(new, &by()).await.unwrap();
    }
    for (org, name, expected) in [
        (ORG, None, Some("default")),
        (ORG, Some("named"), Some("named")),
        (ORG, Some("default"), Some("default")),
        (ORG, Some("foreign"), None),
        (ORG, Some("nothing"), None),
        (OTHER, None, Some("named")),
        (OTHER, Some("default"), None),
        (OrgId(9), None, None),
    ] {
        let name = name.map(|name: &str| name.parse().unwrap());
        let found = connections(&stored).open_granted(org, name.as_ref()).await.unwrap();
        assert_eq!(found.as_ref().map(|found| found.name.as_str()), expected, "{org} {name:?}");
    }
    let listed = connections(&stored).list_granted(ORG, Page::first(10)).await.unwrap();
    let names: Vec<_> = listed.items.iter().map(|found| found.name.as_str()).collect();
    assert_eq!((names, listed.total), (vec!["default", "named"], 2));
}

#[tokio::test]
async fn data_connection_is_granted_to_existing_organisations_and_loses_the_grants_of_deleted_ones() {
    let stored = with_orgs().await;
    let unknown = connection(
        "billing",
        vec![grant(OrgId(99), false), grant(ORG, true), grant(OrgId(98), false)],
    );
    let refused = connections(&stored).create(&unknown, &by()).await;
    assert_eq!(refused, Err(ConnectionError::UnknownOrgs(vec![OrgId(99), OrgId(98)])));
    let new = connection("billing", vec![grant(ORG, true), grant(OTHER, false)]);
    let made = connections(&stored).create(&new, &by()).await.unwrap();
    let deletions = stored.store.org_deletions();
    assert_eq!(deletions.remaining(ORG).await.unwrap()["dataConnectionGrants"], Some(1));
    let deleted = Change::DeleteOrganization(ORG);
    stored.store.configuration().commit(deleted, Expected::Any).await.unwrap();
    let claimed = deletions.claim("one", chrono::Utc::now()).await.unwrap();
    assert_eq!(claimed.map(|deletion| deletion.org_id), Some(ORG));
    deletions.pass(ORG, "one").await.unwrap();
    let left = connections(&stored).get(&new.name).await.unwrap().unwrap();
    assert_eq!(left.grants, [grant(OTHER, false)]);
    assert!(left.revision > made.revision);
    assert_eq!(deletions.remaining(ORG).await.unwrap()["dataConnectionGrants"], Some(0));
    let removed = deletions.get(ORG).await.unwrap().unwrap().removed;
    assert_eq!(removed.get("dataConnectionGrants"), Some(&1));
    let opened = connections(&stored).open(&new.name).await.unwrap().unwrap();
    assert_eq!(opened.url, new.url, "the address stays sealed for the same connection");
}

#[tokio::test]
async fn data_connection_that_cannot_be_opened_is_still_listed_replaced_and_deleted() {
    let stored = with_orgs().await;
    let new = connection("billing", vec![grant(ORG, true)]);
    let made = connections(&stored).create(&new, &by()).await.unwrap();
    let keys = vec![SecretSealer::generate_key("another").unwrap()];
    let secrets = SecretSealer::new(&SecretsConfig { keys }).unwrap();
    let other = Store::connect(&config(&stored.database), secrets).await.unwrap();
    let listed = other.data_connections().list(None, Page::first(10)).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&made));
    let opened = other.data_connections().open(&new.name).await;
    assert!(matches!(opened, Err(StoreError::Refused(_))), "{opened:?}");
    let replaced = other.data_connections().replace(&new, made.revision, &by()).await.unwrap();
    assert!(other.data_connections().open(&new.name).await.is_ok());
    other
        .data_connections()
        .delete(&new.name, replaced.revision, &by())
        .await
        .unwrap();
}

#[tokio::test]
async fn data_connection_address_opens_under_its_own_name_alone() {
    let stored = with_orgs().await;
    for name in ["one", "two"] {
        connections(&stored)
            .create(&connection(name, Vec::new()), &by())
            .await
            .unwrap();
    }
    let rows = stored.database.open().await.collection::<Document>("data_connections");
    let one = rows.find_one(doc! { "_id": "one" }).await.unwrap().unwrap();
    let moved = doc! { "$set": { "url": one.get_str("url").unwrap() } };
    rows.update_one(doc! { "_id": "two" }, moved).await.unwrap();
    let opened = connections(&stored).open(&"two".parse().unwrap()).await;
    assert!(matches!(opened, Err(StoreError::Refused(_))), "{opened:?}");
}

#[tokio::test]
async fn data_connections_are_limited_in_number() {
    let stored = with_orgs().await;
    connections(&stored)
        .create(&connection("template", Vec::new()), &by())
        .await
        .unwrap();
    let rows = stored.database.open().await.collection::<Document>("data_connections");
    let template = rows.find_one(doc! {}).await.unwrap().unwrap();
    let copies: Vec<_> = (1..499)
        .map(|number| {
            let mut copy = template.clone();
            copy.insert("_id", format!("copy-{number}"));
            copy
        })
        .collect();
    rows.insert_many(copies).await.unwrap();
    let last = connection("last", Vec::new());
    let last = connections(&stored).create(&last, &by()).await.unwrap();
    let beyond = connections(&stored).create(&connection("beyond", Vec::new()), &by()).await;
    assert_eq!(beyond, Err(ConnectionError::Full));
    let replaced = connection("last", vec![grant(ORG, true)]);
    connections(&stored).replace(&replaced, last.revision, &by()).await.unwrap();
    let many: Vec<_> = (0..500).map(|number| format!("t{number:03}{}", "x".repeat(60))).collect();
    let tables = many.iter().map(|name| TableAccess {
        table: name.parse().unwrap(),
        scope: TableScope::Shared,
    });
    let wide = DataConnection {
        tables: tables.collect(),
        ..connection("template", Vec::new())
    };
    let stored_template = connections(&stored).get(&wide.name).await.unwrap().unwrap();
    let replaced = connections(&stored)
        .replace(&wide, stored_template.revision, &by())
        .await
        .unwrap();
    assert_eq!(replaced.tables.len(), 500);
}

#[tokio::test]
async fn data_connection_address_is_counted_and_renewed_with_the_secrets_of_integrations() {
    let database = ig_testkit::mongo::database();
    let [old, new] = ["old", "new"].map(|id| SecretSealer::generate_key(id).unwrap());
    let with = async |keys: &[&String]| {
        let keys = keys.iter().map(|key| (*key).clone()).collect();
        let secrets = SecretSealer::new(&SecretsConfig { keys }).unwrap();
        Store::connect(&config(&database), secrets).await.unwrap()
    };
    let before = with(&[&old]).await;
    before.migrate().await.unwrap();
    let made = before
        .data_connections()
        .create(&connection("billing", Vec::new()), &by())
        .await
        .unwrap();
    let both = with(&[&new, &old]).await;
    let counted = both.configuration().count_secrets().await.unwrap();
    let of_connections = |tallies: &[SecretsTally]| {
        let tally = tallies.iter().find(|tally| tally.collection == "data_connections").cloned();
        tally.expect("the connections are counted")
    };
    assert_eq!(of_connections(&counted).by_key, [("old".to_owned(), 1)].into());
    let renewed = both.configuration().renew_secrets().await.unwrap();
    assert_eq!(of_connections(&renewed).renewed, 1);
    let after = with(&[&new]).await;
    let opened = after.data_connections().open(&made.name).await.unwrap().unwrap();
    assert_eq!(opened.url.expose(), format!("mysql://reader:{MARK}@db.invalid:3306/his"));
    assert_eq!(opened.revision, made.revision, "a rotation is no change");
}
