//! Tenants' secrets at rest.

use std::sync::Arc;
use std::time::Duration;

use ig_core::condition::{Condition, FieldTest, Filter};
use ig_core::configuration::Change;
use ig_core::id::{LookupType, Rid};
use ig_core::integration::{
    Action, DateFormat, FieldMapping, Integration, LookupReturn, LookupRule, LookupSource, Ordering, OutgoingAuth, Scope, Script,
    SimpleMapping, StaticField, Transform, Transformation, Unmapped,
};
use ig_core::secret::Secret;
use ig_store::{Expected, SecretSealer, SecretsConfig, Store, StoreError};
use ig_testkit::builders;
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::json;

use crate::stored::{Stored, config};

const SECRET: &str = "a secret of 1 tenant";

fn auths() -> Vec<OutgoingAuth> {
    let secret = || Secret::new(SECRET);
    vec![
        OutgoingAuth::None,
        OutgoingAuth::ApiKey {
            header_name: "X-Key".to_owned(),
            api_key: secret(),
        },
        OutgoingAuth::Bearer { token: secret() },
        OutgoingAuth::Basic {
            username: "ada".to_owned(),
            password: secret(),
        },
        OutgoingAuth::CustomHeaders {
            headers: vec![("X-A".to_owned(), secret()), ("X-B".to_owned(), secret())],
        },
    ]
}

fn script(source: &str) -> Script {
    Script::new(source).unwrap()
}

fn lookups() -> [LookupRule; 2] {
    let rule = LookupRule {
        lookup_type: LookupType::new("DEPARTMENT"),
        source: LookupSource::Field("a[].b".to_owned()),
        target_field: "c[].d".to_owned(),
        returns: LookupReturn::Value { field: "id".to_owned() },
        unmapped: Unmapped::Fail,
    };
    let other = LookupRule {
        source: LookupSource::Template("{{a}}-{{b.c}}".to_owned()),
        returns: LookupReturn::Object,
        unmapped: Unmapped::Default(json!({ "$a.b": null })),
        ..rule.clone()
    };
    [rule, other]
}

/// An integration that uses every feature.
fn full(auth: OutgoingAuth) -> Integration {
    let date = Transform::Date(DateFormat {
        input: Some("%d.%m.%Y".to_owned()),
        output: None,
        timezone: Some("Asia/Kolkata".to_owned()),
    });
    let transforms = [
        None,
        Some(Transform::Trim),
        Some(Transform::Upper),
        Some(Transform::Lower),
        Some(Transform::Default),
        Some(date),
        Some(Transform::Lookup(LookupType::new("DEPARTMENT"))),
    ];
    let fields = transforms.into_iter().map(|transform| FieldMapping {
        source: "a.$b[].c".to_owned(),
        target: "x.y".to_owned(),
        transform,
        default: Some(json!({ "$set": 18_446_744_073_709_551_615_u64, "a.b": [null, 1.5] })),
    });
    let transformation = Transformation::Simple(SimpleMapping {
        passthrough: true,
        fields: fields.collect(),
        statics: vec![StaticField {
            key: "k".to_owned(),
            value: json!(null),
        }],
    });
    let action = Action {
        name: "second".to_owned(),
        condition: Some(Condition::Filter(Filter::Field {
            path: "a.$b".to_owned(),
            test: FieldTest::In(vec![json!(1), json!("x.y")]),
        })),
        target: Some(builders::target("http://[::1]:8080/x?y=z")),
        transformation: Some(transformation.clone()),
    };
    Integration {
        auth,
        signing: Some(builders::signing(7)),
        filter: Some(Condition::Script(script("payload.a > 1"))),
        transformation,
        lookups: lookups().to_vec(),
        script_timeout: Duration::from_millis(500),
        actions: vec![
            Action {
                name: "first".to_owned(),
                condition: None,
                target: None,
                transformation: Some(Transformation::Script(script("return payload"))),
            },
            action,
        ],
        headers: vec![("X-One".to_owned(), "1".to_owned()), ("X-Two".to_owned(), "2".to_owned())],
        scope: Scope::AllEntities,
        excluded_entity_rids: [Rid(3), Rid(1)].into(),
        ordering: Ordering::Unordered { max_concurrency: 16 },
        ..builders::integration(7, "*", "https://a.example/hook")
    }
}

async fn committed(store: &Store, auth: OutgoingAuth) -> Integration {
    let integration = full(auth);
    let put = Change::PutIntegration(Arc::new(integration.clone()));
    let revision = store.configuration().commit(put, Expected::New).await.unwrap();
    Integration { revision, ..integration }
}

#[tokio::test]
async fn integration_with_secrets_is_read_as_committed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    store
        .configuration()
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    for auth in auths() {
        let integration = committed(&store, auth).await;
        let read = store.integrations().get(integration.org_id, integration.id).await.unwrap();
        assert_eq!(read, Some(integration));
    }
}

#[tokio::test]
async fn secret_is_in_clear_in_no_document() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    store
        .configuration()
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    for auth in auths() {
        committed(store, auth).await;
    }
    let database = stored.database.open().await;
    let signing = builders::signing(7).secrets()[0]
        .text()
        .expose()
        .trim_start_matches("whsec_")
        .to_owned();
    let mut seen = 0;
    for collection in database.list_collection_names().await.unwrap() {
        let mut cursor = database.collection::<Document>(&collection).find(doc! {}).await.unwrap();
        while cursor.advance().await.unwrap() {
            let raw = String::from_utf8_lossy(cursor.current().as_bytes()).into_owned();
            assert!(!raw.contains(SECRET) && !raw.contains(&signing), "{collection}: {raw}");
            seen += usize::from(raw.contains("outgoingAuthConfig"));
        }
    }
    assert_eq!(
        seen,
        2 * 4,
        "every integration with credentials was looked at, and its version"
    );
}

#[tokio::test]
async fn integration_without_its_key_is_refused_rather_than_read_in_part() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    store
        .configuration()
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    let integration = committed(
        store,
        OutgoingAuth::Bearer {
            token: Secret::new(SECRET),
        },
    )
    .await;
    let keys = vec![SecretSealer::generate_key("other").unwrap()];
    let strangers = [SecretSealer::new(&SecretsConfig { keys }).unwrap(), SecretSealer::closed()];
    for secrets in strangers {
        let stranger = Store::connect(&config(&stored.database), secrets).await.unwrap();
        let read = stranger.integrations().get(integration.org_id, integration.id).await;
        assert!(matches!(read, Err(StoreError::Refused(_))), "{read:?}");
    }
}

#[tokio::test]
async fn sealed_secret_moved_to_another_integration_does_not_open() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    store
        .configuration()
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    let bearer = || OutgoingAuth::Bearer {
        token: Secret::new(SECRET),
    };
    let (one, other) = (committed(store, bearer()).await, committed(store, bearer()).await);
    let raw = stored.database.open().await.collection::<Document>("integration_configs");
    let id = |integration: &Integration| ObjectId::from_bytes(integration.id.0);
    let stolen = raw.find_one(doc! { "_id": id(&one) }).await.unwrap().unwrap();
    let put = doc! { "$set": { "outgoingAuthConfig": stolen.get_document("outgoingAuthConfig").unwrap() } };
    raw.update_one(doc! { "_id": id(&other) }, put).await.unwrap();
    let read = store.integrations().get(other.org_id, other.id).await;
    assert!(matches!(read, Err(StoreError::Refused(_))), "{read:?}");
}
