//! What the runner does every few seconds: it continues lost runs, plans all jobs anew, and removes what deleted jobs left.
//!
//! Each of these finds its own work in the database, so one that is missed or runs in several processes does no harm.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;

use crate::poller::Poller;

/// How often runs that lost their process are looked for.
const LOST_RUNS: Duration = Duration::from_secs(1);
/// How often all jobs are planned: a plan may have failed, or another process may have had an older configuration.
const PLANS: Duration = Duration::from_secs(30);
/// How often the states of deleted jobs are looked for.
const LEFTOVERS: Duration = Duration::from_mins(10);

/// Runs the periodic work until `stop`.
pub(crate) async fn run(poller: Poller, stop: CancellationToken) {
    match started(&poller).await {
        Ok(mut scheduler) => {
            stop.cancelled().await;
            if let Err(error) = scheduler.shutdown().await {
                tracing::debug!(%error, "the periodic work did not stop in order");
            }
        }
        Err(error) => tracing::error!(%error, "the periodic work cannot be started"),
    }
}

async fn started(poller: &Poller) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    scheduler.add(every(LOST_RUNS, poller, take_over_lost)?).await?;
    scheduler.add(every(PLANS, poller, plan)?).await?;
    scheduler.add(every(LEFTOVERS, poller, sweep)?).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

fn every(interval: Duration, poller: &Poller, work: fn(Poller) -> Work) -> Result<Job, JobSchedulerError> {
    let poller = poller.clone();
    Job::new_repeated_async(interval, move |_, _| work(poller.clone()))
}

fn take_over_lost(poller: Poller) -> Work {
    Box::pin(async move {
        if let Err(error) = poller.take_over_lost().await {
            tracing::warn!(%error, "lost runs cannot be looked for; trying again");
        }
    })
}

fn plan(poller: Poller) -> Work {
    Box::pin(async move { poller.plan_all().await })
}

fn sweep(poller: Poller) -> Work {
    Box::pin(async move {
        if let Err(error) = poller.executor.states.sweep(poller.executor.clock.now()).await {
            tracing::warn!(%error, "the states of deleted jobs cannot be removed; trying again");
        }
    })
}
