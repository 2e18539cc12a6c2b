//! Probes of the dependencies that a service needs to be ready.

use std::{fmt::Display, time::Duration};

use crate::{context::Context, readiness::ReadinessHold, tasks::TaskKind};

/// Delay after a successful probe.
const HEALTHY_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a failed probe.
const FAILING_INTERVAL: Duration = Duration::from_millis(200);

impl Context {
    /// Keeps the service from being ready while `probe` fails; the probe repeats until the shutdown.
    pub fn depend_on<P, F, E>(&self, dependency: &'static str, probe: P)
    where
        P: Fn() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send,
        E: Display,
    {
        let hold = self.readiness().hold(format!("{dependency} does not answer"));
        let (service, stopping) = (self.name(), self.stopping().clone());
        self.spawn(format!("probe {dependency}"), TaskKind::RunsUntilShutdown, async move {
            stopping
                .run_until_cancelled(watch_dependency(service, dependency, &hold, probe))
                .await;
        });
    }
}

async fn watch_dependency<P, F, E>(service: &str, dependency: &str, hold: &ReadinessHold, probe: P)
where
    P: Fn() -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut healthy = None;
    loop {
        let result = probe().await.map_err(|error| error.to_string());
        match &result {
            Ok(()) => hold.release(),
            Err(_) => hold.reacquire(),
        }
        if healthy.replace(result.is_ok()) != Some(result.is_ok()) {
            log_change(service, dependency, &result);
        }
        tokio::time::sleep(if result.is_ok() { HEALTHY_INTERVAL } else { FAILING_INTERVAL }).await;
    }
}

fn log_change(service: &str, dependency: &str, result: &Result<(), String>) {
    match result {
        Ok(()) => tracing::info!(service, dependency, "answers"),
        Err(error) => tracing::warn!(service, dependency, error, "does not answer"),
    }
}
