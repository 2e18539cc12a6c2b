//! Streams one call to an address that a tenant chose, through the same guard as every delivery.
//!
//! A delivery is complete before it is sent, and its response is read in full. A call streams: its body goes up as the client sends it, its
//! response comes down as the target sends it, each no faster than the other side takes it.

use std::time::Duration;

use hyper_util::client::legacy::Client;
use ig_core::fault::Faults;

use crate::deliverer::{Connector, Deliverer, pool_builder};
use crate::egress::EgressGuard;
use crate::security::SecurityConfig;

mod address;
mod body_capture;
mod call;
mod client_check;
mod exchange;
mod header_filter;
mod response;
mod template;
mod upload;

pub use address::BadAddress;
pub use body_capture::BodyCapture;
pub use call::ProxiedCall;
pub use client_check::{BadSignature, ClientCheck, SignedMessage};
pub use exchange::CallError;
pub use header_filter::{is_hop_by_hop, strip_origin_headers, strip_request_headers};
pub use response::{ProxyResponse, ResponseBody, ResponseBodyError};
pub use template::ProxyTemplate;
pub use upload::{Upload, UploadBody};

/// How long an idle connection stays in the pool. Some servers close early, and a call that meets the close is lost.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// How much unread data may be on one HTTP/2 stream, and on all streams of a connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

type ProxyClient = Client<Connector, UploadBody>;

/// Sends proxied calls. Cheap to clone: all clones share one pool of connections, separate from that of deliveries.
#[derive(Clone)]
pub struct Proxy {
    client: ProxyClient,
    deliverer: Deliverer,
}

impl Proxy {
    /// A proxy with a pool of its own; faults carry pointers into `security`, such as `/private_ca_file`.
    pub fn new(config: &SecurityConfig) -> Result<Self, Faults> {
        let deliverer = Deliverer::new(config)?;
        let mut pool = pool_builder();
        pool.pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW);
        let client = pool.build(deliverer.connector());
        Ok(Self { client, deliverer })
    }

    /// The guard that every connection passes.
    pub fn guard(&self) -> &EgressGuard {
        self.deliverer.guard()
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}
