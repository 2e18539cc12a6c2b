//! Conversion of the document into the domain, with every fault of a field by pointer, and back.

use std::collections::BTreeSet;
use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::integration::{
    DEFAULT_SCRIPT_TIMEOUT, DEFAULT_TIMEOUT, EventPattern, HttpMethod, Integration, LogLevel, Ordering, OutgoingAuth, Scope,
    SimpleMapping, Target, Transformation,
};
use ig_core::schedule::Schedule;

use super::{OutboundDocument, SchedulingConfig, action, lookup};
use crate::auth::{self, AuthType};
use crate::checks::Checks;
use crate::choice::{OrderingName, ScheduleMode};
use crate::header;
use crate::identity::{check_direction, check_identity, entity};
use crate::resilience::{BreakerDocument, RateLimitsDocument};
use crate::resource::Stamp;
use crate::signing::SigningDocument;
use crate::text::{collect_faults, event_type, name, optional, rid};
use crate::transformation::TransformationFields;

const DEFAULT_ATTEMPTS: u8 = 3;
const DEFAULT_CONCURRENCY: u16 = 10;

impl OutboundDocument {
    /// The domain's integration, or everything that is wrong with the document by itself.
    ///
    /// The caller checks that the entities are units of the organisation, and that the addresses are allowed.
    pub(crate) fn into_domain(
        self,
        org_id: OrgId,
        id: IntegrationId,
        stamp: Stamp,
        checks: &dyn Checks,
    ) -> Result<Integration, Faults> {
        let Self {
            id: given_id,
            org_id: given_org,
            direction,
            name: shown,
            event_type: events,
            tenant_id,
            is_active,
            hold: _,
            target_url,
            http_method,
            filter,
            transformation_mode,
            field_mappings,
            static_fields,
            passthrough,
            transform_script,
            script_timeout_ms,
            lookups,
            outgoing_auth_type,
            outgoing_auth_config,
            signing,
            custom_headers,
            actions,
            multi_action_delay_ms,
            timeout_ms,
            retry_count,
            ordering,
            max_concurrency,
            rate_limits,
            breaker,
            log_level,
            scope,
            excluded_entity_rids,
            scheduling_mode,
            scheduling_config,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let faults = &mut Faults::default();
        check_identity(faults, (given_id, &id.to_string()), (given_org, org_id));
        check_direction(faults, direction.as_deref(), "OUTBOUND");
        let tenant_id = entity(faults, tenant_id, org_id);
        let target = target(faults, &target_url, http_method.map_or(HttpMethod::Post, HttpMethod::from));
        let transformed = TransformationFields {
            mode: transformation_mode,
            rules: field_mappings,
            statics: static_fields,
            passthrough,
            script: transform_script,
        };
        let scope = scope.map_or(Scope::AllEntities, Scope::from);
        let actions = action::into_domain(actions.unwrap_or_default(), target.as_ref(), checks);
        let integration = Integration {
            id,
            org_id,
            tenant_id,
            name: collect_faults(faults, "/name", name(&shown, 200)).unwrap_or_default(),
            is_active: is_active.unwrap_or(true),
            hold: None,
            events: collect_faults(faults, "/eventType", pattern(&events)).unwrap_or(EventPattern::Any),
            scope,
            excluded_entity_rids: excluded(faults, excluded_entity_rids.unwrap_or_default(), scope),
            filter: optional(faults, "/filter", filter, |filter| filter.into_domain(checks)),
            transformation: collect_faults(faults, "", transformed.into_domain(checks))
                .unwrap_or(Transformation::Simple(SimpleMapping::identity())),
            lookups: collect_faults(faults, "/lookups", lookup::into_domain(lookups.unwrap_or_default())).unwrap_or_default(),
            script_timeout: script_timeout_ms.map_or(DEFAULT_SCRIPT_TIMEOUT, Duration::from_millis),
            auth: collect_faults(
                faults,
                "/outgoingAuthConfig",
                auth::into_domain(outgoing_auth_type.unwrap_or(AuthType::None), outgoing_auth_config, checks),
            )
            .unwrap_or(OutgoingAuth::None),
            signing: optional(faults, "/signing", signing, SigningDocument::into_domain).flatten(),
            headers: collect_faults(
                faults,
                "/customHeaders",
                header::headers(&custom_headers.unwrap_or_default(), checks),
            )
            .unwrap_or_default(),
            actions: collect_faults(faults, "/actions", actions).unwrap_or_default(),
            multi_action_delay: Duration::from_millis(multi_action_delay_ms.unwrap_or_default()),
            timeout: timeout_ms.map_or(DEFAULT_TIMEOUT, Duration::from_millis),
            attempts: retry_count.unwrap_or(DEFAULT_ATTEMPTS),
            ordering: order(faults, ordering, max_concurrency),
            rate_limit: optional(faults, "/rateLimits", rate_limits, RateLimitsDocument::into_domain).flatten(),
            breaker: optional(faults, "/breaker", breaker, BreakerDocument::into_domain).unwrap_or_default(),
            log_level: log_level.map_or(LogLevel::Full, LogLevel::from),
            schedule: schedule(faults, scheduling_mode, scheduling_config),
            // An invalid address has its fault already.
            target: target.ok_or_else(|| std::mem::take(faults))?,
            revision: 0,
            created_at: stamp.created_at,
            updated_at: stamp.updated_at,
        };
        collect_faults(faults, "", checks.lookups(&integration.lookups));
        std::mem::take(faults).into_result(integration)
    }
}

fn target(faults: &mut Faults, url: &str, method: HttpMethod) -> Option<Target> {
    let url = collect_faults(faults, "/targetUrl", url.parse())?;
    Some(Target { url, method })
}

fn pattern(text: &str) -> Result<EventPattern, Faults> {
    match text {
        "*" => Ok(EventPattern::Any),
        text => event_type(text).map(EventPattern::Exact),
    }
}

fn excluded(faults: &mut Faults, rids: Vec<i64>, scope: Scope) -> BTreeSet<Rid> {
    if scope == Scope::EntityOnly && !rids.is_empty() {
        faults.add(
            "/excludedEntityRids",
            "must be empty with the scope ENTITY_ONLY, which reaches no unit anyway",
        );
    }
    let numbered = rids.into_iter().enumerate();
    numbered
        .filter_map(|(at, number)| collect_faults(faults, &format!("/excludedEntityRids/{at}"), rid(number)))
        .collect()
}

fn schedule(faults: &mut Faults, mode: Option<ScheduleMode>, config: Option<SchedulingConfig>) -> Schedule {
    let schedule = SchedulingConfig::into_domain(mode.unwrap_or(ScheduleMode::Immediate), config);
    collect_faults(faults, "/schedulingConfig", schedule).unwrap_or_default()
}

fn order(faults: &mut Faults, ordering: Option<OrderingName>, max_concurrency: Option<u16>) -> Ordering {
    match ordering.unwrap_or(OrderingName::Ordered) {
        OrderingName::Unordered => Ordering::Unordered {
            max_concurrency: max_concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        },
        OrderingName::Ordered => {
            if max_concurrency.is_some_and(|most| most > 1) {
                faults.add("/maxConcurrency", "is for UNORDERED alone: ORDERED sends one at a time");
            }
            Ordering::Ordered
        }
    }
}

impl From<Integration> for OutboundDocument {
    fn from(integration: Integration) -> Self {
        let Integration {
            id,
            org_id,
            tenant_id,
            name,
            is_active,
            hold,
            events,
            scope,
            excluded_entity_rids,
            target,
            filter,
            transformation,
            lookups,
            script_timeout,
            auth: credentials,
            signing,
            headers,
            actions,
            multi_action_delay,
            timeout,
            attempts,
            ordering,
            rate_limit,
            breaker,
            log_level,
            schedule,
            revision,
            created_at,
            updated_at,
        } = integration;
        let TransformationFields {
            mode,
            rules,
            statics,
            passthrough,
            script,
        } = transformation.into();
        let Target { url, method } = target;
        let (auth_type, auth_config) = auth::shown(credentials);
        let (ordering, max_concurrency) = ordering_fields(ordering);
        Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            direction: Some("OUTBOUND".to_owned()),
            name,
            event_type: event_type_text(&events),
            tenant_id: Some(tenant_id.0),
            is_active: Some(is_active),
            hold: hold.map(Into::into),
            rate_limits: rate_limit.map(Into::into),
            breaker: BreakerDocument::shown(breaker),
            target_url: url.to_string(),
            http_method: Some(method.into()),
            filter: filter.map(Into::into),
            transformation_mode: mode,
            field_mappings: rules,
            static_fields: statics,
            passthrough,
            transform_script: script,
            script_timeout_ms: u64::try_from(script_timeout.as_millis()).ok(),
            lookups: Some(lookups.into_iter().map(Into::into).collect()),
            outgoing_auth_type: Some(auth_type),
            outgoing_auth_config: auth_config,
            signing: Some(SigningDocument::shown(signing.as_ref())),
            custom_headers: Some(headers.into_iter().collect()),
            actions: Some(actions.into_iter().map(Into::into).collect()),
            multi_action_delay_ms: u64::try_from(multi_action_delay.as_millis()).ok(),
            timeout_ms: u64::try_from(timeout.as_millis()).ok(),
            retry_count: Some(attempts),
            ordering: Some(ordering),
            max_concurrency,
            log_level: Some(log_level.into()),
            scope: Some(scope.into()),
            excluded_entity_rids: Some(excluded_entity_rids.into_iter().map(|rid| rid.0).collect()),
            scheduling_mode: Some(schedule.mode().into()),
            scheduling_config: SchedulingConfig::shown(&schedule),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

fn event_type_text(events: &EventPattern) -> String {
    match events {
        EventPattern::Any => "*".to_owned(),
        EventPattern::Exact(event_type) => event_type.to_string(),
    }
}

fn ordering_fields(ordering: Ordering) -> (OrderingName, Option<u16>) {
    match ordering {
        Ordering::Ordered => (OrderingName::Ordered, None),
        Ordering::Unordered { max_concurrency } => (OrderingName::Unordered, Some(max_concurrency)),
    }
}
