//! A system with a scheduler, for tests of scheduled deliveries.

use std::time::Duration;

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually_within;
use serde_json::Value;

use crate::setup::ORG;
use crate::stack::{Process, Stack, port};

const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway, a worker, a scheduler and a receiver.
pub(crate) struct Scheduled {
    /// The gateway.
    pub(crate) stack: Stack,
    /// The worker, at the address that the other services know.
    pub(crate) worker: Process,
    /// The scheduler, at the address that the other services know.
    pub(crate) scheduler: Process,
    /// The hospital's queue.
    pub(crate) queue: TestQueue,
    /// The receiver of deliveries.
    pub(crate) receiver: Receiver,
    _mongo: TestDatabase,
}

impl Scheduled {
    /// Starts everything, with one organisation.
    pub(crate) async fn start() -> Self {
        Self::start_on(ig_testkit::mongo::database(), &[]).await
    }

    /// Starts everything on a database, with further settings for all processes.
    pub(crate) async fn start_on(mongo: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let queue = ig_testkit::mysql::database().await;
        let address = format!("127.0.0.1:{}", port());
        let settings: Vec<_> = [("IG__SERVICES__SCHEDULER", address.as_str())]
            .into_iter()
            .chain(settings.iter().copied())
            .collect();
        let stack = Stack::start_with(&mongo, &settings).await;
        stack.api.org(ORG).await;
        let at = stack.worker_grpc();
        let worker = stack
            .worker_with(&queue, &[("IG__GRPC__LISTEN", &at), ("IG__WORKER__LEASE_SECONDS", "2")])
            .await;
        let scheduler = stack.spawn_service(
            "ig-scheduler",
            &[("IG__GRPC__LISTEN", &address), ("IG__SCHEDULER__LEASE_SECONDS", "2")],
        );
        scheduler.wait_until_ready().await;
        Self {
            stack,
            worker,
            scheduler,
            queue,
            receiver: Receiver::start(),
            _mongo: mongo,
        }
    }

    /// Starts a second scheduler.
    pub(crate) async fn another_scheduler(&self) -> Process {
        let another = self
            .stack
            .spawn_service("ig-scheduler", &[("IG__SCHEDULER__LEASE_SECONDS", "2")]);
        another.wait_until_ready().await;
        another
    }

    /// The scheduled deliveries, the earliest first.
    pub(crate) async fn rows(&self) -> Vec<Value> {
        let api = &self.stack.api;
        let mut rows = Vec::new();
        for page in 1.. {
            let path = format!("/scheduled-integrations?orgId={ORG}&limit=500&page={page}");
            let body = api.get(&path).await;
            rows.extend(body["scheduledIntegrations"].as_array().expect("rows").iter().cloned());
            if body["hasMore"] == false {
                break;
            }
        }
        rows.reverse();
        rows
    }

    /// The statuses of the scheduled deliveries, the earliest first.
    pub(crate) async fn statuses(&self) -> Vec<String> {
        let rows = self.rows().await;
        let statuses = rows.iter().map(|row| row["status"].as_str().expect("a status").to_owned());
        statuses.collect()
    }

    /// Waits until the scheduled deliveries have these statuses, the earliest first.
    pub(crate) async fn stands(&self, expected: &[&str]) {
        eventually_within(PATIENCE, &format!("rows that are {expected:?}"), async || {
            self.statuses().await == expected
        })
        .await;
    }
}
