//! Converts the domain's integration to the document that clients read.

use ig_core::integration::{EventPattern, Integration, Ordering, Target};

use super::{OutboundIntegration, SchedulingConfig};
use crate::auth;
use crate::choice::OrderingName;
use crate::resilience::BreakerDocument;
use crate::signing::SigningDocument;
use crate::transformation::Transformed;

impl From<Integration> for OutboundIntegration {
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
        let Transformed {
            mode,
            rules,
            statics,
            passthrough,
            script,
        } = transformation.into();
        let Target { url, method } = target;
        let (auth_type, auth_config) = auth::shown(credentials);
        let (ordering, max_concurrency) = order(ordering);
        Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            direction: Some("OUTBOUND".to_owned()),
            name,
            event_type: pattern(&events),
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

fn pattern(events: &EventPattern) -> String {
    match events {
        EventPattern::Any => "*".to_owned(),
        EventPattern::Exact(event_type) => event_type.to_string(),
    }
}

fn order(ordering: Ordering) -> (OrderingName, Option<u16>) {
    match ordering {
        Ordering::Ordered => (OrderingName::Ordered, None),
        Ordering::Unordered { max_concurrency } => (OrderingName::Unordered, Some(max_concurrency)),
    }
}
