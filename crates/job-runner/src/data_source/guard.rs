//! The egress guard of deliveries, for the hosts of databases.

use std::net::SocketAddr;

use async_trait::async_trait;
use ig_delivery::{Deliverer, HostRefusal};
use ig_sources::{AddressGuard, GuardRefusal};

/// Judges hosts as deliveries do.
pub(super) struct DeliveryGuard<'a>(pub(super) &'a Deliverer);

#[async_trait]
impl AddressGuard for DeliveryGuard<'_> {
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, GuardRefusal> {
        self.0.resolve(host, port).await.map_err(|refusal| match refusal {
            HostRefusal::Blocked(reason) => GuardRefusal::Blocked(reason),
            HostRefusal::Unresolved => GuardRefusal::Unresolved,
        })
    }
}
