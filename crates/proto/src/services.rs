//! Where the services find each other.

use serde::{Deserialize, Serialize};

/// The `[services]` section of every service's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceAddresses {
    /// Address of api-gateway's gRPC server, such as `http://127.0.0.1:5000`.
    pub api_gateway: String,
    /// Address of delivery-worker's.
    pub delivery_worker: String,
    /// Address of scheduler's.
    pub scheduler: String,
    /// Address of dlq-retrier's.
    pub dlq_retrier: String,
    /// Address of job-runner's.
    pub job_runner: String,
    /// Address of alerter's.
    pub alerter: String,
}

impl Default for ServiceAddresses {
    fn default() -> Self {
        let on_this_host = |port: u16| format!("http://127.0.0.1:{port}");
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
