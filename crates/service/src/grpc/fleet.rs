//! Every replica behind one name.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use futures::future::join_all;
use parking_lot::Mutex;
use tonic::Status;

use super::{
    GrpcError,
    client::{Client, endpoint, host_of},
};
use crate::config::GrpcConfig;

/// All replicas of a service. Each call resolves the service's (headless) name anew.
#[derive(Debug)]
pub struct Fleet {
    target: String,
    config: GrpcConfig,
    clients: Mutex<BTreeMap<SocketAddr, Client>>,
}

impl Fleet {
    /// A fleet behind `target`, given as `host:port`.
    pub fn new(target: &str, config: &GrpcConfig) -> Result<Self, GrpcError> {
        // Reports a wrong configuration now instead of at the first call.
        super::channel(target, config)?;
        Ok(Self {
            target: target.to_owned(),
            config: config.clone(),
            clients: Mutex::default(),
        })
    }

    /// Runs `call` on every replica concurrently and returns each replica's own result.
    ///
    /// The outer error means that the name does not resolve.
    pub async fn on_each<T, F>(&self, call: impl Fn(Client) -> F) -> Result<Vec<(SocketAddr, Result<T, Status>)>, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let addresses = self.resolve().await?;
        let clients = self
            .clients(&addresses)
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let calls = clients.into_iter().map(|(address, client)| {
            let result = call(client);
            async move { (address, result.await) }
        });
        Ok(join_all(calls).await)
    }

    async fn resolve(&self) -> Result<BTreeSet<SocketAddr>, Status> {
        match tokio::net::lookup_host(&self.target).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(Status::unavailable(format!("{} does not resolve: {error}", self.target))),
        }
    }

    /// Keeps the connections of replicas that still resolve, and drops the others.
    fn clients(&self, addresses: &BTreeSet<SocketAddr>) -> Result<Vec<(SocketAddr, Client)>, GrpcError> {
        let mut clients = self.clients.lock();
        clients.retain(|address, _| addresses.contains(address));
        for address in addresses {
            if !clients.contains_key(address) {
                clients.insert(*address, self.connect(*address)?);
            }
        }
        Ok(clients.iter().map(|(address, client)| (*address, client.clone())).collect())
    }

    fn connect(&self, address: SocketAddr) -> Result<Client, GrpcError> {
        let endpoint = endpoint(&address.to_string(), host_of(&self.target)?, &self.config)?;
        Client::over(endpoint.connect_lazy(), &self.config)
    }
}
