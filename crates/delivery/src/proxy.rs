//! One call that is passed on while it comes in, to an address that a tenant chose, through the same guard as every delivery.
//!
//! A delivery is whole before it is sent and its answer is read before anybody looks at it. A call streams: its body goes up as the
//! client sends it, its answer goes down as the target gives it, each no faster than the other side takes it.

use std::time::Duration;

use hyper_util::client::legacy::Client;
use ig_core::fault::Faults;

use crate::deliverer::{Connector, Deliverer, pool};
use crate::egress::EgressGuard;
use crate::security::SecurityConfig;

mod address;
mod answered;
mod call;
mod client;
mod exchange;
mod hygiene;
mod kept;
mod template;
mod upload;

pub use address::BadAddress;
pub use answered::{Answered, AnsweredBody, Broken};
pub use call::ProxiedCall;
pub use client::{BadSignature, ClientCheck, SignedMessage};
pub use exchange::CallError;
pub use hygiene::{end_to_end, is_hop_by_hop, within_origin};
pub use kept::Keeping;
pub use template::ProxyTemplate;
pub use upload::{Upload, Uploading};

/// How long a connection waits for its next call: many servers hang up sooner than others, and a call that meets that is lost.
const IDLE: Duration = Duration::from_secs(20);
/// How much may be on its way on one HTTP/2 stream before it was read, and on all streams of a connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

type ProxyClient = Client<Connector, Uploading>;

/// Passes calls on. Cheap to clone: all clones share one pool of connections, which is not that of deliveries.
#[derive(Clone)]
pub struct Proxy {
    client: ProxyClient,
    deliverer: Deliverer,
}

impl Proxy {
    /// A proxy with a pool of its own; faults are told by pointers into `security`, such as `/private_ca_file`.
    pub fn new(config: &SecurityConfig) -> Result<Self, Faults> {
        let deliverer = Deliverer::new(config)?;
        let mut pool = pool();
        pool.pool_idle_timeout(IDLE)
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
