//! Whether addresses that a tenant chose may be sent to, as far as can be told today.

use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::integration::{OutgoingAuth, TargetUrl};
use ig_delivery::{EgressGuard, SystemResolver};

/// A name that takes longer counts as one that does not resolve: it may be saved, and is judged when it is connected to.
const RESOLVING: Duration = Duration::from_secs(2);

/// The addresses that the guard refuses, by place.
pub(super) async fn faults(guard: &EgressGuard, addresses: impl IntoIterator<Item = (String, TargetUrl)>) -> Faults {
    let mut faults = Faults::default();
    for (place, url) in addresses {
        let judged = tokio::time::timeout(RESOLVING, guard.check_resolved(&url, &SystemResolver::default())).await;
        if let Ok(Err(blocked)) = judged {
            faults.add(place, blocked.to_string());
        }
    }
    faults
}

/// The address that credentials are fetched from, where they are.
pub(super) fn token_endpoint(auth: &OutgoingAuth) -> Option<(String, TargetUrl)> {
    match auth {
        OutgoingAuth::OAuth2(credentials) => {
            let place = "/outgoingAuthConfig/tokenUrl".to_owned();
            Some((place, credentials.token_url.clone()))
        }
        _ => None,
    }
}
