//! Inbound integrations.

use ig_core::id::{OrgId, Rid};
use ig_core::inbound::{AllowedMethods, ClientAuth, Hmac, InboundIntegration, Logging, ProxyMethod, ProxyTimeouts};
use ig_core::integration::{OutgoingAuth, Signing};
use ig_core::secret::Secret;
use ipnet::IpNet;

use crate::integration::{
    attempts_from_wire, auth_to_wire, breaker_from_wire, headers_from_wire, headers_to_wire, limit_from_wire, limit_to_wire,
    log_level_from_wire, log_level_to_wire, secrets_from_wire, secrets_to_wire,
};
use crate::invalid::{InvalidMessage, Within as _, optional, required};
use crate::time::{duration_from_wire, duration_to_wire, timestamp_from_wire, timestamp_to_wire};
use crate::v1;
use crate::v1::client_auth::Kind;

impl From<&InboundIntegration> for v1::InboundIntegration {
    fn from(inbound: &InboundIntegration) -> Self {
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
        Self {
            id: id.to_string(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            route: route.to_string(),
            name: name.clone(),
            is_active: *is_active,
            hold: hold.as_ref().map(Into::into),
            methods: methods.as_slice().iter().map(ProxyMethod::to_string).collect(),
            target_url: target.to_string(),
            path_suffix: *path_suffix,
            client_auth: client_to_wire(client_auth),
            allowed_addresses: allowed_addresses.iter().map(IpNet::to_string).collect(),
            auth: auth_to_wire(auth),
            signing_secrets: signing.as_ref().map(secrets_to_wire).unwrap_or_default(),
            headers: headers_to_wire(headers),
            request: request.as_ref().map(Into::into),
            response: response.as_ref().map(Into::into),
            script_timeout: Some(duration_to_wire(*script_timeout)),
            timeouts: Some(timeouts.into()),
            attempts: u32::from(*attempts),
            max_concurrency: *max_concurrency,
            rate_limit: rate_limit.map(limit_to_wire),
            probe_after_seconds: breaker.probe_after().map(|wait| wait.as_secs()),
            log_level: log_level.map(|level| log_level_to_wire(level).into()),
            best_effort_logging: *logging == Logging::BestEffort,
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::InboundIntegration> for InboundIntegration {
    type Error = InvalidMessage;

    fn try_from(message: v1::InboundIntegration) -> Result<Self, InvalidMessage> {
        let v1::InboundIntegration {
            id,
            org_id,
            tenant_id,
            route,
            name,
            is_active,
            hold,
            methods,
            target_url,
            path_suffix,
            client_auth,
            allowed_addresses,
            auth,
            signing_secrets,
            headers,
            request,
            response,
            script_timeout,
            timeouts,
            attempts,
            max_concurrency,
            rate_limit,
            probe_after_seconds,
            log_level,
            best_effort_logging,
            revision,
            created_at,
            updated_at,
        } = message;
        Ok(Self {
            id: id.parse().within("id")?,
            org_id: OrgId(org_id),
            tenant_id: Rid(tenant_id),
            route: route.parse().within("route")?,
            name,
            is_active,
            hold: optional(hold, "hold")?,
            methods: methods_from_wire(&methods).within("methods")?,
            target: target_url.parse().within("target_url")?,
            path_suffix,
            client_auth: client_auth
                .map_or(Ok(ClientAuth::None), ClientAuth::try_from)
                .within("client_auth")?,
            allowed_addresses: addresses_from_wire(&allowed_addresses).within("allowed_addresses")?,
            auth: auth.map_or(Ok(OutgoingAuth::None), OutgoingAuth::try_from).within("auth")?,
            signing: secrets_from_wire(&signing_secrets).within("signing_secrets")?,
            headers: headers_from_wire(headers),
            request: optional(request, "request")?,
            response: optional(response, "response")?,
            script_timeout: duration_from_wire(script_timeout, "script_timeout")?,
            timeouts: required(timeouts, "timeouts")?,
            attempts: attempts_from_wire(attempts).within("attempts")?,
            max_concurrency,
            rate_limit: rate_limit.map(limit_from_wire).transpose().within("rate_limit")?,
            breaker: breaker_from_wire(probe_after_seconds).within("probe_after_seconds")?,
            log_level: log_level.map(log_level_from_wire).transpose().within("log_level")?,
            logging: if best_effort_logging {
                Logging::BestEffort
            } else {
                Logging::Required
            },
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}

fn methods_from_wire(methods: &[String]) -> Result<AllowedMethods, InvalidMessage> {
    let methods: Result<Vec<ProxyMethod>, _> = methods.iter().map(|method| method.parse()).collect();
    Ok(AllowedMethods::new(methods?)?)
}

fn addresses_from_wire(addresses: &[String]) -> Result<Vec<IpNet>, InvalidMessage> {
    let read = |text: &String| {
        text.parse()
            .map_err(|_| InvalidMessage::value(format!("{text} is no network in CIDR notation")))
    };
    addresses.iter().map(read).collect()
}

/// No authentication is an absent message.
fn client_to_wire(auth: &ClientAuth) -> Option<v1::ClientAuth> {
    let kind = match auth {
        ClientAuth::None => return None,
        ClientAuth::ApiKey { header_name, api_key } => Kind::ApiKey(v1::ApiKeyAuth {
            header_name: header_name.clone(),
            api_key: api_key.expose().to_owned(),
        }),
        ClientAuth::Bearer { token } => Kind::BearerToken(token.expose().to_owned()),
        ClientAuth::Basic { username, password } => Kind::Basic(v1::BasicAuth {
            username: username.clone(),
            password: password.expose().to_owned(),
        }),
        ClientAuth::Hmac(Hmac { secrets, tolerance }) => Kind::Hmac(v1::HmacAuth {
            secrets: secrets_to_wire(secrets),
            tolerance: Some(duration_to_wire(*tolerance)),
        }),
    };
    Some(v1::ClientAuth { kind: Some(kind) })
}

impl TryFrom<v1::ClientAuth> for ClientAuth {
    type Error = InvalidMessage;

    fn try_from(message: v1::ClientAuth) -> Result<Self, InvalidMessage> {
        let v1::ClientAuth { kind } = message;
        // An unknown kind of authentication must not turn into none.
        let kind = kind.ok_or_else(|| InvalidMessage::value("must be given")).within("kind")?;
        Ok(match kind {
            Kind::ApiKey(v1::ApiKeyAuth { header_name, api_key }) => Self::ApiKey {
                header_name,
                api_key: Secret::new(api_key),
            },
            Kind::BearerToken(token) => Self::Bearer {
                token: Secret::new(token),
            },
            Kind::Basic(v1::BasicAuth { username, password }) => Self::Basic {
                username,
                password: Secret::new(password),
            },
            Kind::Hmac(v1::HmacAuth { secrets, tolerance }) => Self::Hmac(Hmac {
                secrets: hmac_secrets(&secrets).within("hmac.secrets")?,
                tolerance: duration_from_wire(tolerance, "hmac.tolerance")?,
            }),
        })
    }
}

fn hmac_secrets(secrets: &[String]) -> Result<Signing, InvalidMessage> {
    secrets_from_wire(secrets)?.ok_or_else(|| InvalidMessage::value("must be given"))
}

impl From<&ProxyTimeouts> for v1::ProxyTimeouts {
    fn from(timeouts: &ProxyTimeouts) -> Self {
        let ProxyTimeouts {
            connect,
            first_byte,
            idle,
            total,
        } = timeouts;
        Self {
            connect: Some(duration_to_wire(*connect)),
            first_byte: Some(duration_to_wire(*first_byte)),
            idle: Some(duration_to_wire(*idle)),
            total: Some(duration_to_wire(*total)),
        }
    }
}

impl TryFrom<v1::ProxyTimeouts> for ProxyTimeouts {
    type Error = InvalidMessage;

    fn try_from(message: v1::ProxyTimeouts) -> Result<Self, InvalidMessage> {
        let v1::ProxyTimeouts {
            connect,
            first_byte,
            idle,
            total,
        } = message;
        let timeouts = Self {
            connect: duration_from_wire(connect, "connect")?,
            first_byte: duration_from_wire(first_byte, "first_byte")?,
            idle: duration_from_wire(idle, "idle")?,
            total: duration_from_wire(total, "total")?,
        };
        Ok(timeouts.checked()?)
    }
}
