//! The six services, started, announced and waited for.

use std::process::ExitCode;

use anyhow::Context as _;
use ig_service::config::AdminConfig;
use ig_service::host::{RunningService, StartError};
use ig_service::{Context, ProcessConfig, ServiceHost};

use super::plan::Plan;
use crate::demo::Demo;
use crate::ready_file::Ready;
use crate::say;
use crate::six::Six;

/// Runs everything until the stop, and answers with what the process exits.
pub(crate) async fn run(mut host: ServiceHost, six: Six, plan: &Plan, demo: Option<Demo>) -> anyhow::Result<ExitCode> {
    let started = start(&mut host, six, plan, demo).await;
    let failure = started.err().filter(|error| !is_stop(error));
    if failure.is_some() {
        host.stop().fail();
    }
    let code = host.wait().await;
    failure.map_or(Ok(code), Err)
}

/// Whether it was told to stop while it started, which is no failure.
fn is_stop(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(StartError::Stopped)))
}

async fn start(host: &mut ServiceHost, six: Six, plan: &Plan, demo: Option<Demo>) -> anyhow::Result<()> {
    let mut starting = Starting {
        host,
        started: Vec::new(),
    };
    let http = starting.all(six).await?;
    starting.ready().await?;
    let ready = plan.ready(&http.to_string());
    announce(plan, &ready);
    if let Some(path) = &plan.ready_file {
        ready.write(path)?;
    }
    if let Some(demo) = demo {
        host.service("demo", &AdminConfig::default(), |context| demo.run(ready, context))
            .await?;
    }
    Ok(())
}

struct Starting<'a> {
    host: &'a mut ServiceHost,
    started: Vec<Context>,
}

impl Starting<'_> {
    /// Those first that others call; the one that lets events in comes last.
    async fn all(&mut self, six: Six) -> anyhow::Result<std::net::SocketAddr> {
        let Six {
            api_gateway,
            delivery_worker,
            scheduler,
            dlq_retrier,
            job_runner,
            alerter,
        } = six;
        self.one("alerter", alerter, ig_alerter::run).await?;
        self.one("delivery-worker", delivery_worker, ig_delivery_worker::run).await?;
        self.one("scheduler", scheduler, ig_scheduler::run).await?;
        self.one("dlq-retrier", dlq_retrier, ig_dlq_retrier::run).await?;
        self.one("job-runner", job_runner, ig_job_runner::run).await?;
        let serving = self.one("api-gateway", api_gateway, ig_api_gateway::run).await?;
        Ok(serving.http)
    }

    async fn one<C, T, F>(&mut self, name: &'static str, config: C, run: impl FnOnce(C, Context) -> F) -> anyhow::Result<T>
    where
        C: ProcessConfig,
        F: Future<Output = anyhow::Result<T>>,
    {
        let admin = config.admin().clone();
        let started = self.host.service(name, &admin, |context| run(config, context)).await;
        let RunningService {
            context,
            admin: _,
            output,
        } = started.with_context(|| format!("{name} cannot start"))?;
        self.started.push(context);
        Ok(output)
    }

    async fn ready(&self) -> anyhow::Result<()> {
        for context in &self.started {
            tokio::select! {
                () = context.readiness().ready() => {}
                () = context.stop().requested() => return Err(StartError::Stopped.into()),
            }
        }
        Ok(())
    }
}

fn announce(plan: &Plan, ready: &Ready) {
    say::line(format!("Integration Gateway is ready on {}", ready.http));
    say::line(format!("  its API can be browsed at {}/api/v1/docs", ready.http));
    if plan.generated {
        say::line(format!("Generated, and kept in {}:", plan.kept_in.display()));
        say::line(format!("  API key        {}", ready.api_key));
        say::line(format!("  administrator  {} {}", ready.admin_email, ready.admin_password));
    }
}
