//! The setup that most tests share.

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use ig_testkit::receiver::Receiver;

use crate::stack::{Process, Stack};

/// The organisation of the setup.
pub(crate) const ORG: i64 = 648;

/// A stack with one organisation, one worker and one receiver.
pub(crate) struct Setup {
    /// The gateway.
    pub(crate) stack: Stack,
    /// The worker.
    pub(crate) worker: Process,
    /// The hospital's queue.
    pub(crate) queue: TestQueue,
    /// The database that the processes share.
    pub(crate) mongo: TestDatabase,
    /// The receiver of deliveries.
    pub(crate) receiver: Receiver,
}

/// Starts everything.
pub(crate) async fn setup() -> Setup {
    setup_with(&[]).await
}

/// Starts everything, with the worker at the address that the gateway calls.
pub(crate) async fn setup_for_orders() -> Setup {
    started(&[], true).await
}

/// The same, with settings for all processes.
pub(crate) async fn setup_for_orders_within(shared: &[(&str, &str)]) -> Setup {
    on(shared, &[], true).await
}

/// Starts everything, with further settings for the worker.
pub(crate) async fn setup_with(settings: &[(&str, &str)]) -> Setup {
    started(settings, false).await
}

/// Starts everything for orders, with the most verbose logging.
pub(crate) async fn setup_loudly() -> Setup {
    on(&[("IG__TELEMETRY__LOG", "trace")], &[], true).await
}

async fn started(settings: &[(&str, &str)], for_orders: bool) -> Setup {
    on(&[], settings, for_orders).await
}

async fn on(shared: &[(&str, &str)], settings: &[(&str, &str)], for_orders: bool) -> Setup {
    let mongo = ig_testkit::mongo::database();
    let queue = ig_testkit::mysql::database().await;
    let stack = Stack::start_with(&mongo, shared).await;
    stack.api.org(ORG).await;
    let address = stack.worker_grpc();
    let mut settings = settings.to_vec();
    if for_orders {
        settings.push(("IG__GRPC__LISTEN", &address));
    }
    let worker = stack.worker_with(&queue, &settings).await;
    Setup {
        stack,
        worker,
        queue,
        mongo,
        receiver: Receiver::start(),
    }
}
