//! Shared fixtures.

use std::{collections::BTreeMap, future::Future, time::Duration};

use ig_service::{
    Validate,
    config::{AdminConfig, ConfigFaults, Environment, GrpcConfig, Secret, ShutdownConfig, TelemetryConfig},
    host::ProcessConfig,
};
use serde::{Deserialize, Serialize};

/// A timeout that no passing test reaches, even on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Awaits `future`, and fails the test when it takes longer than [`PATIENCE`].
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Polls until a condition holds.
pub(crate) async fn until<F>(what: &str, condition: impl Fn() -> F)
where
    F: Future<Output = bool>,
{
    within(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// An environment of exactly these variables.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect::<BTreeMap<_, _>>()
}

/// A process's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) grpc: GrpcConfig,
    pub(crate) admin: AdminConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) shutdown: ShutdownConfig,
    pub(crate) work: Work,
}

/// A section of the process's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Work {
    pub(crate) batch: u32,
    pub(crate) names: Vec<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grpc: GrpcConfig::on_port(5001),
            admin: AdminConfig::on_port(0),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
            work: Work {
                batch: 5,
                names: vec!["default".to_owned()],
                ..Work::default()
            },
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("grpc", &self.grpc);
        faults.section("telemetry", &self.telemetry);
        if self.work.batch == 0 {
            faults.add("work.batch", "is 0", "give at least 1");
        }
    }
}

impl ProcessConfig for Config {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn shutdown(&self) -> &ShutdownConfig {
        &self.shutdown
    }
}
