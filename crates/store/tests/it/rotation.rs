//! Rotation of encryption keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ig_core::configuration::Change;
use ig_core::history::{Item, ItemKind};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::{ClientAuth, Hmac, InboundIntegration};
use ig_core::integration::{ClientCredentials, CredentialsLocation, Integration, OutgoingAuth};
use ig_core::job::Job;
use ig_core::secret::Secret;
use ig_store::{Expected, MongoConfig, SecretSealer, SecretsConfig, SecretsTally, Store};
use ig_testkit::builders;
use ig_testkit::mongo::TestDatabase;

const ORG: OrgId = OrgId(7);
const OLD: &str = "retired-key";
const NEW: &str = "fresh-key";

/// A database whose secrets are sealed under one key, and another key.
struct Ground {
    database: TestDatabase,
    old: String,
    new: String,
    items: Vec<(ItemKind, IntegrationId)>,
}

impl Ground {
    /// Creates every kind of item that may have a secret, some of them changed and some deleted.
    async fn prepare() -> Self {
        let mut ground = Self {
            database: ig_testkit::mongo::database(),
            old: SecretSealer::generate_key(OLD).unwrap(),
            new: SecretSealer::generate_key(NEW).unwrap(),
            items: Vec::new(),
        };
        let store = ground.store(&[&ground.old]).await;
        store.migrate().await.unwrap();
        commit(&store, Change::PutOrganization(builders::organization(ORG.0)), Expected::New).await;
        for change in everything() {
            ground.items.push(named(&change));
            commit(&store, change.clone(), Expected::New).await;
            commit(&store, change, Expected::Any).await;
        }
        let deleted = outbound(bearer());
        let id = deleted.id;
        commit(&store, Change::PutIntegration(Arc::new(deleted)), Expected::New).await;
        commit(&store, Change::DeleteIntegration(ORG, id), Expected::Any).await;
        ground
    }

    async fn store(&self, keys: &[&str]) -> Store {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let config = MongoConfig {
            uri: self.database.uri.clone(),
            database: self.database.name.clone(),
            ..MongoConfig::default()
        };
        Store::connect(&config, SecretSealer::new(&SecretsConfig { keys }).unwrap())
            .await
            .unwrap()
    }

    async fn rotating(&self) -> Store {
        self.store(&[&self.new, &self.old]).await
    }

    /// Every item as a store reads it, and every version of it.
    async fn read(&self, store: &Store) -> Vec<Change> {
        let mut read = Vec::new();
        for (kind, id) in &self.items {
            let item = Item {
                org: Some(ORG),
                kind: *kind,
                id: id.to_string(),
            };
            let configuration = store.configuration();
            let latest = configuration.version_at(&item, u64::MAX).await.unwrap().unwrap();
            let first = configuration.version_at(&item, latest.revision - 1).await.unwrap().unwrap();
            read.extend([first, latest].into_iter().filter_map(|version| version.content));
            read.extend(stored(store, *kind, *id).await);
        }
        read
    }
}

async fn commit(store: &Store, change: Change, expected: Expected) {
    store.configuration().commit(change, expected).await.unwrap();
}

async fn stored(store: &Store, kind: ItemKind, id: IntegrationId) -> Option<Change> {
    match kind {
        ItemKind::InboundIntegration => {
            let found = store.inbound_integrations().get(ORG, id).await.unwrap();
            found.map(|item| Change::PutInbound(Arc::new(item)))
        }
        ItemKind::ScheduledJob => store
            .jobs()
            .get(ORG, id)
            .await
            .unwrap()
            .map(|item| Change::PutJob(Arc::new(item))),
        _ => {
            let found = store.integrations().get(ORG, id).await.unwrap();
            found.map(|item| Change::PutIntegration(Arc::new(item)))
        }
    }
}

fn named(change: &Change) -> (ItemKind, IntegrationId) {
    match change {
        Change::PutIntegration(item) => (ItemKind::OutboundIntegration, item.id),
        Change::PutInbound(item) => (ItemKind::InboundIntegration, item.id),
        Change::PutJob(item) => (ItemKind::ScheduledJob, item.id),
        other => panic!("no secret is in {other:?}"),
    }
}

fn secret() -> Secret {
    Secret::new("a secret of one tenant")
}

fn bearer() -> OutgoingAuth {
    OutgoingAuth::Bearer { token: secret() }
}

fn headers() -> Vec<(String, String)> {
    vec![
        ("X-Auth-Token".to_owned(), "sealed".to_owned()),
        ("X-Plain".to_owned(), "as it is".to_owned()),
    ]
}

fn outbound(auth: OutgoingAuth) -> Integration {
    Integration {
        auth,
        signing: Some(builders::signing(3)),
        headers: headers(),
        ..builders::integration(ORG.0, "*", "https://a.example/")
    }
}

fn inbound(number: usize, client_auth: ClientAuth) -> InboundIntegration {
    InboundIntegration {
        client_auth,
        auth: bearer(),
        signing: Some(builders::signing(4)),
        headers: headers(),
        ..builders::inbound(ORG.0, &format!("call-{number}"), "https://a.example/")
    }
}

fn everything() -> Vec<Change> {
    let outgoing = [
        OutgoingAuth::ApiKey {
            header_name: "X-Key".to_owned(),
            api_key: secret(),
        },
        bearer(),
        OutgoingAuth::Basic {
            username: "ada".to_owned(),
            password: secret(),
        },
        OutgoingAuth::OAuth2(Box::new(ClientCredentials {
            token_url: "https://login.example/".parse().unwrap(),
            client_id: "client".to_owned(),
            client_secret: secret(),
            scope: None,
            audience: Some("them".to_owned()),
            location: CredentialsLocation::Body,
        })),
        OutgoingAuth::CustomHeaders {
            headers: vec![("X-A".to_owned(), secret()), ("X-B".to_owned(), secret())],
        },
    ];
    let clients = [
        ClientAuth::ApiKey {
            header_name: "X-Key".to_owned(),
            api_key: secret(),
        },
        ClientAuth::Bearer { token: secret() },
        ClientAuth::Basic {
            username: "ada".to_owned(),
            password: secret(),
        },
        ClientAuth::Hmac(Hmac {
            secrets: builders::signing(5),
            tolerance: Duration::from_mins(5),
        }),
    ];
    let job = Job {
        auth: bearer(),
        signing: Some(builders::signing(6)),
        headers: headers(),
        ..builders::job(ORG.0, "https://a.example/")
    };
    let mut everything = vec![Change::PutJob(Arc::new(job))];
    everything.extend(outgoing.map(|auth| Change::PutIntegration(Arc::new(outbound(auth)))));
    for (number, client) in clients.into_iter().enumerate() {
        everything.push(Change::PutInbound(Arc::new(inbound(number, client))));
    }
    everything
}

fn keys_of(found: &[SecretsTally]) -> BTreeMap<&str, u64> {
    let mut keys = BTreeMap::new();
    for (key, secrets) in found.iter().flat_map(|tally| &tally.by_key) {
        *keys.entry(key.as_str()).or_default() += secrets;
    }
    keys
}

#[tokio::test]
async fn rotation_leaves_nothing_under_the_old_key_and_everything_opens_without_it() {
    let ground = Ground::prepare().await;
    let rotating = ground.rotating().await;
    let before = ground.read(&rotating).await;
    let counted = rotating.configuration().count_secrets().await.unwrap();
    let renewed = rotating.configuration().renew_secrets().await.unwrap();
    for (counted, renewed) in counted.iter().zip(&renewed) {
        assert_eq!((counted.documents, &counted.by_key), (renewed.documents, &renewed.by_key));
        assert_eq!((counted.renewed, renewed.renewed), (0, renewed.documents));
        assert_eq!((renewed.overtaken, renewed.faulty), (0, 0), "{renewed:?}");
    }
    let versions = 2 * ground.items.len() + 1;
    let documents: Vec<_> = renewed
        .iter()
        .map(|tally| usize::try_from(tally.documents).unwrap())
        .collect();
    assert_eq!(documents, [ground.items.len(), versions, 0], "items, versions, connections");
    assert_eq!(keys_of(&renewed).into_keys().collect::<Vec<_>>(), [OLD]);

    let alone = ground.store(&[&ground.new]).await;
    assert_eq!(ground.read(&alone).await, before);
    let after = alone.configuration().count_secrets().await.unwrap();
    let secrets = keys_of(&counted)[OLD];
    assert_eq!(keys_of(&after), BTreeMap::from([(NEW, secrets)]));
    for (collection, document) in ground.database.everything().await {
        assert!(!document.contains(OLD), "{collection}: {document}");
    }
}

#[tokio::test]
async fn rotation_repeated_writes_nothing() {
    let ground = Ground::prepare().await;
    let rotating = ground.rotating().await;
    rotating.configuration().renew_secrets().await.unwrap();
    let before = ground.database.everything().await;
    let again = rotating.configuration().renew_secrets().await.unwrap();
    assert!(again.iter().all(|tally| tally.renewed == 0), "{again:?}");
    assert_eq!(keys_of(&again).into_keys().collect::<Vec<_>>(), [NEW]);
    assert_eq!(ground.database.everything().await, before);
}

#[tokio::test]
async fn rotation_names_a_document_under_an_unknown_key_and_renews_the_others() {
    let ground = Ground::prepare().await;
    let lost = SecretSealer::generate_key("lost-key").unwrap();
    let stranger = outbound(bearer());
    let id = stranger.id;
    commit(
        &ground.store(&[&lost]).await,
        Change::PutIntegration(Arc::new(stranger)),
        Expected::New,
    )
    .await;
    let found = ground.rotating().await.configuration().renew_secrets().await.unwrap();
    let what = "the secret is sealed with key \"lost-key\", which secrets.keys does not hold";
    assert_eq!(found[0].faults, [format!("integration_configs {id}: {what}")]);
    assert_eq!((found[0].faulty, found[1].faulty), (1, 1), "the item and its version");
    assert!(found[1].faults[0].starts_with("config_versions ") && found[1].faults[0].ends_with(what));
    let alone = ground.store(&[&ground.new]).await;
    assert!(!ground.read(&alone).await.is_empty());
}

#[tokio::test]
async fn rotation_preserves_a_concurrent_edit() {
    let ground = Ground::prepare().await;
    let (rotating, editing) = (ground.rotating().await, ground.rotating().await);
    let edits = async {
        for round in 0..10 {
            for change in ground.read(&editing).await {
                if let Change::PutIntegration(mut item) = change {
                    Arc::make_mut(&mut item).name = format!("Edit {round}");
                    commit(&editing, Change::PutIntegration(item), Expected::Any).await;
                }
            }
        }
    };
    let rotations = async {
        for _ in 0..10 {
            rotating.configuration().renew_secrets().await.unwrap();
        }
    };
    tokio::join!(edits, rotations);
    let alone = ground.store(&[&ground.new]).await;
    let mut seen = 0;
    for (kind, id) in &ground.items {
        if let Some(Change::PutIntegration(item)) = stored(&alone, *kind, *id).await {
            assert_eq!(item.name, "Edit 9");
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}
