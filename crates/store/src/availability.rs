//! Availability of the database, as of the last probe.
//!
//! Without a server, the driver searches for seconds before an operation fails, and it waits on a frozen server for
//! even longer. Where [`Store::probe`](crate::Store::probe) runs repeatedly, operations end as soon as it finds the
//! database unavailable, and none begins before it is available again. Without probes, the database counts as
//! available.

use std::sync::Arc;

use ig_core::ports::StoreError;
use mongodb::Client;
use mongodb::bson::doc;
use mongodb::error::Result;
use mongodb::options::ClientOptions;
use tokio::sync::{OnceCell, watch};

/// Whether the database is available. Clones share the state.
#[derive(Debug, Clone)]
pub(crate) struct Availability(Arc<watch::Sender<bool>>);

impl Default for Availability {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }
}

impl Availability {
    /// Records the result of a probe.
    pub(crate) fn set(&self, is_available: bool) {
        self.0
            .send_if_modified(|was_available| std::mem::replace(was_available, is_available) != is_available);
    }

    /// Waits until the database is unavailable; returns at once if it is already.
    pub(crate) async fn lost(&self) -> StoreError {
        // This value owns the sender, which therefore outlives the wait.
        let _ = self.0.subscribe().wait_for(|is_available| !is_available).await;
        StoreError::Unavailable("it did not answer when it was last asked".to_owned())
    }
}

/// Separate connections for probes: an exhausted pool does not make the database unavailable.
pub(crate) struct AvailabilityProbe {
    options: ClientOptions,
    client: OnceCell<Client>,
}

impl AvailabilityProbe {
    /// Connects with these options at the first probe.
    pub(crate) fn new(options: &ClientOptions) -> Self {
        let mut options = options.clone();
        // An abandoned probe may hold one connection for a while.
        options.max_pool_size = Some(2);
        Self {
            options,
            client: OnceCell::new(),
        }
    }

    /// Pings the server.
    pub(crate) async fn ping(&self) -> Result<()> {
        let connect = async || Client::with_options(self.options.clone());
        let client = self.client.get_or_try_init(connect).await?;
        client.database("admin").run_command(doc! { "ping": 1 }).await.map(drop)
    }
}
