//! The addresses at which the services find each other.

use serde::{Deserialize, Serialize};

/// The `[services]` section of every service's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceAddresses {
    /// The gRPC address of api-gateway, as `host:port`.
    pub api_gateway: String,
    /// The gRPC address of delivery-worker.
    pub delivery_worker: String,
    /// The gRPC address of scheduler.
    pub scheduler: String,
    /// The gRPC address of dlq-retrier.
    pub dlq_retrier: String,
    /// The gRPC address of job-runner.
    pub job_runner: String,
    /// The gRPC address of alerter.
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

/// Every section that a configuration file shared by all services may have; each service reads its own and ignores the others.
pub const SECTIONS: &[&str] = &[
    "admin",
    "alerts",
    "auth",
    "bootstrap",
    "dlq",
    "grpc",
    "http",
    "jobs",
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
    "smtp",
    "sources",
    "telemetry",
    "worker",
];
