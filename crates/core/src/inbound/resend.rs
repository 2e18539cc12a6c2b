//! Resending a failed call: an ordinary delivery of the body that was kept.

use http::Uri;

use super::{InboundIntegration, ProxyMethod};
use crate::delivery_log::Destination;
use crate::integration::{
    EventPattern, HttpMethod, Integration, LogLevel, Ordering, Scope, SimpleMapping, Target, TargetUrl, Transformation, query,
};
use crate::schedule::Schedule;

impl InboundIntegration {
    /// The integration that resends a call to `destination`, as configured today; `None` where its method has no kept body.
    /// `idempotency_key` is the key that its client gave.
    pub fn resend_integration(&self, destination: &Destination, idempotency_key: Option<&str>) -> Option<Integration> {
        let key = idempotency_key.map(|key| ("Idempotency-Key".to_owned(), key.to_owned()));
        let passthrough = || {
            Transformation::Simple(SimpleMapping {
                passthrough: true,
                ..SimpleMapping::default()
            })
        };
        Some(Integration {
            id: self.id,
            org_id: self.org_id,
            tenant_id: self.tenant_id,
            name: self.name.clone(),
            is_active: self.is_active,
            hold: self.hold.clone(),
            events: EventPattern::Any,
            scope: Scope::EntityOnly,
            excluded_entity_rids: std::collections::BTreeSet::new(),
            target: Target {
                url: resend_url(&self.target, &destination.url),
                method: resend_method(destination.method)?,
            },
            filter: None,
            transformation: self.request.clone().unwrap_or_else(passthrough),
            lookups: Vec::new(),
            script_timeout: self.script_timeout,
            auth: self.auth.clone(),
            signing: self.signing.clone(),
            headers: self.headers.iter().cloned().chain(key).collect(),
            actions: Vec::new(),
            multi_action_delay: std::time::Duration::ZERO,
            timeout: self.timeouts.total,
            attempts: self.attempts,
            ordering: Ordering::Ordered,
            rate_limit: self.rate_limit,
            breaker: self.breaker,
            log_level: self.log_level.unwrap_or(LogLevel::Metadata),
            schedule: Schedule::default(),
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Where the call went, with the query parameters that are fixed today, as long as that lies at or below today's target;
/// otherwise today's target.
fn resend_url(target: &TargetUrl, went_to: &TargetUrl) -> TargetUrl {
    let (today, then) = (target.uri(), went_to.uri());
    let same_host = today.scheme() == then.scheme() && today.authority() == then.authority();
    let rest = then.path().strip_prefix(base_path(today));
    let is_below = same_host && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let whole = is_below.then(|| {
        let query = query::merged(today.query().unwrap_or_default(), then.query().unwrap_or_default());
        let address = went_to.to_string();
        let place = address.split('?').next().unwrap_or_default();
        if query.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{query}")
        }
    });
    let whole = whole.and_then(|whole| whole.parse().ok());
    whole.unwrap_or_else(|| target.clone())
}

fn base_path(uri: &Uri) -> &str {
    uri.path().trim_end_matches('/')
}

fn resend_method(method: ProxyMethod) -> Option<HttpMethod> {
    match method {
        ProxyMethod::Post => Some(HttpMethod::Post),
        ProxyMethod::Put => Some(HttpMethod::Put),
        ProxyMethod::Patch => Some(HttpMethod::Patch),
        ProxyMethod::Get | ProxyMethod::Head | ProxyMethod::Delete => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resent_calls_go_where_they_went_with_what_the_target_fixes_today() {
        let table = [
            ("https://a.example/v1", "https://a.example/v1", "https://a.example/v1"),
            (
                "https://a.example/v1",
                "https://a.example/v1/x?q=1",
                "https://a.example/v1/x?q=1",
            ),
            (
                "https://a.example/v1?k=2",
                "https://a.example/v1/x?k=1&q=1",
                "https://a.example/v1/x?k=2&q=1",
            ),
            ("https://a.example/v1", "https://a.example/v12/x?q=1", "https://a.example/v1"),
            (
                "https://b.example/v1?k=2",
                "https://a.example/v1/x?q=1",
                "https://b.example/v1?k=2",
            ),
        ];
        for (today, then, expected) in table {
            let url = |text: &str| text.parse::<TargetUrl>().unwrap();
            assert_eq!(resend_url(&url(today), &url(then)).to_string(), expected, "{today} {then}");
        }
    }
}
