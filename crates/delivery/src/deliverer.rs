//! The client behind every exchange: one pool of guarded connections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ig_core::fault::Faults;

use crate::connector::{Bounded, GuardedConnector, Resolve, SystemResolver};
use crate::egress::EgressGuard;
use crate::security::SecurityConfig;
use crate::tokens::Tokens;

mod exact;
mod roots;

/// How long a connection waits in the pool for its next request. Many servers close after a minute.
const IDLE: Duration = Duration::from_secs(50);
/// How many connections to one host wait in the pool.
const IDLE_PER_HOST: usize = 256;
/// The most that an answer's head may take: on HTTP/1.1, and on an HTTP/2 stream.
const LARGEST_HEAD: usize = 64 * 1024;
const STREAM_HEAD: u32 = 64 * 1024;
/// How much of an answer a target may send on one HTTP/2 stream before it was read.
const STREAM_WINDOW: u32 = 64 * 1024;
/// How much it may send on all streams of one connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// An HTTP/2 connection is shared by many; one that died silently is noticed within twice this.
const PING: Duration = Duration::from_secs(10);

/// The only way to a connection.
pub(crate) type Connector = Bounded<HttpsConnector<GuardedConnector>>;

pub(crate) type HttpClient = Client<Connector, Full<Bytes>>;

/// Sends what was signed. Cheap to clone: all clones share one pool.
#[derive(Clone)]
pub struct Deliverer {
    client: HttpClient,
    connector: Connector,
    guard: Arc<EgressGuard>,
    tokens: Arc<Tokens>,
}

impl Deliverer {
    /// A deliverer with a pool of its own; faults are told by pointers into `security`, such as `/private_ca_file`.
    pub fn new(config: &SecurityConfig) -> Result<Self, Faults> {
        Self::with_resolver(config, Arc::new(SystemResolver::default()))
    }

    /// The same, with names resolved by `resolver`.
    pub fn with_resolver(config: &SecurityConfig, resolver: Arc<dyn Resolve>) -> Result<Self, Faults> {
        let guard = Arc::new(EgressGuard::new(config)?);
        let tls = roots::client_config(config.private_ca_file.as_deref())?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(GuardedConnector::new(guard.clone(), resolver));
        let connector = Bounded(connector);
        Ok(Self {
            client: pool().build(connector.clone()),
            connector,
            guard,
            tokens: Arc::default(),
        })
    }

    /// Makes connections for another pool.
    pub(crate) fn connector(&self) -> Connector {
        self.connector.clone()
    }

    /// The guard that every connection passes.
    pub fn guard(&self) -> &EgressGuard {
        &self.guard
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }
}

/// How connections are kept.
pub(crate) fn pool() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_buf_size(LARGEST_HEAD)
        .http2_max_header_list_size(STREAM_HEAD)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING);
    builder
}
