//! Converts the domain's inbound integration to the document that clients read.

use std::time::Duration;

use ig_core::inbound::{InboundIntegration, ProxyTimeouts};

use super::choice::ProxyLogLevel;
use super::{InboundDocument, TimeoutsDocument, client};
use crate::auth::shown as shown_authentication;
use crate::resilience::BreakerDocument;
use crate::signing::SigningDocument;
use crate::transformation::Transformed;

impl From<InboundIntegration> for InboundDocument {
    fn from(inbound: InboundIntegration) -> Self {
        let InboundIntegration {
            id,
            org_id,
            tenant_id,
            route,
            name,
            is_active,
            hold,
            methods,
            target,
            path_suffix,
            client_auth,
            allowed_addresses,
            auth,
            signing,
            headers,
            request,
            response,
            script_timeout,
            timeouts,
            attempts,
            max_concurrency,
            rate_limit,
            breaker,
            log_level,
            logging,
            revision,
            created_at,
            updated_at,
        } = inbound;
        let request = request.map(Transformed::from).unwrap_or_default();
        let response = response.map(Transformed::from).unwrap_or_default();
        let (inbound_auth_type, inbound_auth_config) = client::shown(client_auth);
        let (outgoing_auth_type, outgoing_auth_config) = shown_authentication(auth);
        let methods = methods.as_slice();
        Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            direction: Some("INBOUND".to_owned()),
            r#type: route.to_string(),
            name,
            tenant_id: Some(tenant_id.0),
            is_active: Some(is_active),
            hold: hold.map(Into::into),
            target_url: target.to_string(),
            http_method: methods.first().copied().map(Into::into),
            allowed_methods: Some(methods.iter().copied().map(Into::into).collect()),
            path_suffix: Some(path_suffix),
            inbound_auth_type: Some(inbound_auth_type),
            inbound_auth_config,
            allowed_addresses: Some(allowed_addresses.iter().map(ToString::to_string).collect()),
            outgoing_auth_type: Some(outgoing_auth_type),
            outgoing_auth_config,
            signing: Some(SigningDocument::shown(signing.as_ref())),
            custom_headers: Some(headers.into_iter().collect()),
            request_transformation_mode: request.mode,
            request_field_mappings: request.rules,
            request_static_fields: request.statics,
            request_passthrough: request.passthrough,
            request_transform_script: request.script,
            response_transformation_mode: response.mode,
            response_field_mappings: response.rules,
            response_static_fields: response.statics,
            response_passthrough: response.passthrough,
            response_transform_script: response.script,
            script_timeout_ms: millis(script_timeout),
            timeouts: Some(timeouts.into()),
            retry_count: Some(attempts),
            max_concurrency: Some(max_concurrency),
            rate_limits: rate_limit.map(Into::into),
            breaker: BreakerDocument::shown(breaker),
            log_level: Some(ProxyLogLevel::shown(log_level)),
            logging: Some(logging.into()),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

impl From<ProxyTimeouts> for TimeoutsDocument {
    fn from(timeouts: ProxyTimeouts) -> Self {
        let ProxyTimeouts {
            connect,
            first_byte,
            idle,
            total,
        } = timeouts;
        Self {
            connect_ms: millis(connect),
            first_byte_ms: millis(first_byte),
            idle_ms: millis(idle),
            total_ms: millis(total),
        }
    }
}

fn millis(time: Duration) -> Option<u64> {
    u64::try_from(time.as_millis()).ok()
}
