//! Whether the database is there, as far as the last look at it says.
//!
//! The driver looks for a server for seconds before an operation fails that finds none, and waits on one that froze for longer still.
//! Where [`Store::probe`](crate::Store::probe) is asked again and again, operations end as soon as it finds the database away, and none
//! begins before it finds it back. Where nobody probes, the database counts as there.

use std::sync::Arc;

use ig_core::ports::StoreError;
use mongodb::Client;
use mongodb::bson::doc;
use mongodb::error::Result;
use mongodb::options::ClientOptions;
use tokio::sync::{OnceCell, watch};

/// Whether the database is there. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Presence(Arc<watch::Sender<bool>>);

impl Default for Presence {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }
}

impl Presence {
    /// Somebody has looked.
    pub(crate) fn found(&self, is_there: bool) {
        self.0
            .send_if_modified(|was_there| std::mem::replace(was_there, is_there) != is_there);
    }

    /// Waits until the database is away, which it may be already.
    pub(crate) async fn lost(&self) -> StoreError {
        // The sender is this value's own: it does not go while it is waited for.
        let _ = self.0.subscribe().wait_for(|is_there| !is_there).await;
        StoreError::Unavailable("it did not answer when it was last asked".to_owned())
    }
}

/// Connections of their own for looks at the database: operations that wait for one of the others make it no less there.
pub(crate) struct Lookout {
    options: ClientOptions,
    client: OnceCell<Client>,
}

impl Lookout {
    /// Connects as these options say, once somebody looks.
    pub(crate) fn new(options: &ClientOptions) -> Self {
        let mut options = options.clone();
        // A look that was given up may hold one for a while.
        options.max_pool_size = Some(2);
        Self {
            options,
            client: OnceCell::new(),
        }
    }

    /// Waits for a sign of life.
    pub(crate) async fn ping(&self) -> Result<()> {
        let connect = async || Client::with_options(self.options.clone());
        let client = self.client.get_or_try_init(connect).await?;
        client.database("admin").run_command(doc! { "ping": 1 }).await.map(drop)
    }
}
