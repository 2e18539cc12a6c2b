//! The process around one or several services: one telemetry, one signal handler, one shutdown.

mod service;
mod signals;
mod stop;

use std::{process::ExitCode, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    config::{AdminConfig, ShutdownConfig, TelemetryConfig, Validate, load},
    context::Context,
    telemetry::{Telemetry, TelemetryError},
};

pub use service::{RunningService, StartError};
pub use stop::Stop;

/// The identity of a process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Its name, which is its `service.name` in telemetry.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Sections of the shared configuration file that other processes own.
    pub known_sections: &'static [&'static str],
}

/// The configuration of a process: its own sections and those that every process has.
pub trait ProcessConfig: Default + Serialize + DeserializeOwned + Validate + Send + 'static {
    /// The section `admin`.
    fn admin(&self) -> &AdminConfig;
    /// The section `telemetry`.
    fn telemetry(&self) -> &TelemetryConfig;
    /// The section `shutdown`.
    fn shutdown(&self) -> &ShutdownConfig;
}

/// Hosts services in this process.
#[derive(Debug)]
pub struct ServiceHost {
    telemetry: Telemetry,
    stop: Stop,
    grace: Duration,
    services: Vec<Context>,
}

impl ServiceHost {
    /// Starts telemetry and the signal handler; call it once a process.
    pub fn start(process: Process, telemetry: &TelemetryConfig, shutdown: &ShutdownConfig) -> Result<Self, TelemetryError> {
        let telemetry = Telemetry::start(process.name, process.version, telemetry)?;
        let stop = Stop::new();
        signals::listen(&stop);
        Ok(Self {
            telemetry,
            stop,
            grace: shutdown.grace(),
            services: Vec::new(),
        })
    }

    /// Ends this process from within.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Starts a service: first its admin port, then `run`, which returns once it has spawned everything.
    ///
    /// A shutdown during the start drops `run` and returns [`StartError::Stopped`].
    pub async fn service<T, R, F>(
        &mut self,
        name: &'static str,
        admin: &AdminConfig,
        run: R,
    ) -> Result<RunningService<T>, StartError>
    where
        R: FnOnce(Context) -> F,
        F: Future<Output = anyhow::Result<T>>,
    {
        let context = Context::new(name, &self.stop);
        self.services.push(context.clone());
        service::start(context, admin, self.telemetry.metrics(), run).await
    }

    /// Waits for the shutdown, drains all services concurrently and flushes telemetry.
    pub async fn wait(self) -> ExitCode {
        self.stop.requested().await;
        let drained = futures::future::join_all(self.services.iter().map(|context| drain(context, self.grace))).await;
        self.telemetry.flush().await;
        if self.stop.failed() || drained.contains(&false) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

async fn drain(context: &Context, grace: Duration) -> bool {
    let service = context.name();
    match context.drain(grace).await {
        Ok(()) => true,
        Err(tasks) => {
            tracing::error!(service, tasks = tasks.join(", "), "the grace is over, tasks were cut off");
            false
        }
    }
}

/// The whole `main` of a service: load the configuration, start, run, drain.
pub fn main<C, T, R, F>(process: Process, run: R) -> ExitCode
where
    C: ProcessConfig,
    R: FnOnce(C, Context) -> F,
    F: Future<Output = anyhow::Result<T>>,
{
    match load::<C>(&C::default(), process.known_sections) {
        Ok(config) => block_on(run_hosted(process, config, run)),
        Err(faults) => print_error(&faults),
    }
}

async fn run_hosted<C, T, R, F>(process: Process, config: C, run: R) -> ExitCode
where
    C: ProcessConfig,
    R: FnOnce(C, Context) -> F,
    F: Future<Output = anyhow::Result<T>>,
{
    let mut host = match ServiceHost::start(process, config.telemetry(), config.shutdown()) {
        Ok(host) => host,
        Err(error) => return print_error(&error),
    };
    let admin = config.admin().clone();
    let started = host.service(process.name, &admin, |context| run(config, context)).await;
    match started {
        Ok(_) | Err(StartError::Stopped) => {}
        Err(error) => {
            tracing::error!(service = process.name, error = format!("{error:#}"), "cannot start");
            host.stop().fail();
        }
    }
    host.wait().await
}

fn block_on(future: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => print_error(&error),
    }
}

// The callers run before logging starts.
#[allow(clippy::print_stderr)]
fn print_error(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
