//! Generators of integrations of every shape.

use std::time::Duration;

use chrono::DateTime;
use ig_core::breaker::BreakerPolicy;
use ig_core::clock::Timestamp;
use ig_core::condition::{Condition, FieldTest, Filter};
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid, TemplateId};
use ig_core::inbound::{AllowedMethods, ClientAuth, Hmac, InboundIntegration, Logging, ProxyMethod, ProxyTimeouts};
use ig_core::integration::{
    Action, ClientCredentials, ConfiguredLimit, CredentialsLocation, DateFormat, EventPattern, FieldMapping, Hold, HoldCause,
    HttpMethod, Integration, LogLevel, LookupReturn, LookupRule, LookupSource, Ordering, OutgoingAuth, Scope, Script, Signing,
    SigningSecret, SimpleMapping, StaticField, Target, Transform, Transformation, Unmapped,
};
use ig_core::job::{BatchSize, DataSource, Job, JobSchedule, WatermarkField};
use ig_core::schedule::{Schedule, ScheduleMode};
use ig_core::secret::Secret;
use ig_core::template::{Direction, Template};
use ig_core::window::RateLimit;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-60_000_000_000_i64..60_000_000_000, 0..1_000_000_000_u32)
        .prop_map(|(second, nano)| DateTime::from_timestamp(second, nano).expect("within the calendar"))
}

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,12}"
}

fn secret() -> impl Strategy<Value = Secret> {
    text().prop_map(Secret::new)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let object = vec((text(), inner.clone()), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()));
        prop_oneof![vec(inner, 0..4).prop_map(Value::from), object]
    })
}

fn target() -> impl Strategy<Value = Target> {
    let method = prop_oneof![Just(HttpMethod::Post), Just(HttpMethod::Put), Just(HttpMethod::Patch)];
    (
        "https?://[a-z]{1,8}\\.example(:[1-9][0-9]{0,3})?/[a-z/]{0,10}(\\?[a-z]=[0-9])?",
        method,
    )
        .prop_map(|(url, method)| Target {
            url: url.parse().expect("an address"),
            method,
        })
}

fn transform() -> impl Strategy<Value = Transform> {
    let date = (option::of(text()), option::of(text()), option::of(text()))
        .prop_map(|(input, output, timezone)| Transform::Date(DateFormat { input, output, timezone }));
    prop_oneof![
        Just(Transform::Trim),
        Just(Transform::Upper),
        Just(Transform::Lower),
        date,
        Just(Transform::Default),
        name().prop_map(|name| Transform::Lookup(LookupType::new(name)))
    ]
}

fn field() -> impl Strategy<Value = FieldMapping> {
    (text(), text(), option::of(transform()), option::of(json())).prop_map(|(source, target, transform, default)| FieldMapping {
        source,
        target,
        transform,
        default,
    })
}

fn script() -> impl Strategy<Value = Script> {
    "[a-z].{0,40}".prop_map(|source| Script::new(&source).expect("not empty"))
}

fn transformation() -> impl Strategy<Value = Transformation> {
    prop_oneof![simple(), script().prop_map(Transformation::Script)]
}

fn condition() -> impl Strategy<Value = Condition> {
    let test = prop_oneof![
        json().prop_map(FieldTest::Eq),
        any::<bool>().prop_map(FieldTest::Exists),
        vec(json(), 0..3).prop_map(FieldTest::In),
    ];
    let leaf = (name(), test).prop_map(|(path, test)| Filter::Field { path, test });
    let filter = leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Filter::And),
            vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    });
    prop_oneof![script().prop_map(Condition::Script), filter.prop_map(Condition::Filter)]
}

fn lookup_rule() -> impl Strategy<Value = LookupRule> {
    let source = prop_oneof![text().prop_map(LookupSource::Field), text().prop_map(LookupSource::Template)];
    let returns = prop_oneof![
        text().prop_map(|field| LookupReturn::Value { field }),
        Just(LookupReturn::Object)
    ];
    let unmapped = prop_oneof![
        Just(Unmapped::Passthrough),
        Just(Unmapped::Fail),
        json().prop_map(Unmapped::Default)
    ];
    (name(), source, text(), returns, unmapped).prop_map(|(lookup_type, source, target_field, returns, unmapped)| LookupRule {
        lookup_type: LookupType::new(lookup_type),
        source,
        target_field,
        returns,
        unmapped,
    })
}

fn simple() -> impl Strategy<Value = Transformation> {
    let statics = vec((text(), json()).prop_map(|(key, value)| StaticField { key, value }), 0..3);
    (any::<bool>(), vec(field(), 0..4), statics).prop_map(|(passthrough, fields, statics)| {
        Transformation::Simple(SimpleMapping {
            passthrough,
            fields,
            statics,
        })
    })
}

prop_compose! {
    fn client_credentials()(
        token_url in target(), client_id in text(), client_secret in secret(), scope in option::of(text()),
        audience in option::of(text()), location in prop_oneof![Just(CredentialsLocation::Header), Just(CredentialsLocation::Body)],
    ) -> ClientCredentials {
        ClientCredentials { token_url: token_url.url, client_id, client_secret, scope, audience, location }
    }
}

fn auth() -> impl Strategy<Value = OutgoingAuth> {
    prop_oneof![
        Just(OutgoingAuth::None),
        (text(), secret()).prop_map(|(header_name, api_key)| OutgoingAuth::ApiKey { header_name, api_key }),
        secret().prop_map(|token| OutgoingAuth::Bearer { token }),
        (text(), secret()).prop_map(|(username, password)| OutgoingAuth::Basic { username, password }),
        client_credentials().prop_map(|credentials| OutgoingAuth::OAuth2(Box::new(credentials))),
        vec((text(), secret()), 0..3).prop_map(|headers| OutgoingAuth::CustomHeaders { headers }),
    ]
}

fn signing() -> impl Strategy<Value = Signing> {
    let secret = vec(any::<u8>(), 24..=64).prop_map(|bytes| SigningSecret::from_bytes(&bytes).expect("24 to 64 bytes"));
    vec(secret, 1..=5).prop_map(|secrets| Signing::new(secrets).expect("one to five"))
}

fn action() -> impl Strategy<Value = Action> {
    let parts = (
        text(),
        option::of(condition()),
        option::of(target()),
        option::of(transformation()),
    );
    parts.prop_map(|(name, condition, target, transformation)| Action {
        name,
        condition,
        target,
        transformation,
    })
}

fn events() -> impl Strategy<Value = EventPattern> {
    prop_oneof![
        Just(EventPattern::Any),
        name().prop_map(|name| EventPattern::Exact(EventType::new(name)))
    ]
}

fn ordering() -> impl Strategy<Value = Ordering> {
    let unordered = (1..=1000_u16).prop_map(|max_concurrency| Ordering::Unordered { max_concurrency });
    prop_oneof![Just(Ordering::Ordered), unordered]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let delay = (0..1_000_000_u64).prop_map(|seconds| (ScheduleMode::Delayed, serde_json::json!({"delaySeconds": seconds})));
    let recurrence = (1_000..1_000_000_u64, name()).prop_map(|(millis, name)| {
        let cancel_on = serde_json::json!([{"eventTypes": [name], "matchKeys": ["visit.id"], "action": "RESCHEDULE"}]);
        let config = serde_json::json!({"intervalMs": millis, "timezone": "Asia/Kolkata", "cancelOn": cancel_on});
        (ScheduleMode::Recurring, config)
    });
    let config = option::of(prop_oneof![delay, recurrence]);
    config.prop_map(|config| match config {
        Some((mode, config)) => Schedule::read(mode, Some(&config)).expect("a schedule"),
        None => Schedule::default(),
    })
}

fn duration() -> impl Strategy<Value = Duration> {
    (0..1_000_000_u64, 0..1_000_000_000_u32).prop_map(|(second, nano)| Duration::new(second, nano))
}

fn hold() -> impl Strategy<Value = Hold> {
    let cause = prop_oneof![Just(HoldCause::CircuitOpen), Just(HoldCause::Paused)];
    (cause, timestamp(), text()).prop_map(|(cause, since, reason)| Hold { cause, since, reason })
}

fn rate_limit() -> impl Strategy<Value = ConfiguredLimit> {
    (any::<bool>(), 1..=10_000_000_u32, 1..=86_400_u64).prop_map(|(enabled, most, seconds)| ConfiguredLimit {
        enabled,
        limit: RateLimit::new(most, seconds).expect("within bounds"),
    })
}

fn breaker() -> impl Strategy<Value = BreakerPolicy> {
    option::of(1..=604_800_u64).prop_map(|seconds| BreakerPolicy::new(seconds).expect("within bounds"))
}

prop_compose! {
    fn identity()(
        id in any::<[u8; 12]>(), org in any::<i64>(), tenant in any::<i64>(), name in text(), is_active in any::<bool>(), events in events(),
        scope in prop_oneof![Just(Scope::AllEntities), Just(Scope::EntityOnly)], excluded in btree_set(any::<i64>().prop_map(Rid), 0..4),
    ) -> (IntegrationId, OrgId, Rid, String, bool, EventPattern, Scope, std::collections::BTreeSet<Rid>) {
        (IntegrationId(id), OrgId(org), Rid(tenant), name, is_active, events, scope, excluded)
    }
}

prop_compose! {
    pub(crate) fn integration()(
        (id, org_id, tenant_id, name, is_active, events, scope, excluded_entity_rids) in identity(),
        target in target(), transformation in transformation(), auth in auth(), signing in option::of(signing()),
        headers in vec((text(), text()), 0..3), actions in vec(action(), 0..3), (multi_action_delay, timeout) in (duration(), duration()),
        (attempts, ordering, revision) in (1..=u8::MAX, ordering(), any::<u64>()),
        (filter, lookups, script_timeout) in (option::of(condition()), vec(lookup_rule(), 0..3), duration()),
        (hold, rate_limit, breaker) in (option::of(hold()), option::of(rate_limit()), breaker()),
        log_level in prop_oneof![Just(LogLevel::Full), Just(LogLevel::Metadata)], (created_at, updated_at) in (timestamp(), timestamp()),
        schedule in schedule(),
    ) -> Integration {
        Integration {
            id, org_id, tenant_id, name, is_active, events, scope, excluded_entity_rids, target, filter, transformation, lookups,
            hold, rate_limit, breaker, script_timeout, auth, signing, headers, actions, multi_action_delay, timeout, attempts, ordering, log_level, schedule, revision, created_at, updated_at,
        }
    }
}

fn client_auth() -> impl Strategy<Value = ClientAuth> {
    let hmac = (signing(), duration()).prop_map(|(secrets, tolerance)| ClientAuth::Hmac(Hmac { secrets, tolerance }));
    prop_oneof![
        Just(ClientAuth::None),
        (text(), secret()).prop_map(|(header_name, api_key)| ClientAuth::ApiKey { header_name, api_key }),
        secret().prop_map(|token| ClientAuth::Bearer { token }),
        (text(), secret()).prop_map(|(username, password)| ClientAuth::Basic { username, password }),
        hmac,
    ]
}

fn methods() -> impl Strategy<Value = AllowedMethods> {
    let all = [
        ProxyMethod::Get,
        ProxyMethod::Head,
        ProxyMethod::Post,
        ProxyMethod::Put,
        ProxyMethod::Patch,
        ProxyMethod::Delete,
    ];
    proptest::sample::subsequence(all.to_vec(), 1..=6).prop_map(|some| AllowedMethods::new(some).expect("at least one"))
}

fn timeouts() -> impl Strategy<Value = ProxyTimeouts> {
    let time = || (100..3_600_000_u64).prop_map(Duration::from_millis);
    (time(), time(), time(), time()).prop_map(|(connect, first_byte, idle, total)| ProxyTimeouts {
        connect,
        first_byte,
        idle,
        total,
    })
}

fn network() -> impl Strategy<Value = ipnet::IpNet> {
    let v4 = (any::<[u8; 4]>(), 0..=32_u8).prop_map(|(bytes, prefix)| (std::net::IpAddr::from(bytes), prefix));
    let v6 = (any::<[u8; 16]>(), 0..=128_u8).prop_map(|(bytes, prefix)| (std::net::IpAddr::from(bytes), prefix));
    prop_oneof![v4, v6].prop_map(|(address, prefix)| ipnet::IpNet::new(address, prefix).expect("a prefix that fits"))
}

fn log_level() -> impl Strategy<Value = LogLevel> {
    prop_oneof![Just(LogLevel::Full), Just(LogLevel::Metadata)]
}

prop_compose! {
    pub(crate) fn inbound()(
        (id, org_id, tenant_id, name, is_active, ..) in identity(), route in "[a-z][a-z0-9._-]{0,20}",
        (methods, target, path_suffix, client_auth) in (methods(), target(), any::<bool>(), client_auth()),
        (allowed_addresses, auth, signing) in (vec(network(), 0..3), auth(), option::of(signing())), headers in vec((text(), text()), 0..3),
        (request, response, script_timeout) in (option::of(transformation()), option::of(transformation()), duration()),
        (timeouts, attempts, max_concurrency) in (timeouts(), 1..=u8::MAX, any::<u32>()),
        (hold, rate_limit, breaker) in (option::of(hold()), option::of(rate_limit()), breaker()),
        (log_level, logging) in (option::of(log_level()), prop_oneof![Just(Logging::Required), Just(Logging::BestEffort)]),
        (revision, created_at, updated_at) in (any::<u64>(), timestamp(), timestamp()),
    ) -> InboundIntegration {
        InboundIntegration {
            id, org_id, tenant_id, name, is_active, route: route.parse().expect("a name"), methods, target: target.url, path_suffix, client_auth,
            allowed_addresses, auth, signing, headers, request, response, script_timeout, timeouts, attempts, max_concurrency, hold, rate_limit,
            breaker, log_level, logging, revision, created_at, updated_at,
        }
    }
}

fn job_schedule() -> impl Strategy<Value = JobSchedule> {
    let interval = (1_000..1_000_000_u64).prop_map(|millis| serde_json::json!({"type": "INTERVAL", "intervalMs": millis}));
    let cron = (0..60_u8).prop_map(|minute| {
        let expression = format!("{minute} 9 * * *");
        serde_json::json!({"type": "CRON", "expression": expression, "timezone": "Asia/Kolkata"})
    });
    prop_oneof![interval, cron].prop_map(|document| JobSchedule::read(&document).expect("a schedule"))
}

fn data_source() -> impl Strategy<Value = DataSource> {
    let sql = "[a-z]{1,9}".prop_map(|table| serde_json::json!({"type": "SQL", "query": format!("SELECT * FROM {table}")}));
    let api = text().prop_map(|text| {
        let body = text.replace('{', "");
        serde_json::json!({"type": "API", "url": "https://a.example/{{date.today()}}", "method": "POST", "body": {"a": body}})
    });
    prop_oneof![sql, api].prop_map(|document| DataSource::read(&document).expect("a source"))
}

fn progress() -> impl Strategy<Value = (Option<BatchSize>, Option<WatermarkField>, Option<Duration>)> {
    let size = (1..=10_000_u32).prop_map(|size| BatchSize::new(size).expect("a size"));
    let field = ("[a-z]{1,9}", "[0-9]{0,9}").prop_map(|(field, initial)| WatermarkField::new(&field, &initial).expect("a field"));
    (option::of(size), option::of(field), option::of(duration()))
}

prop_compose! {
    pub(crate) fn job()(
        (id, org_id, tenant_id, name, is_active, ..) in identity(), hold in option::of(hold()), category in option::of(text()), schedule in job_schedule(),
        source in data_source(), (script, script_timeout) in (option::of(script()), duration()), (target, auth) in (target(), auth()),
        (signing, headers) in (option::of(signing()), vec((text(), text()), 0..3)), (timeout, attempts) in (duration(), 1..=u8::MAX),
        (log_level, breaker) in (log_level(), breaker()), (batch_size, watermark, max_overdue) in progress(),
        (revision, created_at, updated_at) in (any::<u64>(), timestamp(), timestamp()),
    ) -> Job {
        Job {
            id, org_id, tenant_id, name, category, is_active, hold, schedule, source, script, script_timeout, batch_size, watermark,
            max_overdue, target, auth, signing, headers, timeout, attempts, breaker, log_level, revision, created_at, updated_at,
        }
    }
}

prop_compose! {
    pub(crate) fn template()(
        id in any::<[u8; 12]>(), org in any::<i64>(), name in text(), description in option::of(text()), category in option::of(text()),
        direction in proptest::sample::select(Direction::ALL), definition in vec((text(), json()), 0..4),
        (revision, created_at, updated_at) in (any::<u64>(), timestamp(), timestamp()),
    ) -> Template {
        Template {
            id: TemplateId(id), org_id: OrgId(org), name, description, category, direction, definition: definition.into_iter().collect(),
            revision, created_at, updated_at,
        }
    }
}
