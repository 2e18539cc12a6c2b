//! The sections that every process has.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::{ConfigFaults, Secret, Validate};

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// `grpc`: how this process serves gRPC, and with which credentials it serves and calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcConfig {
    /// Address to serve on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Bearer token shared by all services, used where there are no certificates.
    pub token: Option<Secret>,
    /// Certificates for mutual TLS.
    pub tls: TlsConfig,
    /// Milliseconds within which a connection to another service has to stand.
    pub connect_timeout_ms: u64,
    /// Deadline in milliseconds of a call that brings none of its own.
    pub deadline_ms: u64,
}

impl GrpcConfig {
    /// The defaults on loopback, on `port`.
    pub fn on_port(port: u16) -> Self {
        Self {
            listen: loopback(port),
            ..Self::default()
        }
    }

    /// How long a connection attempt may take.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// The deadline of a call that brings none of its own.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            listen: loopback(0),
            token: None,
            tls: TlsConfig::default(),
            connect_timeout_ms: 2_000,
            deadline_ms: 10_000,
        }
    }
}

impl Validate for GrpcConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("tls", &self.tls);
        if self.token.as_ref().is_some_and(|token| token.expose().is_empty()) {
            faults.add("token", "is empty", "set a long random string, or unset it");
        }
        if self.connect_timeout_ms == 0 {
            faults.add("connect_timeout_ms", "is 0", "give at least 1");
        }
        if self.deadline_ms == 0 {
            faults.add("deadline_ms", "is 0", "give at least 1");
        }
    }
}

/// `grpc.tls`: PEM files for mutual TLS, all three or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// This process's certificate chain.
    pub cert_file: Option<PathBuf>,
    /// The key of the certificate.
    pub key_file: Option<PathBuf>,
    /// The authority that signed every service's certificate.
    pub ca_file: Option<PathBuf>,
}

impl TlsConfig {
    /// Certificate, key and authority, when certificates are configured.
    pub fn files(&self) -> Option<(&PathBuf, &PathBuf, &PathBuf)> {
        Some((self.cert_file.as_ref()?, self.key_file.as_ref()?, self.ca_file.as_ref()?))
    }
}

impl Validate for TlsConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        let Self {
            cert_file,
            key_file,
            ca_file,
        } = self;
        let files = [("cert_file", cert_file), ("key_file", key_file), ("ca_file", ca_file)];
        if files.iter().all(|(_, file)| file.is_none()) {
            return;
        }
        for (key, _) in files.iter().filter(|(_, file)| file.is_none()) {
            faults.add(key, "is missing beside the other certificate files", "set all three or none");
        }
    }
}

/// `admin`: the port for probes and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// Address of `/livez`, `/readyz` and `/metrics`; port 0 takes a free one.
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

/// How a log line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For eyes.
    Text,
}

/// `telemetry`: logs and traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Filter directives of `tracing`, such as `info,tower=warn`.
    pub log: String,
    /// How a log line is written.
    pub format: LogFormat,
    /// OTLP collector for traces over gRPC, such as `http://localhost:4317`; none exports nothing.
    pub otlp_endpoint: Option<String>,
    /// Share of new traces that are recorded, from 0 to 1; a caller's decision is followed.
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
    /// Seconds for what is in flight to finish.
    pub grace_seconds: u64,
}

impl ShutdownConfig {
    /// How long what is in flight may take to finish.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { grace_seconds: 30 }
    }
}
