//! From names to addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves names; stated as a trait so that a name can be made to change its mind in a test.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of a name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}
