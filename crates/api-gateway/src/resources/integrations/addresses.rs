//! The addresses that an integration sends to.

use ig_core::integration::{Integration, TargetUrl};

use super::super::egress::token_endpoint;

/// Every address, with its JSON pointer.
pub(super) fn located(integration: &Integration) -> Vec<(String, TargetUrl)> {
    let target = &integration.target.url;
    let actions = integration.actions.iter().enumerate().filter_map(|(at, action)| {
        let own = action.target.as_ref().filter(|own| own.url != *target)?;
        Some((format!("/actions/{at}/targetUrl"), own.url.clone()))
    });
    let first = ("/targetUrl".to_owned(), target.clone());
    let token = token_endpoint(&integration.auth);
    std::iter::once(first).chain(actions).chain(token).collect()
}
