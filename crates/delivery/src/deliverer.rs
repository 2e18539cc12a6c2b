//! The client behind every exchange: one pool of guarded connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ig_core::fault::Faults;
use rustls::ClientConfig;

use crate::connector::{ConnectError, ConnectTimeout, GuardedConnector, Resolve, SystemResolver};
use crate::egress::EgressGuard;
use crate::security::SecurityConfig;
use crate::tokens::TokenCache;

mod pinned;
mod roots;

/// How long an idle connection stays in the pool. Many servers close theirs after a minute.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Idle connections per host.
const MAX_IDLE_PER_HOST: usize = 256;
/// The largest head of a response: over HTTP/1.1, and on an HTTP/2 stream.
const MAX_HTTP1_HEAD_BYTES: usize = 64 * 1024;
const MAX_HTTP2_HEAD_BYTES: u32 = 64 * 1024;
/// How much unread data a target may have on one HTTP/2 stream.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same for all streams of one connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Many requests share an HTTP/2 connection; one that died silently is noticed within twice this.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The only way to a connection.
pub(crate) type Connector = ConnectTimeout<HttpsConnector<GuardedConnector>>;

pub(crate) type HttpClient = Client<Connector, Full<Bytes>>;

/// Why a host may not be connected to, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostRefusal {
    /// The egress guard refuses it; the sentence may be shown to a tenant.
    #[error("{0}")]
    Blocked(String),
    /// Its name has no address now.
    #[error("the name was not resolved")]
    Unresolved,
}

/// Sends signed requests. Cheap to clone: all clones share one pool.
#[derive(Clone)]
pub struct Deliverer {
    client: HttpClient,
    connector: Connector,
    hosts: GuardedConnector,
    tls: Arc<ClientConfig>,
    guard: Arc<EgressGuard>,
    tokens: Arc<TokenCache>,
}

impl Deliverer {
    /// A deliverer with a pool of its own; faults carry pointers into `security`, such as `/private_ca_file`.
    pub fn new(config: &SecurityConfig) -> Result<Self, Faults> {
        Self::with_resolver(config, Arc::new(SystemResolver::default()))
    }

    /// The same, with names resolved by `resolver`.
    pub fn with_resolver(config: &SecurityConfig, resolver: Arc<dyn Resolve>) -> Result<Self, Faults> {
        let guard = Arc::new(EgressGuard::new(config)?);
        let tls = roots::client_config(config.private_ca_file.as_deref())?;
        let hosts = GuardedConnector::new(guard.clone(), resolver);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(hosts.clone());
        let connector = ConnectTimeout(connector);
        Ok(Self {
            client: pool_builder().build(connector.clone()),
            connector,
            hosts,
            tls: Arc::new(tls),
            guard,
            tokens: Arc::default(),
        })
    }

    /// The connector, for another pool.
    pub(crate) fn connector(&self) -> Connector {
        self.connector.clone()
    }

    /// The addresses of a database's host, each of them judged as an address of a delivery is.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, HostRefusal> {
        self.hosts.judged(host, port).await.map_err(|error| match error {
            ConnectError::Blocked(blocked) => HostRefusal::Blocked(blocked.to_string()),
            ConnectError::Dns(_) | ConnectError::Tcp(_) | ConnectError::TimedOut => HostRefusal::Unresolved,
        })
    }

    /// The roots that connections trust, and how they verify.
    pub fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// The guard that every connection passes.
    pub fn guard(&self) -> &EgressGuard {
        &self.guard
    }

    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.tokens
    }

    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }
}

/// The settings of a pool of connections.
pub(crate) fn pool_builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .http1_max_buf_size(MAX_HTTP1_HEAD_BYTES)
        .http2_max_header_list_size(MAX_HTTP2_HEAD_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .http2_keep_alive_timeout(KEEP_ALIVE_INTERVAL);
    builder
}
