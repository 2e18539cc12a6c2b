//! What can be set.

use std::time::Duration;

use ig_core::schedule::MaxOverdue;
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::MongoConfig;
use serde::{Deserialize, Serialize};

/// The configuration of scheduler.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The database.
    pub mongodb: MongoConfig,
    /// How scheduled deliveries are made.
    pub scheduler: SchedulerConfig,
    /// Where the other services are.
    pub services: ServiceAddresses,
    /// How it serves and calls gRPC.
    pub grpc: GrpcConfig,
    /// Probes and metrics.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// How it ends.
    pub shutdown: ShutdownConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mongodb: MongoConfig::default(),
            scheduler: SchedulerConfig::default(),
            services: ServiceAddresses::default(),
            grpc: GrpcConfig::on_port(5002),
            admin: AdminConfig::on_port(9102),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("scheduler", &self.scheduler);
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

/// Section `scheduler`: how scheduled deliveries are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// The most deliveries that are under way at once.
    pub max_concurrency: usize,
    /// MiB that the payloads of deliveries under way may take.
    pub payload_memory_mib: usize,
    /// Seconds for which a delivery stays claimed without being renewed.
    pub lease_seconds: u64,
    /// Seconds between two looks when nothing else wakes it.
    pub poll_seconds: u64,
    /// Seconds that a delivery may be late; later than that it is cancelled.
    pub max_overdue_seconds: u64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            max_concurrency: 256,
            payload_memory_mib: 64,
            lease_seconds: 10,
            poll_seconds: 60,
            max_overdue_seconds: MaxOverdue::default().0.as_secs(),
        }
    }
}

impl SchedulerConfig {
    /// How long a delivery stays claimed without being renewed.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The time between two looks when nothing else wakes it.
    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds)
    }

    /// How late a delivery may be.
    pub fn max_overdue(&self) -> MaxOverdue {
        MaxOverdue(Duration::from_secs(self.max_overdue_seconds))
    }

    /// What the payloads of deliveries under way may take, in bytes.
    pub fn payload_memory(&self) -> usize {
        self.payload_memory_mib.saturating_mul(1024 * 1024)
    }
}

impl Validate for SchedulerConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        let concurrency = u64::try_from(self.max_concurrency).unwrap_or(u64::MAX);
        let memory = u64::try_from(self.payload_memory_mib).unwrap_or(u64::MAX);
        let bounds = [
            ("max_concurrency", concurrency, 4, 10_000),
            ("payload_memory_mib", memory, 1, 1_000_000),
            ("lease_seconds", self.lease_seconds, 2, 3_600),
            ("poll_seconds", self.poll_seconds, 1, 3_600),
            ("max_overdue_seconds", self.max_overdue_seconds, 1, 366 * 86_400),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                faults.add(key, format!("is {value}"), format!("give {least} to {most}"));
            }
        }
    }
}
