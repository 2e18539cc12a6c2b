//! A channel to another service: connects when first used, and again whenever it has to.

use std::time::Duration;

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{GrpcError, credentials};
use crate::{config::GrpcConfig, telemetry::TraceContext};

/// A quiet connection is probed this often, so that a peer that vanished is noticed before the next call.
const KEEPALIVE: Duration = Duration::from_secs(20);
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// What generated clients are made over; clones share the connection.
pub type Client = InterceptedService<Channel, Outgoing>;

/// Puts credentials, trace context and a deadline on each call.
#[derive(Debug, Clone)]
pub struct Outgoing {
    bearer: Option<MetadataValue<Ascii>>,
    deadline: Duration,
}

impl Outgoing {
    pub(super) fn new(config: &GrpcConfig) -> Result<Self, GrpcError> {
        Ok(Self {
            bearer: credentials::bearer(config)?,
            deadline: config.deadline(),
        })
    }
}

impl Interceptor for Outgoing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        TraceContext::current_or_new().inject_metadata(request.metadata_mut());
        if request.metadata().get(GRPC_TIMEOUT).is_none() {
            request.set_timeout(self.deadline);
        }
        Ok(request)
    }
}

/// A lazily connecting channel to `target`, given as `host:port`.
pub fn channel(target: &str, config: &GrpcConfig) -> Result<Client, GrpcError> {
    let host = host_of(target)?;
    let channel = endpoint(target, host, config)?.connect_lazy();
    Ok(InterceptedService::new(channel, Outgoing::new(config)?))
}

/// `host` is what the certificate has to say, `address` where to connect.
pub(super) fn endpoint(address: &str, host: &str, config: &GrpcConfig) -> Result<Endpoint, GrpcError> {
    let tls = credentials::client_tls(config, host)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let uri = format!("{scheme}://{address}");
    let endpoint = Endpoint::from_shared(uri).map_err(|_| GrpcError::Target(address.to_owned()))?;
    let endpoint = endpoint
        .connect_timeout(config.connect_timeout())
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    match tls {
        Some(tls) => endpoint.tls_config(tls).map_err(GrpcError::Tls),
        None => Ok(endpoint),
    }
}

pub(super) fn host_of(target: &str) -> Result<&str, GrpcError> {
    let parts = target
        .rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let (host, _) = parts.ok_or_else(|| GrpcError::Target(target.to_owned()))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}
