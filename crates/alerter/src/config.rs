//! The configuration.

use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::{AlertTimes, MongoConfig, SecretsConfig};
use serde::{Deserialize, Serialize};

use crate::alerting::AlertingSettings;
use crate::channel::SmtpConfig;

/// The configuration of alerter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The database.
    pub mongodb: MongoConfig,
    /// Times of alerts, and links in notices.
    pub alerts: AlertsConfig,
    /// The keys that open the secrets of channels.
    pub secrets: SecretsConfig,
    /// Addresses that channels may have, and certificates that are trusted.
    pub security: SecurityConfig,
    /// The mail server.
    pub smtp: SmtpConfig,
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
            secrets: SecretsConfig::default(),
            security: SecurityConfig::default(),
            smtp: SmtpConfig::default(),
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
        faults.section("smtp", &self.smtp);
        for fault in EgressGuard::new(&self.security).err().unwrap_or_default().list() {
            let key = format!("security{}", fault.pointer.replace('/', "."));
            faults.add(&key, fault.message.clone(), "correct it or leave it out");
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

/// Section `alerts`: times of alerts, and links in notices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// Seconds without a report after which an alert is over, where no service reports its end.
    pub quiet_seconds: u64,
    /// Days that alerts are kept after their end.
    pub retention_days: u32,
    /// Seconds between two notices on one channel.
    pub group_interval_seconds: u64,
    /// The console's address, for links in notices.
    pub console_url: Option<String>,
}

impl AlertsConfig {
    pub(crate) fn settings(&self) -> AlertingSettings {
        const DAY: Duration = Duration::from_hours(24);
        AlertingSettings {
            times: AlertTimes {
                quiet: Duration::from_secs(self.quiet_seconds),
                keep: DAY * self.retention_days,
            },
            group_interval: Duration::from_secs(self.group_interval_seconds),
            console_url: self.console_url.clone(),
        }
    }
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            quiet_seconds: 14_400,
            retention_days: 90,
            group_interval_seconds: 300,
            console_url: None,
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
        if self.group_interval_seconds > 86_400 {
            faults.add(
                "group_interval_seconds",
                format!("is {}", self.group_interval_seconds),
                "give 0 to 86400",
            );
        }
        let is_link = |url: &String| crate::message::Link::new(url).is_ok();
        if !self.console_url.as_ref().is_none_or(is_link) {
            faults.add("console_url", "is no address", "give one such as https://gateway.example.org");
        }
    }
}
