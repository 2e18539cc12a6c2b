//! The health of all services, this gateway's feed among them, as each reports it.

use std::time::{Duration, Instant};

use futures::future::join_all;
use ig_proto::ServiceAddresses;
use ig_service::config::GrpcConfig;
use ig_service::grpc::{Client, GrpcError, channel};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a service may take to report its health.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The health of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It accepts requests.
    Serving,
    /// It answers, but accepts no requests now.
    NotServing,
    /// It did not answer in time.
    Unreachable,
}

/// The health report of one service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceHealth {
    /// The service.
    pub service: &'static str,
    /// Its health.
    pub health: Health,
    /// The duration of the check.
    pub took: Duration,
}

/// The health clients of the services.
#[derive(Debug, Clone)]
pub(crate) struct PeerServices(Vec<(&'static str, HealthClient<Client>)>);

impl PeerServices {
    /// Clients for these addresses, which connect on first use.
    pub(crate) fn new(addresses: &ServiceAddresses, config: &GrpcConfig) -> Result<Self, GrpcError> {
        let ServiceAddresses {
            api_gateway,
            delivery_worker,
            scheduler,
            dlq_retrier,
            job_runner,
            alerter,
        } = addresses;
        let all = [
            ("api-gateway", api_gateway),
            ("delivery-worker", delivery_worker),
            ("scheduler", scheduler),
            ("dlq-retrier", dlq_retrier),
            ("job-runner", job_runner),
            ("alerter", alerter),
        ];
        let clients = all.map(|(name, address)| Ok((name, HealthClient::new(channel(address, config)?))));
        clients.into_iter().collect::<Result<_, _>>().map(Self)
    }

    /// Checks all services at once.
    pub(crate) async fn check_all(&self) -> Vec<ServiceHealth> {
        join_all(self.0.iter().map(|(service, client)| check(service, client.clone()))).await
    }
}

async fn check(service: &'static str, mut client: HealthClient<Client>) -> ServiceHealth {
    let started = Instant::now();
    let response = tokio::time::timeout(TIMEOUT, client.check(HealthCheckRequest::default())).await;
    let health = match response {
        Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving => Health::Serving,
        Ok(Ok(_)) => Health::NotServing,
        Ok(Err(_)) | Err(_) => Health::Unreachable,
    };
    ServiceHealth {
        service,
        health,
        took: started.elapsed(),
    }
}
