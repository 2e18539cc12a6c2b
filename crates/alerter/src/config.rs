//! The configuration.

use std::time::Duration;

use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::{AlertTimes, MongoConfig};
use serde::{Deserialize, Serialize};

/// The configuration of alerter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The database.
    pub mongodb: MongoConfig,
    /// Quiet time and retention of alerts.
    pub alerts: AlertsConfig,
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
            alerts: AlertsConfig::default(),
            grpc: GrpcConfig::on_port(5005),
            admin: AdminConfig::on_port(9105),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("alerts", &self.alerts);
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

/// Section `alerts`: quiet time and retention.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// Seconds within which a repeated alert is counted without a notification.
    pub quiet_seconds: u64,
    /// Days that alerts are kept.
    pub retention_days: u32,
}

impl AlertsConfig {
    pub(crate) fn times(&self) -> AlertTimes {
        const DAY: Duration = Duration::from_hours(24);
        AlertTimes {
            quiet: Duration::from_secs(self.quiet_seconds),
            keep: DAY * self.retention_days,
        }
    }
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            quiet_seconds: 900,
            retention_days: 90,
        }
    }
}

impl Validate for AlertsConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        if !(1..=86_400).contains(&self.quiet_seconds) {
            faults.add("quiet_seconds", format!("is {}", self.quiet_seconds), "give 1 to 86400");
        }
        if !(1..=3_650).contains(&self.retention_days) {
            faults.add("retention_days", format!("is {}", self.retention_days), "give 1 to 3650");
        }
    }
}
