//! A channel to another service: it connects on first use and reconnects by itself.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures::{TryFutureExt, future::MapErr};
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tonic::{
    body::Body,
    codegen::{Service, StdError},
    transport::{Channel, Endpoint, Error},
};

use super::{
    GrpcError, credentials,
    deadline::{self, GRPC_TIMEOUT},
};
use crate::{config::GrpcConfig, telemetry::TraceContext};

/// Interval of the probes on an idle connection, so that a vanished peer is noticed before the next call.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// The transport under generated clients: adds credentials, trace context and a deadline to each call.
///
/// Clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    bearer: Option<HeaderValue>,
    timeout: HeaderValue,
}

impl Client {
    pub(super) fn over(channel: Channel, config: &GrpcConfig) -> Result<Self, GrpcError> {
        let (bearer, timeout) = (credentials::bearer(config)?, deadline::timeout_header(config.deadline()));
        Ok(Self {
            channel,
            bearer,
            timeout,
        })
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Body>;
    type Error = StdError;
    type Future = MapErr<<Channel as Service<Request<Body>>>::Future, fn(Error) -> StdError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        self.channel.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let headers = request.headers_mut();
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        TraceContext::current_or_new().inject(headers);
        headers.entry(GRPC_TIMEOUT).or_insert_with(|| self.timeout.clone());
        self.channel.call(request).map_err(deadline::map_expired)
    }
}

/// Returns a lazily connecting channel to `target`, given as `host:port`.
pub fn channel(target: &str, config: &GrpcConfig) -> Result<Client, GrpcError> {
    let host = host_of(target)?;
    let channel = endpoint(target, host, config)?.connect_lazy();
    Client::over(channel, config)
}

/// Connects to `address` and expects the certificate to be for `host`.
pub(super) fn endpoint(address: &str, host: &str, config: &GrpcConfig) -> Result<Endpoint, GrpcError> {
    let tls = credentials::client_tls(config, host)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let uri = format!("{scheme}://{address}");
    let endpoint = Endpoint::from_shared(uri).map_err(|_| GrpcError::Target(address.to_owned()))?;
    let endpoint = endpoint
        .connect_timeout(config.connect_timeout())
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_INTERVAL)
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
