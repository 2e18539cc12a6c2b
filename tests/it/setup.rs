//! What most tests begin with.

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use ig_testkit::receiver::Receiver;

use crate::stack::{Process, Stack};

/// The organisation that is there.
pub const ORG: i64 = 648;

/// A stack with one organisation, one worker and one receiver.
pub struct Setup {
    /// The gateway.
    pub stack: Stack,
    /// The worker.
    pub worker: Process,
    /// The hospital's queue.
    pub queue: TestQueue,
    /// The platform's database.
    pub mongo: TestDatabase,
    /// Who receives.
    pub receiver: Receiver,
}

/// Starts everything.
pub async fn setup() -> Setup {
    setup_with(&[]).await
}

/// Starts everything, the worker with further settings.
pub async fn setup_with(settings: &[(&str, &str)]) -> Setup {
    let mongo = ig_testkit::mongo::database();
    let queue = ig_testkit::mysql::database().await;
    let stack = Stack::start(&mongo).await;
    stack.api.org(ORG).await;
    let worker = stack.worker_with(&queue, settings).await;
    Setup {
        stack,
        worker,
        queue,
        mongo,
        receiver: Receiver::start(),
    }
}
