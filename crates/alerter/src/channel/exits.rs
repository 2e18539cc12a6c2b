//! The ways out of the process that channels share.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::fault::Faults;
use ig_delivery::{EgressGuard, Proxy, SecurityConfig};

use super::email::Mailer;

/// How long one request may take, from resolving the name to the last byte of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The guarded way to addresses that tenants chose, the platform's mail server where there is one, and the clock. Cheap to clone.
#[derive(Clone)]
pub struct Exits {
    proxy: Proxy,
    mailer: Option<Mailer>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl Exits {
    /// Opens the exits; faults carry pointers into `security`, such as `/private_ca_file`.
    pub fn new(security: &SecurityConfig, mailer: Option<Mailer>, clock: Arc<dyn Clock>) -> Result<Self, Faults> {
        Ok(Self {
            proxy: Proxy::new(security)?,
            mailer,
            clock,
            timeout: TIMEOUT,
        })
    }

    /// The same exits, with another time for one HTTP request than 10 s; a longer one has no effect.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: timeout.min(TIMEOUT),
            ..self
        }
    }

    /// The guard that every connection of an HTTP channel passes; it also judges addresses when they are saved.
    pub fn guard(&self) -> &EgressGuard {
        self.proxy.guard()
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn mailer(&self) -> Option<&Mailer> {
        self.mailer.as_ref()
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for Exits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exits")
            .field("mails", &self.mailer.is_some())
            .finish_non_exhaustive()
    }
}
