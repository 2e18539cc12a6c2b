//! `ConfigService`: streams the configuration to every service that acts on it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use ig_proto::v1::config_service_server::ConfigService;
use ig_proto::v1::{WatchRequest, WatchResponse};
use ig_service::{Context, TaskKind};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::feed::ConfigFeed;

mod watcher;

use watcher::Watcher;

/// Messages in flight to one watcher; flow control paces the next.
const MAX_IN_FLIGHT: usize = 4;

/// The gRPC service of the configuration feed.
#[derive(Debug)]
pub(crate) struct ConfigGrpc {
    feed: Arc<ConfigFeed>,
    context: Context,
    is_encrypted: bool,
}

impl ConfigGrpc {
    /// Serves this feed until shutdown, over encrypted or plain connections.
    pub(crate) fn new(feed: Arc<ConfigFeed>, context: Context, is_encrypted: bool) -> Self {
        Self {
            feed,
            context,
            is_encrypted,
        }
    }
}

/// The configuration contains every tenant's secrets in the clear, so it leaves this machine encrypted or not at all.
fn check_encryption(is_encrypted: bool, peer: Option<SocketAddr>) -> Result<(), Status> {
    let is_here = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    if is_encrypted || is_here {
        return Ok(());
    }
    let message = "the configuration is not sent in plain text beyond loopback: configure grpc.tls for every service";
    tracing::warn!(?peer, "{message}");
    Err(Status::failed_precondition(message))
}

#[tonic::async_trait]
impl ConfigService for ConfigGrpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        check_encryption(self.is_encrypted, request.remote_addr())?;
        let (sender, receiver) = mpsc::channel(MAX_IN_FLIGHT);
        let watcher = Watcher::new(Arc::clone(&self.feed), sender, request.into_inner().resume_from_revision);
        let stopping = self.context.stopping().clone();
        self.context.spawn("configuration watcher", TaskKind::OneShot, async move {
            stopping.run_until_cancelled(watcher.run()).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_feed_leaves_this_machine_only_encrypted() {
        let peer = |text: &str| Some(text.parse().unwrap());
        for (is_encrypted, peer, expected) in [
            (false, peer("127.0.0.1:5000"), true),
            (false, peer("[::1]:5000"), true),
            (false, peer("[::ffff:127.0.0.1]:5000"), true),
            (false, peer("10.0.0.7:5000"), false),
            (false, peer("[2001:db8::1]:5000"), false),
            (false, None, false),
            (true, peer("10.0.0.7:5000"), true),
        ] {
            assert_eq!(
                check_encryption(is_encrypted, peer).is_ok(),
                expected,
                "{is_encrypted} {peer:?}"
            );
        }
    }
}
