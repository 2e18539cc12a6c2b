//! Whether the addresses of an integration may be sent to, as far as can be told today.

use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::integration::{Integration, OutgoingAuth, TargetUrl};
use ig_delivery::{EgressGuard, SystemResolver};

/// A name that takes longer counts as one that does not resolve: it may be saved, and is judged when it is connected to.
const RESOLVING: Duration = Duration::from_secs(2);

/// The addresses that the guard refuses, by place.
pub(super) async fn faults(guard: &EgressGuard, integration: &Integration) -> Faults {
    let mut faults = Faults::default();
    note(guard, "/targetUrl".to_owned(), &integration.target.url, &mut faults).await;
    for (at, action) in integration.actions.iter().enumerate() {
        let own = action.target.as_ref().filter(|target| target.url != integration.target.url);
        if let Some(target) = own {
            note(guard, format!("/actions/{at}/targetUrl"), &target.url, &mut faults).await;
        }
    }
    if let OutgoingAuth::OAuth2(credentials) = &integration.auth {
        let place = "/outgoingAuthConfig/tokenUrl".to_owned();
        note(guard, place, &credentials.token_url, &mut faults).await;
    }
    faults
}

async fn note(guard: &EgressGuard, place: String, url: &TargetUrl, faults: &mut Faults) {
    let judged = tokio::time::timeout(RESOLVING, guard.check_resolved(url, &SystemResolver)).await;
    if let Ok(Err(blocked)) = judged {
        faults.add(place, blocked.to_string());
    }
}
