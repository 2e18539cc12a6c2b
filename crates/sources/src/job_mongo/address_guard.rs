//! The port to the guard between tenants and the inside.

use std::net::SocketAddr;

use async_trait::async_trait;
use ig_core::job::FetchError;

/// Why a host may not be connected to, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardRefusal {
    /// The host is not allowed; the sentence may be shown to a tenant.
    #[error("{0}")]
    Blocked(String),
    /// The name has no address now.
    #[error("The name of the host was not resolved.")]
    Unresolved,
}

/// Resolves the hosts that a tenant chose, and judges their addresses.
#[async_trait]
pub trait AddressGuard: Send + Sync {
    /// All addresses of a host, each of them allowed; one bad address refuses the host.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, GuardRefusal>;
}

impl From<GuardRefusal> for FetchError {
    fn from(refusal: GuardRefusal) -> Self {
        match refusal {
            GuardRefusal::Blocked(reason) => Self::Refused(reason),
            GuardRefusal::Unresolved => Self::Unavailable(refusal.to_string()),
        }
    }
}
