//! Starts the six services, announces them and waits for the shutdown.

use std::process::ExitCode;

use anyhow::Context as _;
use ig_service::config::AdminConfig;
use ig_service::host::{RunningService, StartError};
use ig_service::{Context, ProcessConfig, ServiceHost};

use super::plan::Plan;
use crate::demo::Demo;
use crate::output;
use crate::ready_file::Ready;
use crate::stack_config::StackConfig;

/// Runs everything until the shutdown and returns the exit code.
pub(crate) async fn run(mut host: ServiceHost, config: StackConfig, plan: &Plan, demo: Option<Demo>) -> anyhow::Result<ExitCode> {
    let started = start(&mut host, config, plan, demo).await;
    let failure = started.err().filter(|error| !is_shutdown(error));
    if failure.is_some() {
        host.stop().fail();
    }
    let code = host.wait().await;
    failure.map_or(Ok(code), Err)
}

/// Whether the error is a shutdown during the start, which is not a failure.
fn is_shutdown(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(StartError::Stopped)))
}

async fn start(host: &mut ServiceHost, config: StackConfig, plan: &Plan, demo: Option<Demo>) -> anyhow::Result<()> {
    let mut starter = Starter {
        host,
        started: Vec::new(),
    };
    let http = starter.start_all(config).await?;
    starter.wait_ready().await?;
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

struct Starter<'a> {
    host: &'a mut ServiceHost,
    started: Vec<Context>,
}

impl Starter<'_> {
    /// Starts callees before callers; the gateway, where events enter, comes last.
    async fn start_all(&mut self, config: StackConfig) -> anyhow::Result<std::net::SocketAddr> {
        let StackConfig {
            api_gateway,
            delivery_worker,
            scheduler,
            dlq_retrier,
            job_runner,
            alerter,
        } = config;
        self.start_one("alerter", alerter, ig_alerter::run).await?;
        self.start_one("delivery-worker", delivery_worker, ig_delivery_worker::run)
            .await?;
        self.start_one("scheduler", scheduler, ig_scheduler::run).await?;
        self.start_one("dlq-retrier", dlq_retrier, ig_dlq_retrier::run).await?;
        self.start_one("job-runner", job_runner, ig_job_runner::run).await?;
        let gateway = self.start_one("api-gateway", api_gateway, ig_api_gateway::run).await?;
        Ok(gateway.http)
    }

    async fn start_one<C, T, F>(&mut self, name: &'static str, config: C, run: impl FnOnce(C, Context) -> F) -> anyhow::Result<T>
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

    async fn wait_ready(&self) -> anyhow::Result<()> {
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
    output::line(format!("Integration Gateway is ready on {}", ready.http));
    output::line(format!("  its API can be browsed at {}/api/v1/docs", ready.http));
    if plan.generated {
        output::line(format!("Generated, and kept in {}:", plan.secrets_file.display()));
        output::line(format!("  API key        {}", ready.api_key));
        output::line(format!("  administrator  {} {}", ready.admin_email, ready.admin_password));
    }
}
