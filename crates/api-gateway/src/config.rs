//! What can be set about the gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, Secret, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::{MongoConfig, SecretsConfig};
use ig_transform::script::ScriptsConfig;
use serde::{Deserialize, Serialize};

/// The configuration of api-gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP edge.
    pub http: HttpConfig,
    /// What is made at the first start.
    pub bootstrap: BootstrapConfig,
    /// The database.
    pub mongodb: MongoConfig,
    /// The keys of what is encrypted at rest.
    pub secrets: SecretsConfig,
    /// Which addresses tenants may choose.
    pub security: SecurityConfig,
    /// The processes that check and try out scripts.
    pub scripts: ScriptsConfig,
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
            http: HttpConfig::default(),
            bootstrap: BootstrapConfig::default(),
            mongodb: MongoConfig::default(),
            secrets: SecretsConfig::default(),
            security: SecurityConfig::default(),
            scripts: ScriptsConfig::default(),
            services: ServiceAddresses::default(),
            grpc: GrpcConfig::on_port(5000),
            admin: AdminConfig::on_port(9100),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("http", &self.http);
        faults.section("bootstrap", &self.bootstrap);
        faults.section("grpc", &self.grpc);
        faults.section("telemetry", &self.telemetry);
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

/// Section `http`: the edge that clients talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address to serve on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The most bytes that a body may have.
    pub body_limit_bytes: usize,
    /// The most bytes that a file of lookup rows may have.
    pub import_limit_bytes: usize,
    /// Milliseconds that a body may take to arrive.
    pub body_timeout_ms: u64,
    /// Milliseconds that a request may take in all.
    pub request_timeout_ms: u64,
}

impl HttpConfig {
    /// How long a body may take to arrive.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// How long a request may take in all.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            body_limit_bytes: 10 * 1024 * 1024,
            import_limit_bytes: 64 * 1024 * 1024,
            body_timeout_ms: 15_000,
            request_timeout_ms: 30_000,
        }
    }
}

impl Validate for HttpConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        if self.body_limit_bytes == 0 {
            faults.add("body_limit_bytes", "is 0", "give at least 1");
        }
        if self.import_limit_bytes == 0 {
            faults.add("import_limit_bytes", "is 0", "give at least 1");
        }
        if self.body_timeout_ms == 0 || self.body_timeout_ms >= self.request_timeout_ms {
            faults.add(
                "body_timeout_ms",
                "leaves no time",
                "give at least 1 and less than request_timeout_ms",
            );
        }
    }
}

/// Section `bootstrap`: what is made when the service starts, where it is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BootstrapConfig {
    /// An API key that may do everything in every organisation.
    pub api_key: Option<Secret>,
    /// The first administrator's e-mail address.
    pub admin_email: Option<String>,
    /// That administrator's password.
    pub admin_password: Option<Secret>,
}

impl Validate for BootstrapConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        const LEAST: usize = 16;
        if self.api_key.as_ref().is_some_and(|key| key.expose().len() < LEAST) {
            faults.add(
                "api_key",
                "is too short to be a secret",
                format!("give at least {LEAST} random characters"),
            );
        }
        if self.admin_email.is_some() != self.admin_password.is_some() {
            faults.add(
                "admin_email",
                "stands alone",
                "set admin_email and admin_password, or neither",
            );
        }
    }
}
