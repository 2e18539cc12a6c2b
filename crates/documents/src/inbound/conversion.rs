//! Conversion of the document into the domain, with every fault of a field by pointer, and back.

use std::net::IpAddr;
use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::{AllowedMethods, ClientAuth, InboundIntegration, ProxyMethod, ProxyTimeouts};
use ig_core::integration::{DEFAULT_SCRIPT_TIMEOUT, OutgoingAuth, Transformation};
use ipnet::IpNet;

use super::choice::{ProxyLogLevel, ProxyMethodName};
use super::client::{self, InboundAuthType};
use super::side::Side;
use super::{InboundDocument, TimeoutsDocument};
use crate::auth::{AuthType, into_domain as authentication, shown as shown_authentication};
use crate::checks::Checks;
use crate::header;
use crate::identity::{check_direction, check_identity, entity};
use crate::resilience::{BreakerDocument, RateLimitsDocument};
use crate::resource::Stamp;
use crate::signing::SigningDocument;
use crate::text::{collect_faults, name, optional};
use crate::transformation::TransformationFields;

/// A body's transformation, or what is wrong with it.
type Shaped = Result<Option<Transformation>, Faults>;

const DEFAULT_ATTEMPTS: u8 = 3;
const DEFAULT_CONCURRENCY: u32 = 100;

impl InboundDocument {
    /// The domain's inbound integration, or everything that is wrong with the document by itself.
    ///
    /// The caller checks that the entity belongs to the organisation, that the target is allowed, and that scripts compile.
    pub(crate) fn into_domain(
        mut self,
        org_id: OrgId,
        id: IntegrationId,
        stamp: Stamp,
        checks: &dyn Checks,
    ) -> Result<InboundIntegration, Faults> {
        let (request, response) = self.sides(checks);
        let Self {
            id: given_id,
            org_id: given_org,
            direction,
            r#type,
            name: shown,
            tenant_id,
            is_active,
            target_url,
            http_method,
            allowed_methods,
            path_suffix,
            inbound_auth_type,
            inbound_auth_config,
            allowed_addresses,
            outgoing_auth_type,
            outgoing_auth_config,
            signing,
            custom_headers,
            script_timeout_ms,
            timeouts,
            retry_count,
            max_concurrency,
            rate_limits,
            breaker,
            log_level,
            logging,
            hold: _,
            request_transformation_mode: _,
            request_field_mappings: _,
            request_static_fields: _,
            request_passthrough: _,
            request_transform_script: _,
            response_transformation_mode: _,
            response_field_mappings: _,
            response_static_fields: _,
            response_passthrough: _,
            response_transform_script: _,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let faults = &mut Faults::default();
        check_identity(faults, (given_id, &id.to_string()), (given_org, org_id));
        check_direction(faults, direction.as_deref(), "INBOUND");
        let tenant_id = entity(faults, tenant_id, org_id);
        let client = client::into_domain(inbound_auth_type.unwrap_or(InboundAuthType::None), inbound_auth_config);
        let outgoing = authentication(outgoing_auth_type.unwrap_or(AuthType::None), outgoing_auth_config, checks);
        let name = collect_faults(faults, "/name", name(&shown, 200)).unwrap_or_default();
        let route = collect_faults(faults, "/type", r#type.parse());
        let target = collect_faults(faults, "/targetUrl", target_url.parse());
        let methods = methods(http_method, allowed_methods)
            .map_err(|found| faults.add_below("", found))
            .ok();
        let signing = optional(faults, "/signing", signing, SigningDocument::into_domain);
        let (Some(route), Some(target), Some(methods)) = (route, target, methods) else {
            // Each missing part has its fault already; this reports it together with the rest.
            rest(faults, client, outgoing, request.map(drop).and(response.map(drop)));
            return Err(std::mem::take(faults));
        };
        let inbound = InboundIntegration {
            id,
            org_id,
            tenant_id,
            route,
            name,
            is_active: is_active.unwrap_or(true),
            hold: None,
            methods,
            target,
            path_suffix: path_suffix.unwrap_or_default(),
            client_auth: collect_faults(faults, "/inboundAuthConfig", client).unwrap_or(ClientAuth::None),
            allowed_addresses: addresses(faults, allowed_addresses.unwrap_or_default()),
            auth: collect_faults(faults, "/outgoingAuthConfig", outgoing).unwrap_or(OutgoingAuth::None),
            signing: signing.flatten(),
            headers: collect_faults(
                faults,
                "/customHeaders",
                header::headers(&custom_headers.unwrap_or_default(), checks),
            )
            .unwrap_or_default(),
            request: collect_faults(faults, "", request).flatten(),
            response: collect_faults(faults, "", response).flatten(),
            script_timeout: script_timeout_ms.map_or(DEFAULT_SCRIPT_TIMEOUT, Duration::from_millis),
            timeouts: collect_faults(faults, "/timeouts", timeouts.unwrap_or_default().into_domain()).unwrap_or_default(),
            attempts: retry_count.unwrap_or(DEFAULT_ATTEMPTS),
            max_concurrency: max_concurrency.unwrap_or(DEFAULT_CONCURRENCY),
            rate_limit: optional(faults, "/rateLimits", rate_limits, RateLimitsDocument::into_domain).flatten(),
            breaker: optional(faults, "/breaker", breaker, BreakerDocument::into_domain).unwrap_or_default(),
            log_level: log_level.unwrap_or(ProxyLogLevel::Full).into_domain(),
            logging: logging.map(Into::into).unwrap_or_default(),
            revision: 0,
            created_at: stamp.created_at,
            updated_at: stamp.updated_at,
        };
        std::mem::take(faults).into_result(inbound)
    }

    /// The transformations of request and response bodies.
    fn sides(&mut self, checks: &dyn Checks) -> (Shaped, Shaped) {
        let request = TransformationFields {
            mode: self.request_transformation_mode.take(),
            rules: self.request_field_mappings.take(),
            statics: self.request_static_fields.take(),
            passthrough: self.request_passthrough.take(),
            script: self.request_transform_script.take(),
        };
        let response = TransformationFields {
            mode: self.response_transformation_mode.take(),
            rules: self.response_field_mappings.take(),
            statics: self.response_static_fields.take(),
            passthrough: self.response_passthrough.take(),
            script: self.response_transform_script.take(),
        };
        (
            Side::Request.into_domain(request, checks),
            Side::Response.into_domain(response, checks),
        )
    }
}

fn rest(
    faults: &mut Faults,
    client: Result<ClientAuth, Faults>,
    outgoing: Result<OutgoingAuth, Faults>,
    sides: Result<(), Faults>,
) {
    collect_faults(faults, "/inboundAuthConfig", client);
    collect_faults(faults, "/outgoingAuthConfig", outgoing);
    collect_faults(faults, "", sides);
}

fn methods(one: Option<ProxyMethodName>, all: Option<Vec<ProxyMethodName>>) -> Result<AllowedMethods, Faults> {
    let Some(all) = all else {
        return AllowedMethods::new([one.map_or(ProxyMethod::Post, ProxyMethod::from)]);
    };
    let listed = AllowedMethods::new(all.into_iter().map(ProxyMethod::from));
    let listed = listed.map_err(|found| {
        let mut faults = Faults::default();
        faults.add_below("/allowedMethods", found);
        faults
    })?;
    match one.map(ProxyMethod::from) {
        Some(one) if !listed.allows(one) => Err(Faults::single("/httpMethod", "must be among allowedMethods, or left out")),
        _ => Ok(listed),
    }
}

fn addresses(faults: &mut Faults, given: Vec<String>) -> Vec<IpNet> {
    let numbered = given.into_iter().enumerate();
    let read = numbered.filter_map(|(at, text)| {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        if network.is_err() {
            faults.add(
                format!("/allowedAddresses/{at}"),
                "must be an IP address, or a network such as 203.0.113.0/24",
            );
        }
        network.ok()
    });
    read.collect()
}

impl TimeoutsDocument {
    fn into_domain(self) -> Result<ProxyTimeouts, Faults> {
        let Self {
            connect_ms,
            first_byte_ms,
            idle_ms,
            total_ms,
        } = self;
        let otherwise = ProxyTimeouts::default();
        let or = |ms: Option<u64>, default: Duration| ms.map_or(default, Duration::from_millis);
        let timeouts = ProxyTimeouts {
            connect: or(connect_ms, otherwise.connect),
            first_byte: or(first_byte_ms, otherwise.first_byte),
            idle: or(idle_ms, otherwise.idle),
            total: or(total_ms, otherwise.total),
        };
        timeouts.checked()
    }
}

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
        let request = request.map(TransformationFields::from).unwrap_or_default();
        let response = response.map(TransformationFields::from).unwrap_or_default();
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
