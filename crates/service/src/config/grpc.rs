//! The section `grpc`, for servers and clients.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ConfigFaults, Secret, Validate, sections::loopback};

/// `grpc`: the address of the gRPC server, and the credentials and deadlines of servers and clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcConfig {
    /// Address to serve on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Bearer token shared by all services, used without certificates.
    pub token: Option<Secret>,
    /// Certificates for mutual TLS.
    pub tls: TlsConfig,
    /// Timeout in milliseconds for connecting to another service.
    pub connect_timeout_ms: u64,
    /// Default deadline of a call in milliseconds.
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

    /// The timeout for connecting to another service.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// The default deadline of a call.
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
    /// The certificate chain of this process.
    pub cert_file: Option<PathBuf>,
    /// The key of the certificate.
    pub key_file: Option<PathBuf>,
    /// The authority that signed every service's certificate.
    pub ca_file: Option<PathBuf>,
}

impl TlsConfig {
    /// Certificate, key and authority, if all are configured.
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
