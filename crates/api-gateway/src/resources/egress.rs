//! Checks today whether the egress guard allows the addresses that a tenant chose.

use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};
use ig_delivery::{EgressGuard, SystemResolver};

/// A name that takes longer counts as unresolvable: it may be saved, and the guard checks it on connection.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Faults for the addresses that the guard refuses, by JSON pointer.
pub(super) async fn faults(guard: &EgressGuard, addresses: impl IntoIterator<Item = (String, TargetUrl)>) -> Faults {
    let mut faults = Faults::default();
    for (pointer, url) in addresses {
        let checked = tokio::time::timeout(RESOLVE_TIMEOUT, guard.check_resolved(&url, &SystemResolver::default())).await;
        if let Ok(Err(blocked)) = checked {
            faults.add(pointer, blocked.to_string());
        }
    }
    faults
}

/// The address of the token endpoint, where the credentials have one.
pub(super) fn token_endpoint(auth: &OutgoingAuth) -> Option<(String, TargetUrl)> {
    match auth {
        OutgoingAuth::OAuth2(credentials) => {
            let pointer = "/outgoingAuthConfig/tokenUrl".to_owned();
            Some((pointer, credentials.token_url.clone()))
        }
        _ => None,
    }
}
