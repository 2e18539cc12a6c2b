//! Configuration that an earlier version stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use ig_core::condition::{Condition, FieldTest, Filter};
use ig_core::configuration::Change;
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::history::{Item, ItemKind};
use ig_core::id::{IntegrationId, LookupType, OrgId, Rid, TemplateId};
use ig_core::inbound::{ClientAuth, Hmac, InboundIntegration, Logging};
use ig_core::integration::{
    Action, ClientCredentials, ConfiguredLimit, CredentialsLocation, DateFormat, FieldMapping, Integration, LogLevel,
    LookupReturn, LookupRule, LookupSource, Ordering, OutgoingAuth, Script, SimpleMapping, StaticField, Transform,
    Transformation, Unmapped,
};
use ig_core::job::{DataSource, Job, JobSchedule};
use ig_core::organization::{OrgUnit, Organization, RequestLimits};
use ig_core::schedule::{Schedule, ScheduleMode};
use ig_core::secret::Secret;
use ig_core::template::{Direction, Template};
use ig_core::window::RateLimit;
use ig_store::{JobFilter, MaybeReadable, Page, SecretSealer, SecretsConfig, Store};
use ig_testkit::builders;
use ig_testkit::mongo::TestDatabase;
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde_json::{Value, json};

use crate::stored::config;

const ORG: OrgId = OrgId(7);

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn script(source: &str) -> Script {
    Script::new(source).unwrap()
}

/// A number that no floating-point number equals, and keys that a database would take for its own.
fn exact() -> Value {
    serde_json::from_str(r#"{"$set": 123456789012345678901234567890, "a.b": [null, 1.10, 1e400], "": "\u0000"}"#).unwrap()
}

fn mapping() -> SimpleMapping {
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
        default: Some(exact()),
    });
    SimpleMapping {
        passthrough: true,
        fields: fields.collect(),
        statics: vec![
            StaticField {
                key: "k".to_owned(),
                value: json!(null),
            },
            StaticField {
                key: "l.m".to_owned(),
                value: exact(),
            },
        ],
    }
}

fn headers() -> Vec<(String, String)> {
    vec![
        ("X-Auth-Token".to_owned(), "sealed".to_owned()),
        ("X-Plain".to_owned(), "as it is".to_owned()),
    ]
}

fn limit(enabled: bool) -> ConfiguredLimit {
    let limit = RateLimit::new(5, 60).unwrap();
    ConfiguredLimit { enabled, limit }
}

fn lookups() -> Vec<LookupRule> {
    let rule = LookupRule {
        lookup_type: LookupType::new("DEPARTMENT"),
        source: LookupSource::Field("a[].b".to_owned()),
        target_field: "c[].d".to_owned(),
        returns: LookupReturn::Value {
            field: "name".to_owned(),
        },
        unmapped: Unmapped::Fail,
    };
    let other = LookupRule {
        source: LookupSource::Template("{{a}}-{{b.c}}".to_owned()),
        returns: LookupReturn::Object,
        unmapped: Unmapped::Default(exact()),
        ..rule.clone()
    };
    vec![rule, other]
}

fn outbound(number: u64, auth: OutgoingAuth) -> Integration {
    Integration {
        id: builders::integration_id(number),
        name: format!("Outbound {number}"),
        auth,
        headers: headers(),
        ..builders::integration(ORG.0, "*", "https://a.example/hook")
    }
}

/// An integration that uses every feature.
fn full(number: u64) -> Integration {
    let second = Action {
        name: "second".to_owned(),
        condition: Some(Condition::Filter(Filter::Field {
            path: "a.$b".to_owned(),
            test: FieldTest::In(vec![json!(1), exact()]),
        })),
        target: Some(builders::target("http://[::1]:8080/x?y=z")),
        transformation: Some(Transformation::Simple(mapping())),
    };
    let first = Action {
        name: "first".to_owned(),
        condition: Some(Condition::Script(script("payload.a > 1"))),
        target: None,
        transformation: Some(Transformation::Script(script("return payload"))),
    };
    let delayed = json!({"delaySeconds": 60, "cancelOn": [{"eventTypes": ["CANCELLED"], "matchKeys": ["a.b"]}]});
    Integration {
        signing: Some(builders::signing(3)),
        filter: Some(Condition::Script(script("payload.a > 1"))),
        transformation: Transformation::Simple(mapping()),
        lookups: lookups(),
        script_timeout: Duration::from_millis(500),
        actions: vec![first, second],
        multi_action_delay: Duration::from_millis(20),
        attempts: 7,
        excluded_entity_rids: [Rid(3), Rid(1)].into(),
        ordering: Ordering::Unordered { max_concurrency: 16 },
        rate_limit: Some(limit(true)),
        breaker: ig_core::breaker::BreakerPolicy::new(Some(90)).unwrap(),
        log_level: LogLevel::Metadata,
        schedule: Schedule::read(ScheduleMode::Delayed, Some(&delayed)).unwrap(),
        ..outbound(
            number,
            OutgoingAuth::OAuth2(Box::new(ClientCredentials {
                token_url: "https://login.example/".parse().unwrap(),
                client_id: "client".to_owned(),
                client_secret: secret("client secret"),
                scope: Some("all".to_owned()),
                audience: None,
                location: CredentialsLocation::Body,
            })),
        )
    }
}

fn inbound(number: u64, client_auth: ClientAuth) -> InboundIntegration {
    InboundIntegration {
        id: builders::integration_id(number),
        client_auth,
        auth: OutgoingAuth::Bearer { token: secret("token") },
        signing: Some(builders::signing(4)),
        headers: headers(),
        request: Some(Transformation::Simple(mapping())),
        response: Some(Transformation::Script(script("return payload.data"))),
        allowed_addresses: vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/64".parse().unwrap()],
        rate_limit: Some(limit(false)),
        logging: Logging::BestEffort,
        log_level: None,
        ..builders::inbound(ORG.0, &format!("call-{number}"), "https://a.example/")
    }
}

fn job(number: u64, schedule: &Value, source: &Value) -> Change {
    Change::PutJob(Arc::new(Job {
        id: builders::integration_id(number),
        auth: OutgoingAuth::Basic {
            username: "ada".to_owned(),
            password: secret("password"),
        },
        signing: Some(builders::signing(6)),
        headers: headers(),
        script: Some(script("return payload.data")),
        schedule: JobSchedule::read(schedule).unwrap(),
        source: DataSource::read(source).unwrap(),
        ..builders::job(ORG.0, "https://a.example/")
    }))
}

/// Every kind of configuration, with every field that it has.
fn everything() -> Vec<Change> {
    let organization = Organization {
        retention_days: Some(30),
        retry_policy: Some(RetryPolicy::new(1_000, 60_000, 9).unwrap()),
        request_limits: RequestLimits {
            management_per_minute: Some(0),
            runtime_per_minute: Some(4_000_000_000),
        },
        ui: exact().as_object().unwrap().clone(),
        ..builders::organization(ORG.0)
    };
    let definition = EventTypeDefinition {
        description: Some("An event".to_owned()),
        sample_payload: Some(exact()),
        schema: Some(json!({"type": "object", "properties": {"$ref": {"type": "string"}}})),
        validation: Validation::Warn,
        ..builders::event_type(ORG.0, "a.b/$c d")
    };
    let template = Template {
        id: TemplateId(builders::integration_id(90).0),
        org_id: ORG,
        name: "A template".to_owned(),
        description: Some("What for".to_owned()),
        category: None,
        direction: Direction::Outbound,
        definition: exact().as_object().unwrap().clone(),
        revision: 0,
        created_at: ig_testkit::clock::moment(1),
        updated_at: ig_testkit::clock::moment(2),
    };
    let header = || ClientAuth::ApiKey {
        header_name: "X-Key".to_owned(),
        api_key: secret("client key"),
    };
    let outgoing = [
        OutgoingAuth::None,
        OutgoingAuth::ApiKey {
            header_name: "X-Key".to_owned(),
            api_key: secret("key"),
        },
        OutgoingAuth::Bearer { token: secret("token") },
        OutgoingAuth::Basic {
            username: "ada".to_owned(),
            password: secret("password"),
        },
        OutgoingAuth::CustomHeaders {
            headers: vec![("X-A".to_owned(), secret("a")), ("X-B".to_owned(), secret("b"))],
        },
    ];
    let clients = [
        ClientAuth::None,
        header(),
        ClientAuth::Bearer {
            token: secret("client token"),
        },
        ClientAuth::Basic {
            username: "ada".to_owned(),
            password: secret("client password"),
        },
        ClientAuth::Hmac(Hmac {
            secrets: builders::signing(5),
            tolerance: Duration::from_mins(5),
        }),
    ];
    let paused = full(31).switched(false, ig_testkit::clock::moment(9));
    let cron = json!({"type": "CRON", "expression": "0 9 * * *", "timezone": "Asia/Kolkata"});
    let every = json!({"type": "INTERVAL", "intervalMs": 60_000});
    let external = json!({
        "type": "MONGODB", "connectionString": "mongodb://u:p@db.example/", "database": "d", "collection": "c",
        "pipeline": [{"$match": {"a.b": exact()}}, {"$limit": 5}],
    });
    let api = json!({
        "type": "API", "url": "https://data.example/", "method": "POST", "headers": {"Accept": "text/csv", "X-Api-Key": "k"},
        "body": exact(),
    });
    let sql = json!({"type": "SQL", "query": "SELECT a FROM b WHERE c = {{config.tenantId}}"});
    let mut all = vec![
        Change::PutOrganization(organization),
        Change::PutUnit(OrgUnit {
            ..builders::unit(ORG.0, 71)
        }),
        Change::PutEventType(Arc::new(definition)),
        Change::PutTemplate(Arc::new(template)),
        Change::PutIntegration(Arc::new(full(30))),
        Change::PutIntegration(Arc::new(paused)),
        job(60, &cron, &sql),
        job(61, &every, &external),
        job(62, &every, &api),
    ];
    let numbered = outgoing.into_iter().zip(40..);
    all.extend(numbered.map(|(auth, number)| Change::PutIntegration(Arc::new(outbound(number, auth)))));
    let numbered = clients.into_iter().zip(50..);
    all.extend(numbered.map(|(auth, number)| Change::PutInbound(Arc::new(inbound(number, auth)))));
    all
}

/// What an earlier version stored: the key of its secrets, and its documents by collection.
struct Earlier {
    key: String,
    documents: BTreeMap<String, Vec<Document>>,
}

impl Earlier {
    fn read() -> Self {
        let mut all: BTreeMap<String, Value> =
            serde_json::from_str(include_str!("../fixtures/configuration-format-1.json")).unwrap();
        let key = all.remove("key").unwrap().as_str().unwrap().to_owned();
        let decoded = |document: &Value| {
            let bytes = STANDARD.decode(document.as_str().unwrap()).unwrap();
            Document::from_reader(bytes.as_slice()).unwrap()
        };
        let documents = all
            .into_iter()
            .map(|(name, list)| (name, list.as_array().unwrap().iter().map(decoded).collect()));
        Self {
            key,
            documents: documents.collect(),
        }
    }

    /// A database that holds it, as the earlier version left it.
    async fn stored(&self) -> (TestDatabase, Store) {
        let database = ig_testkit::mongo::database();
        let secrets = SecretSealer::new(&SecretsConfig {
            keys: vec![self.key.clone()],
        });
        let store = Store::connect(&config(&database), secrets.unwrap()).await.unwrap();
        let raw = database.open().await;
        for (name, documents) in &self.documents {
            raw.collection::<Document>(name).insert_many(documents).await.unwrap();
        }
        let last = self.documents["config_changes"]
            .iter()
            .filter_map(|change| change.get_i64("_id").ok());
        let revision = doc! { "_id": "configuration", "value": last.max().unwrap() };
        raw.collection::<Document>("counters").insert_one(revision).await.unwrap();
        (database, store)
    }
}

/// Documents of configuration that are not in the current format.
async fn unwritten(database: &TestDatabase) -> u64 {
    let raw = database.open().await;
    let mut count = 0;
    for name in [
        "organizations",
        "org_units",
        "event_types",
        "templates",
        "integration_configs",
    ] {
        let items = raw.collection::<Document>(name);
        count += items.count_documents(doc! { "format": { "$ne": 2 } }).await.unwrap();
    }
    let versions = raw.collection::<Document>("config_versions");
    count
        + versions
            .count_documents(doc! { "document.format": { "$ne": 2 } })
            .await
            .unwrap()
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
        Change::PutOrganization(_) => store.organizations().get(ORG).await.unwrap().map(Change::PutOrganization),
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
    let (database, store) = Earlier::read().stored().await;
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
    let (database, store) = Earlier::read().stored().await;
    let mut left = unwritten(&database).await;
    let total = left;
    let mut stops = 0;
    for millis in 1.. {
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
    let earlier = Earlier::read();
    let (database, store) = earlier.stored().await;
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
