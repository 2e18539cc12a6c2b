//! One call, from its arrival to its response.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::id::OrgId;
use ig_core::inbound::ProxyMethod;
use ig_service::TraceContext;
use tokio::sync::OwnedSemaphorePermit;

use super::admitted::{AdmittedCall, CallResponse};
use super::matching::overloaded;
use super::outcome::CallFailure;
use super::record::{CallIdentity, CallRecord};
use super::recording::LogAdmission;
use super::routes::Route;
use super::{Proxying, RETRY_AFTER, matching, metrics};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::response_extras::ResponseExtras;
use crate::tenant_shares::Share;

/// A call as received.
#[derive(Debug)]
pub(crate) struct IncomingCall {
    /// The organisation that is called.
    pub(crate) org: OrgId,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// Whether the client used HTTPS, according to a trusted proxy.
    pub(crate) is_https: bool,
    /// The request identifier that the client reads.
    pub(crate) request_id: String,
    /// The request's head.
    pub(crate) parts: Parts,
}

/// A call's permits for capacity, released when it ends.
pub(super) struct Permits {
    _gateway_share: Share,
    _integration_permit: OwnedSemaphorePermit,
    /// The memory for its body.
    pub(super) body: Share,
}

/// Answers a call.
pub(crate) async fn handle(
    gateway: &Gateway,
    extras: &ResponseExtras,
    call: &IncomingCall,
    body: Body,
) -> Result<Response, ApiError> {
    let proxying = gateway.proxying();
    let (route, rest) = proxying.find_route(gateway, call)?;
    let method = match matching::allowed_method(&route, &call.parts.method) {
        Ok(method) => method,
        Err(response) => return Ok(response),
    };
    let permits = proxying.acquire_permits(&route)?;
    let identity = CallIdentity::new(&route, call.request_id.clone(), trace(&call.parts), SystemClock.now());
    let mut record = proxying.begin_record(gateway, &route, method, &identity).await?;
    let admitted = AdmittedCall {
        gateway,
        proxying,
        route,
        method,
        identity,
        rest,
        call,
        permits,
    };
    match admitted.serve(extras, body, &mut record).await {
        Ok(CallResponse::Complete(response)) => Ok(response),
        Ok(CallResponse::Streaming(stream)) => Ok(stream(record)),
        Err(CallFailure { error, outcome }) => {
            record.close(outcome, SystemClock.now());
            Ok(error.into_response())
        }
    }
}

impl Proxying {
    /// Takes the call's permits. A call never queues for them.
    fn acquire_permits(&self, route: &Route) -> Result<Permits, ApiError> {
        let refused = |reason, message| {
            metrics::shed(reason);
            overloaded(message, RETRY_AFTER)
        };
        let org = route.integration.org_id;
        let gateway_share = self.calls.of(org);
        if !gateway_share.grow(1) {
            return Err(refused("gateway", "Too many calls are under way, please try again"));
        }
        let integration_permit = Arc::clone(&route.permits).try_acquire_owned().map_err(|_| {
            let message = "Too many calls to this integration are under way, please try again";
            refused("integration", message)
        })?;
        Ok(Permits {
            _gateway_share: gateway_share,
            _integration_permit: integration_permit,
            body: self.bodies.of(org),
        })
    }

    async fn begin_record(
        &self,
        gateway: &Gateway,
        route: &Route,
        method: ProxyMethod,
        identity: &CallIdentity,
    ) -> Result<CallRecord, ApiError> {
        let integration = &route.integration;
        let admission = match integration.log_level {
            Some(_) => self.recording.admit(integration.logging).await,
            None => LogAdmission::Skipped,
        };
        let permit = match admission {
            LogAdmission::Skipped => None,
            LogAdmission::Granted(permit) => Some((permit, self.retention(gateway, integration.org_id))),
            LogAdmission::Refused => {
                metrics::shed("logs");
                let message = "The call's log could not be kept now, which this integration requires; please try again";
                return Err(overloaded(message, RETRY_AFTER));
            }
        };
        Ok(CallRecord::begin(&self.recording, route, method, identity, permit))
    }

    fn retention(&self, gateway: &Gateway, org: OrgId) -> Duration {
        let configuration = gateway.feed().configuration();
        let organization = configuration.org(org).and_then(|org| org.organization());
        let days = organization.and_then(|organization| organization.retention_days);
        Duration::from_hours(24) * days.unwrap_or(self.recording.retention_days())
    }
}

/// The trace context of a call: the gateway's span, as a child of the client's.
fn trace(parts: &Parts) -> TraceContext {
    let clients = || TraceContext::extract(&parts.headers);
    TraceContext::current()
        .or_else(clients)
        .unwrap_or_else(TraceContext::generate)
}
