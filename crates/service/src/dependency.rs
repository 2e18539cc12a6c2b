//! What a service cannot work without, looked at again and again.

use std::{fmt::Display, time::Duration};

use crate::{context::Context, readiness::Hold, tasks::Fate};

/// Between two looks at a dependency that answers.
const WHILE_WELL: Duration = Duration::from_secs(1);
/// Between two looks at one that does not.
const WHILE_AWAY: Duration = Duration::from_millis(200);

impl Context {
    /// Keeps the service from being ready while `probe` fails; it is asked again and again until the shutdown.
    pub fn depend_on<P, F, E>(&self, dependency: &'static str, probe: P)
    where
        P: Fn() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send,
        E: Display,
    {
        let hold = self.readiness().hold(format!("{dependency} does not answer"));
        let (service, stopping) = (self.name(), self.stopping().clone());
        self.spawn(format!("probe {dependency}"), Fate::RunsUntilShutdown, async move {
            stopping.run_until_cancelled(follow(service, dependency, &hold, probe)).await;
        });
    }
}

async fn follow<P, F, E>(service: &str, dependency: &str, hold: &Hold, probe: P)
where
    P: Fn() -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut well = None;
    loop {
        let answer = probe().await.map_err(|error| error.to_string());
        match &answer {
            Ok(()) => hold.release(),
            Err(_) => hold.hold_again(),
        }
        if well.replace(answer.is_ok()) != Some(answer.is_ok()) {
            tell(service, dependency, &answer);
        }
        tokio::time::sleep(if answer.is_ok() { WHILE_WELL } else { WHILE_AWAY }).await;
    }
}

fn tell(service: &str, dependency: &str, answer: &Result<(), String>) {
    match answer {
        Ok(()) => tracing::info!(service, dependency, "answers"),
        Err(error) => tracing::warn!(service, dependency, error, "does not answer"),
    }
}
