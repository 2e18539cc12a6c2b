//! The guard between tenants and the inside.
//!
//! A tenant chooses an address, and this process, which can reach databases and neighbours, connects to it. Three rules make that safe, and
//! each closes a way around the others:
//!
//! 1. **The address decides, not its spelling.** A host may be written as `0x7f.1`, as `[::ffff:10.0.0.1]` or as a name. The guard first
//!    turns every spelling into the addresses that a connection would go to, and judges those ([`verdict`]). An IPv4 address inside an IPv6
//!    one is judged as what it is.
//! 2. **Every address of a name is judged, and one bad one refuses the name.** An attacker who publishes a good and a bad address hopes
//!    that the bad one is tried second.
//! 3. **Connections go to the judged addresses.** A name is resolved once for a connection, and the connector gets addresses, never the
//!    name again. A name that turns private between two resolutions (DNS rebinding), or after it was saved, gains nothing. A pooled
//!    connection was judged when it was made. Redirects are not followed.
//!
//! Saving an integration asks the same guard, so that a mistake is reported at once. That verdict is a courtesy and never trusted later.

use std::net::IpAddr;

use ig_core::fault::Faults;
use ig_core::integration::TargetUrl;

use crate::connector::Resolve;
use crate::security::SecurityConfig;

mod allow_list;
mod host;
mod metadata;
mod range;
mod verdict;

pub use allow_list::AllowList;
pub(crate) use host::Host;
pub use verdict::verdict;

/// Why an address is refused, in a sentence that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The scheme is `http` where only `https` is allowed.
    #[error("The target must use https.")]
    NotHttps,
    /// The host is neither a name nor an address.
    #[error("The target's host is not a valid name or address.")]
    NotAHost,
    /// The host or address belongs to a cloud's metadata service, which is never allowed.
    #[error("The target is a cloud metadata service.")]
    Metadata,
    /// The address is not public.
    #[error("The target's address is not public: it is {0}.")]
    NotPublic(&'static str),
}

/// Decides which addresses may be connected to.
#[derive(Debug, Clone, Default)]
pub struct EgressGuard {
    enforce_https: bool,
    allow: AllowList,
}

impl EgressGuard {
    /// The guard of a configuration; faults carry pointers into `security`, such as `/egress/allow/0`.
    pub fn new(config: &SecurityConfig) -> Result<Self, Faults> {
        Ok(Self {
            enforce_https: config.enforce_https,
            allow: AllowList::parse(&config.egress.allow)?,
        })
    }

    /// Judges an address as far as that is possible without resolving its name.
    pub fn check_url(&self, url: &TargetUrl) -> Result<(), Blocked> {
        self.check_scheme(url.is_https())?;
        match Host::parse(url.host())? {
            Host::Address(address) => self.check_address(address, url.host(), url.port()),
            Host::Loopback => self.check_address(host::LOOPBACK, url.host(), url.port()),
            Host::Name(_) => Ok(()),
        }
    }

    /// Judges an address and everything that its name resolves to now. A name that does not resolve passes, since it may later.
    pub async fn check_resolved(&self, url: &TargetUrl, resolver: &dyn Resolve) -> Result<(), Blocked> {
        self.check_url(url)?;
        if let Host::Address(_) = Host::parse(url.host())? {
            return Ok(());
        }
        let addresses = resolver.resolve(url.host()).await.unwrap_or_default();
        self.check_all(&addresses, url.host(), url.port())
    }

    pub(crate) fn check_scheme(&self, is_https: bool) -> Result<(), Blocked> {
        if self.enforce_https && !is_https {
            return Err(Blocked::NotHttps);
        }
        Ok(())
    }

    pub(crate) fn check_address(&self, address: IpAddr, host: &str, port: u16) -> Result<(), Blocked> {
        verdict(address, host, port, &self.allow)
    }

    /// One bad address refuses them all.
    pub(crate) fn check_all(&self, addresses: &[IpAddr], host: &str, port: u16) -> Result<(), Blocked> {
        addresses
            .iter()
            .try_for_each(|address| self.check_address(*address, host, port))
    }
}
