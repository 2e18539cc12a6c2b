//! What the earlier version wrote: the items of the fixture.

use std::sync::Arc;
use std::time::Duration;

use ig_core::condition::{Condition, FieldTest, Filter};
use ig_core::configuration::Change;
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::id::{LookupType, OrgId, Rid, TemplateId};
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
use ig_testkit::builders;
use serde_json::{Value, json};

pub(super) const ORG: OrgId = OrgId(7);

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
pub(super) fn everything() -> Vec<Change> {
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
