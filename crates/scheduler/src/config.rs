//! The configuration.

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
    /// Limits and times of scheduled deliveries.
    pub scheduler: SchedulerConfig,
    /// The addresses of the other services.
    pub services: ServiceAddresses,
    /// The gRPC server and clients.
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

/// Section `scheduler`: limits and times of scheduled deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// The most deliveries in flight at once.
    pub max_concurrency: usize,
    /// Memory in MiB for the payloads of deliveries in flight.
    pub payload_memory_mib: usize,
    /// Seconds that a claim lasts without renewal.
    pub lease_seconds: u64,
    /// Seconds between two polls without a wake signal.
    pub poll_seconds: u64,
    /// Seconds that a delivery may be late; a later one is cancelled.
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
    /// How long a claim lasts without renewal.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The interval of polls without a wake signal.
    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds)
    }

    /// How late a delivery may be.
    pub fn max_overdue(&self) -> MaxOverdue {
        MaxOverdue(Duration::from_secs(self.max_overdue_seconds))
    }

    /// Memory in bytes for the payloads of deliveries in flight.
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
