//! The configuration.

use std::collections::HashMap;
use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::{MongoConfig, SecretsConfig};
use ig_transform::script::ScriptsConfig;
use serde::{Deserialize, Serialize};

/// The sections of the shared configuration that job-runner reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The database.
    pub mongodb: MongoConfig,
    /// The gRPC server.
    pub grpc: GrpcConfig,
    /// Probes and metrics.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The shutdown.
    pub shutdown: ShutdownConfig,
    /// Where the other services are.
    pub services: ServiceAddresses,
    /// The keys for what is encrypted at rest.
    pub secrets: SecretsConfig,
    /// Which addresses data may be fetched from.
    pub security: SecurityConfig,
    /// The processes that run scripts.
    pub scripts: ScriptsConfig,
    /// The runner's own settings.
    pub jobs: JobsConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mongodb: MongoConfig::default(),
            grpc: GrpcConfig::on_port(5004),
            admin: AdminConfig::on_port(9104),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
            services: ServiceAddresses::default(),
            secrets: SecretsConfig::default(),
            security: SecurityConfig::default(),
            scripts: ScriptsConfig::default(),
            jobs: JobsConfig::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("grpc", &self.grpc);
        faults.section("telemetry", &self.telemetry);
        for fault in EgressGuard::new(&self.security).err().unwrap_or_default().list() {
            let key = format!("security{}", fault.pointer.replace('/', "."));
            faults.add(&key, fault.message.clone(), "correct it or leave it out");
        }
        faults.section("jobs", &self.jobs);
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

/// Section `jobs`: how scheduled jobs run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// The most runs at once.
    pub max_runs: usize,
    /// The most runs of one organisation at once.
    pub max_runs_per_org: usize,
    /// The longest pause between two looks for due jobs, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long a run is claimed without being renewed, in seconds.
    pub lease_seconds: u64,
    /// The most records that one run fetches.
    pub max_records: usize,
    /// The most bytes that one run fetches, in MiB.
    pub max_fetch_mib: usize,
    /// How long one fetch may take, in seconds.
    pub fetch_timeout_seconds: u64,
    /// How many days logs of runs are kept for organisations that set no retention of their own.
    pub retention_days: u32,
    /// The environment variables that jobs may use as `{{env.NAME}}`.
    pub environment: Vec<String>,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            max_runs: 16,
            max_runs_per_org: 4,
            poll_interval_ms: 500,
            lease_seconds: 30,
            max_records: 10_000,
            max_fetch_mib: 16,
            fetch_timeout_seconds: 30,
            retention_days: 90,
            environment: Vec::new(),
        }
    }
}

impl JobsConfig {
    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    pub(crate) fn max_fetch_bytes(&self) -> usize {
        self.max_fetch_mib * 1024 * 1024
    }

    pub(crate) fn fetch_timeout(&self) -> Duration {
        Duration::from_secs(self.fetch_timeout_seconds)
    }

    /// The values of the listed environment variables.
    pub(crate) fn environment(&self) -> HashMap<String, Option<String>> {
        let listed = self.environment.iter();
        listed.map(|name| (name.clone(), std::env::var(name).ok())).collect()
    }
}

impl Validate for JobsConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        let bounds = [
            ("max_runs", self.max_runs as u64, 1, 1_000),
            ("max_runs_per_org", self.max_runs_per_org as u64, 1, 1_000),
            ("poll_interval_ms", self.poll_interval_ms, 50, 60_000),
            ("lease_seconds", self.lease_seconds, 2, 3_600),
            ("max_records", self.max_records as u64, 1, 1_000_000),
            ("max_fetch_mib", self.max_fetch_mib as u64, 1, 256),
            ("fetch_timeout_seconds", self.fetch_timeout_seconds, 1, 3_600),
            ("retention_days", u64::from(self.retention_days), 1, 3_650),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                faults.add(key, format!("is {value}"), format!("give {least} to {most}"));
            }
        }
    }
}
