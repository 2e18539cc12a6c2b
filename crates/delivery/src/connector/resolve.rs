//! Name resolution.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves names. A trait, so that a test can change a name's addresses between two look-ups.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}
