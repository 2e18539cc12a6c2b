//! The gateway's configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, Secret, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_store::{MongoConfig, SecretsConfig};
use ig_transform::script::ScriptsConfig;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

mod organizations;
mod runtime;

pub use organizations::OrganizationsConfig;
pub use runtime::RuntimeConfig;

/// The configuration of api-gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP edge.
    pub http: HttpConfig,
    /// Sessions, tokens and failed logins.
    pub auth: AuthConfig,
    /// Request limits.
    pub rate_limit: RateLimitConfig,
    /// Calls to outside APIs.
    pub runtime: RuntimeConfig,
    /// The lifecycle of organisations.
    pub organizations: OrganizationsConfig,
    /// What the first start creates.
    pub bootstrap: BootstrapConfig,
    /// The database.
    pub mongodb: MongoConfig,
    /// The keys that encrypt secrets at rest.
    pub secrets: SecretsConfig,
    /// The addresses that tenants may choose.
    pub security: SecurityConfig,
    /// The processes that check and try out scripts.
    pub scripts: ScriptsConfig,
    /// The addresses of the other services.
    pub services: ServiceAddresses,
    /// gRPC server and clients.
    pub grpc: GrpcConfig,
    /// Probes and metrics.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// Shutdown.
    pub shutdown: ShutdownConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: HttpConfig::default(),
            auth: AuthConfig::default(),
            rate_limit: RateLimitConfig::default(),
            runtime: RuntimeConfig::default(),
            organizations: OrganizationsConfig::default(),
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
        faults.section("auth", &self.auth);
        faults.section("runtime", &self.runtime);
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
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The maximum size of a request body, in bytes.
    pub body_limit_bytes: usize,
    /// The maximum size of a file of lookup rows, in bytes.
    pub import_limit_bytes: usize,
    /// How long a body may take to arrive, in milliseconds.
    pub body_timeout_ms: u64,
    /// How long a request may take in all, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long a request's headers may take to arrive, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a client may take to accept the next byte of a response, in milliseconds.
    pub write_timeout_ms: u64,
    /// How long the service keeps serving after a stop signal, in milliseconds, so that load balancers notice.
    pub drain_ms: u64,
    /// How long a connection may stay open without a request, in milliseconds.
    pub idle_timeout_ms: u64,
    /// The maximum number of open connections; further ones wait.
    pub max_connections: usize,
    /// The maximum number of open connections from one address; trusted proxies may exceed it, and 0 means no limit.
    pub max_connections_per_address: usize,
    /// The origins of pages that may call the API from a browser, such as `https://console.example.org`.
    pub allowed_origins: Vec<String>,
    /// The networks or addresses of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
    pub trusted_proxies: Vec<String>,
    /// Whether requests without HTTPS are refused; a trusted proxy has to report HTTPS.
    pub enforce_https: bool,
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
            header_timeout_ms: 10_000,
            write_timeout_ms: 60_000,
            drain_ms: 5_000,
            idle_timeout_ms: 60_000,
            max_connections: 10_000,
            max_connections_per_address: 1_000,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            enforce_https: false,
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
        if self.write_timeout_ms == 0 {
            faults.add("write_timeout_ms", "is 0", "give at least 1");
        }
        if self.idle_timeout_ms == 0 {
            faults.add("idle_timeout_ms", "is 0", "give at least 1");
        }
        if self.header_timeout_ms == 0 || self.max_connections == 0 {
            let key = if self.header_timeout_ms == 0 {
                "header_timeout_ms"
            } else {
                "max_connections"
            };
            faults.add(key, "is 0", "give at least 1");
        }
        if let Some(wrong) = self.trusted_proxies.iter().find(|text| parse_network(text).is_none()) {
            faults.add(
                "trusted_proxies",
                format!("{wrong:?} is neither an address nor a network"),
                "write it like 10.0.0.0/8 or 192.0.2.7",
            );
        }
        if let Some(wrong) = self.allowed_origins.iter().find(|text| !is_origin(text)) {
            faults.add(
                "allowed_origins",
                format!("{wrong:?} is no origin"),
                "write scheme, host and port, like https://console.example.org",
            );
        }
        if self.enforce_https && self.trusted_proxies.is_empty() {
            faults.add(
                "enforce_https",
                "would refuse every request: nobody is believed to have come over HTTPS",
                "name the proxy that ends TLS in trusted_proxies",
            );
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

/// Parses a network, or a single address.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let alone = || text.parse().ok().map(|address: IpAddr| address.into());
    text.parse().ok().or_else(alone)
}

fn is_origin(text: &str) -> bool {
    let uri: Option<http::Uri> = text.parse().ok();
    uri.is_some_and(|uri| {
        let named = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
        named
            && format!(
                "{}://{}",
                uri.scheme_str().unwrap_or_default(),
                uri.authority().map_or("", |a| a.as_str())
            ) == text
    })
}

/// Section `auth`: sessions, tokens and failed logins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The key that signs tokens; derived from `secrets.keys` if not set.
    pub jwt_secret: Option<Secret>,
    /// The number of days after which an unused session ends.
    pub session_days: u32,
    /// Failed logins allowed to one account within 15 minutes; 0 means no limit.
    pub failed_logins_per_account: u32,
    /// Failed logins allowed from one address within 15 minutes; 0 means no limit.
    pub failed_logins_per_address: u32,
}

impl AuthConfig {
    /// How long an unused session lasts.
    pub fn session_lifetime(&self) -> Duration {
        Duration::from_hours(24) * self.session_days
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            session_days: 7,
            failed_logins_per_account: 10,
            failed_logins_per_address: 100,
        }
    }
}

impl Validate for AuthConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        const MIN_LENGTH: usize = 32;
        if self
            .jwt_secret
            .as_ref()
            .is_some_and(|secret| secret.expose().len() < MIN_LENGTH)
        {
            faults.add(
                "jwt_secret",
                "is too short to sign with",
                format!("give at least {MIN_LENGTH} random characters, or leave it out"),
            );
        }
        if !(1..=365).contains(&self.session_days) {
            faults.add("session_days", "is not a sensible time", "give 1 to 365");
        }
    }
}

/// Section `rate_limit`: how many requests are accepted per minute; 0 means no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Per client address, before authentication.
    pub global_per_minute: u32,
    /// Per organisation, for the management API.
    pub org_per_minute: u32,
    /// Per organisation, for runtime calls and pushed events.
    pub org_runtime_per_minute: u32,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            global_per_minute: 1_000,
            org_per_minute: 100,
            org_runtime_per_minute: 6_000,
        }
    }
}

/// Section `bootstrap`: what the service creates at its first start, where set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BootstrapConfig {
    /// An API key with every right in every organisation.
    pub api_key: Option<Secret>,
    /// The first administrator's e-mail address.
    pub admin_email: Option<String>,
    /// That administrator's password.
    pub admin_password: Option<Secret>,
}

impl Validate for BootstrapConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        const MIN_LENGTH: usize = 16;
        if self.api_key.as_ref().is_some_and(|key| key.expose().len() < MIN_LENGTH) {
            faults.add(
                "api_key",
                "is too short to be a secret",
                format!("give at least {MIN_LENGTH} random characters"),
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
