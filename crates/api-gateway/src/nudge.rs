//! Telling delivery-worker that events have come, so that they are read at once.

use std::sync::Arc;
use std::time::Duration;

use ig_proto::v1::NudgeRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_service::grpc::Fleet;
use ig_service::{Context, Fate};
use tokio::sync::Notify;
use tonic::Request;

/// A nudge that takes longer is not worth waiting for: the events are polled anyway.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks for a nudge; any number of wishes while one is under way make one more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// Events were accepted; who wants them is told, and nobody waits for it.
    pub(crate) fn wish(&self) {
        self.0.notify_one();
    }

    /// Tells the workers of each wish until the shutdown.
    pub(crate) fn run(&self, context: &Context, workers: Fleet, source: &'static str) {
        let (wishes, stopping) = (Arc::clone(&self.0), context.stopping().clone());
        context.spawn("nudge delivery-worker", Fate::RunsUntilShutdown, async move {
            let follow = async {
                loop {
                    wishes.notified().await;
                    tell(&workers, source).await;
                }
            };
            stopping.run_until_cancelled(follow).await;
        });
    }
}

async fn tell(workers: &Fleet, source: &str) {
    let told = workers.on_each(|client| async move {
        let mut request = Request::new(NudgeRequest {
            source: source.to_owned(),
        });
        request.set_timeout(PATIENCE);
        DeliveryServiceClient::new(client).nudge(request).await.map(drop)
    });
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(answers)) => {
            for (worker, status) in answers
                .into_iter()
                .filter_map(|(worker, answer)| answer.err().map(|status| (worker, status)))
            {
                tracing::debug!(%worker, %status, "a worker was not nudged, it will poll");
            }
        }
        Ok(Err(status)) => tracing::debug!(%status, "no worker was nudged, they will poll"),
        Err(_elapsed) => tracing::debug!("no worker was nudged in time, they will poll"),
    }
}
