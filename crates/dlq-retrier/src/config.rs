//! The configuration.

use std::time::Duration;

use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::fault::Faults;
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::MongoConfig;
use serde::{Deserialize, Serialize};

/// The configuration of dlq-retrier.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The database.
    pub mongodb: MongoConfig,
    /// The addresses of the other services.
    pub services: ServiceAddresses,
    /// When dead letters are retried.
    pub dlq: DlqConfig,
    /// The gRPC server.
    pub grpc: GrpcConfig,
    /// Probes and metrics.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The shutdown.
    pub shutdown: ShutdownConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mongodb: MongoConfig::default(),
            services: ServiceAddresses::default(),
            dlq: DlqConfig::default(),
            grpc: GrpcConfig::on_port(5003),
            admin: AdminConfig::on_port(9103),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("dlq", &self.dlq);
        faults.section("grpc", &self.grpc);
        faults.section("telemetry", &self.telemetry);
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

/// Section `dlq`: when dead letters are retried.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DlqConfig {
    /// Seconds between two polls without a nudge.
    pub poll_interval_seconds: u64,
    /// Milliseconds before the second retry; each further delay is twice as long.
    pub base_ms: u64,
    /// The longest delay in milliseconds.
    pub max_ms: u64,
    /// The number of retries before a dead letter is abandoned.
    pub max_retries: u32,
}

impl DlqConfig {
    /// The poll interval without a nudge.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_secs(self.poll_interval_seconds)
    }

    /// The retry policy of organisations without their own.
    pub fn policy(&self) -> Result<RetryPolicy, Faults> {
        RetryPolicy::new(self.base_ms, self.max_ms, self.max_retries)
    }
}

impl Default for DlqConfig {
    fn default() -> Self {
        Self {
            poll_interval_seconds: 60,
            base_ms: 1_000,
            max_ms: 5_000,
            max_retries: 3,
        }
    }
}

impl Validate for DlqConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        if !(1..=3_600).contains(&self.poll_interval_seconds) {
            let found = format!("is {}", self.poll_interval_seconds);
            faults.add("poll_interval_seconds", found, "give 1 to 3600");
        }
        for fault in self.policy().err().unwrap_or_default().list() {
            let key = match fault.pointer.as_str() {
                "/baseMs" => "base_ms",
                "/maxMs" => "max_ms",
                _ => "max_retries",
            };
            faults.add(key, fault.message.clone(), "correct it or leave it out");
        }
    }
}
