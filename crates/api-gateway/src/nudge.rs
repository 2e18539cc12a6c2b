//! Nudges: tell delivery-worker about new events and dlq-retrier about new dead letters, so that both look in time.

use std::sync::Arc;
use std::time::Duration;

use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::v1::dlq_service_client::DlqServiceClient;
use ig_proto::v1::{DlqNudgeRequest, NudgeRequest};
use ig_service::grpc::{Client, Fleet};
use ig_service::{Context, TaskKind};
use tokio::sync::Notify;
use tonic::{Request, Status};

/// A slower nudge is not worth waiting for: the service polls by itself, only later.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Dead letters come in bursts when a target is down; they are due later than this in any case.
const RETRIER_INTERVAL: Duration = Duration::from_millis(200);

/// Requests a nudge; all requests during a running nudge merge into one more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// Requests a nudge without waiting for it.
    pub(crate) fn request(&self) {
        self.0.notify_one();
    }

    /// Nudges the retriers on request until shutdown.
    pub(crate) fn run_retriers(&self, context: &Context, retriers: Fleet) {
        let (requests, stopping) = (Arc::clone(&self.0), context.stopping().clone());
        context.spawn("nudge dlq-retrier", TaskKind::RunsUntilShutdown, async move {
            let follow = async {
                loop {
                    requests.notified().await;
                    nudge_all(&retriers, "dlq-retrier", |client| async move {
                        let mut request = Request::new(DlqNudgeRequest {});
                        request.set_timeout(TIMEOUT);
                        DlqServiceClient::new(client).nudge(request).await.map(drop)
                    })
                    .await;
                    tokio::time::sleep(RETRIER_INTERVAL).await;
                }
            };
            stopping.run_until_cancelled(follow).await;
        });
    }

    /// Nudges the workers on request until shutdown.
    pub(crate) fn run_workers(&self, context: &Context, workers: Fleet, source: &'static str) {
        let (requests, stopping) = (Arc::clone(&self.0), context.stopping().clone());
        context.spawn("nudge delivery-worker", TaskKind::RunsUntilShutdown, async move {
            let follow = async {
                loop {
                    requests.notified().await;
                    nudge_all(&workers, "delivery-worker", |client| async move {
                        let mut request = Request::new(NudgeRequest {
                            source: source.to_owned(),
                        });
                        request.set_timeout(TIMEOUT);
                        DeliveryServiceClient::new(client).nudge(request).await.map(drop)
                    })
                    .await;
                }
            };
            stopping.run_until_cancelled(follow).await;
        });
    }
}

async fn nudge_all<F>(fleet: &Fleet, service: &'static str, nudge: impl Fn(Client) -> F)
where
    F: Future<Output = Result<(), Status>>,
{
    match tokio::time::timeout(TIMEOUT, fleet.on_each(nudge)).await {
        Ok(Ok(results)) => {
            for (address, status) in results
                .into_iter()
                .filter_map(|(address, result)| result.err().map(|status| (address, status)))
            {
                tracing::debug!(service, %address, %status, "one was not nudged, it will look by itself");
            }
        }
        Ok(Err(status)) => tracing::debug!(service, %status, "none was nudged, they will look by themselves"),
        Err(_elapsed) => tracing::debug!(service, "none was nudged in time, they will look by themselves"),
    }
}
