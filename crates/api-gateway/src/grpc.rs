//! `ConfigService`: the configuration, streamed to every service that acts on it.

use std::pin::Pin;
use std::sync::Arc;

use ig_proto::v1::config_service_server::ConfigService;
use ig_proto::v1::{WatchRequest, WatchResponse};
use ig_service::{Context, Fate};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::feed::ConfigFeed;

mod watcher;

use watcher::Watcher;

/// Messages that are under way to one watcher; it takes the next when there is room.
const UNDER_WAY: usize = 4;

/// Serves the configuration feed.
#[derive(Debug)]
pub(crate) struct ConfigGrpc {
    feed: Arc<ConfigFeed>,
    context: Context,
}

impl ConfigGrpc {
    /// Serves this feed until the shutdown.
    pub(crate) fn new(feed: Arc<ConfigFeed>, context: Context) -> Self {
        Self { feed, context }
    }
}

#[tonic::async_trait]
impl ConfigService for ConfigGrpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let watcher = Watcher::new(Arc::clone(&self.feed), sender, request.into_inner().resume_from_revision);
        let stopping = self.context.stopping().clone();
        self.context.spawn("configuration watcher", Fate::Finishes, async move {
            stopping.run_until_cancelled(watcher.run()).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}
