//! Where the services find each other.

use serde::{Deserialize, Serialize};

/// The `[services]` section of every service's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceAddresses {
    /// Where api-gateway serves gRPC, as `host:port`.
    pub api_gateway: String,
    /// Where delivery-worker does.
    pub delivery_worker: String,
    /// Where scheduler does.
    pub scheduler: String,
    /// Where dlq-retrier does.
    pub dlq_retrier: String,
    /// Where job-runner does.
    pub job_runner: String,
    /// Where alerter does.
    pub alerter: String,
}

impl Default for ServiceAddresses {
    fn default() -> Self {
        let on_this_host = |port: u16| format!("127.0.0.1:{port}");
        Self {
            api_gateway: on_this_host(5000),
            delivery_worker: on_this_host(5001),
            scheduler: on_this_host(5002),
            dlq_retrier: on_this_host(5003),
            job_runner: on_this_host(5004),
            alerter: on_this_host(5005),
        }
    }
}

/// Every section that a configuration file shared by all services may have; each service takes its own and lets the others be.
pub const SECTIONS: &[&str] = &[
    "admin",
    "alerts",
    "auth",
    "bootstrap",
    "dlq",
    "grpc",
    "http",
    "mongodb",
    "organizations",
    "rate_limit",
    "runtime",
    "scheduler",
    "scripts",
    "secrets",
    "security",
    "services",
    "shutdown",
    "sources",
    "telemetry",
    "worker",
];
