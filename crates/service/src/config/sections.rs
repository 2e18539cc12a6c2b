//! The configuration sections that every process has.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::{ConfigFaults, Validate};

pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// `admin`: the port for probes and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// Address of `/livez`, `/readyz` and `/metrics`; port 0 picks a free one.
    pub listen: SocketAddr,
}

impl AdminConfig {
    /// The defaults on loopback, on `port`.
    pub fn on_port(port: u16) -> Self {
        Self { listen: loopback(port) }
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self::on_port(0)
    }
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Plain text for people.
    Text,
}

/// `telemetry`: logs and traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Filter directives of `tracing`, such as `info,tower=warn`.
    pub log: String,
    /// The format of log lines.
    pub format: LogFormat,
    /// OTLP collector for traces over gRPC, such as `http://localhost:4317`; without one, nothing is exported.
    pub otlp_endpoint: Option<String>,
    /// Share of new traces to record, from 0 to 1; a caller's decision takes precedence.
    pub sample_ratio: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            format: LogFormat::Json,
            otlp_endpoint: None,
            sample_ratio: 1.0,
        }
    }
}

impl Validate for TelemetryConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        if let Err(error) = EnvFilter::try_new(&self.log) {
            faults.add("log", error.to_string(), "use directives such as `info,tower=warn`");
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            faults.add(
                "sample_ratio",
                format!("is {}", self.sample_ratio),
                "give a number from 0 to 1",
            );
        }
        if let Some(endpoint) = &self.otlp_endpoint
            && !matches!(endpoint.parse::<http::Uri>(), Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some())
        {
            faults.add(
                "otlp_endpoint",
                format!("`{endpoint}` is no collector's address"),
                "use http://host:port",
            );
        }
    }
}

/// `shutdown`: how a process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// Seconds for work in flight to finish.
    pub grace_seconds: u64,
}

impl ShutdownConfig {
    /// How long work in flight may take to finish.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { grace_seconds: 30 }
    }
}
