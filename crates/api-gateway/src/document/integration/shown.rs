//! Converts the domain's integration to the document that clients read.

use std::collections::BTreeMap;

use ig_core::integration::{EventPattern, Integration, Ordering, Target};
use ig_core::mask::hides;
use ig_core::secret::MASK;

use super::choice::OrderingName;
use super::transformation::Transformed;
use super::{AuthConfig, BreakerDocument, OutboundIntegration, SchedulingConfig, SigningDocument, auth};

/// How a document renders its secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// Every credential in clear: to merge with what a client sends, never for a response.
    Kept,
    /// The signing secrets in clear, all else masked: for the response that follows their generation.
    SigningShown,
    /// Everything masked.
    Masked,
}

impl OutboundIntegration {
    /// The document of an integration.
    pub(crate) fn of(integration: Integration, secrets: Secrets) -> Self {
        Self::from(integration).masked(secrets)
    }

    /// The same document, with the secrets masked as `secrets` says.
    pub(crate) fn masked(mut self, secrets: Secrets) -> Self {
        if secrets != Secrets::Kept {
            mask_credentials(&mut self.outgoing_auth_config, &mut self.custom_headers);
        }
        if let (Secrets::Masked, Some(signing)) = (secrets, &mut self.signing) {
            signing.mask();
        }
        self
    }
}

/// Masks credentials, and headers that may hold credentials.
pub(in super::super) fn mask_credentials(config: &mut Option<AuthConfig>, headers: &mut Option<BTreeMap<String, String>>) {
    if let Some(config) = config {
        auth::mask(config);
    }
    for (_, value) in headers.iter_mut().flatten().filter(|(name, value)| hides(name, value)) {
        MASK.clone_into(value);
    }
}

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
