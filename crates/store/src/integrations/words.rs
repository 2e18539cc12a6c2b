//! The stored names of an integration's options.

use ig_core::delivery_log::Destination;
use ig_core::id::EventType;
use ig_core::inbound::ProxyMethod;
use ig_core::integration::{EventPattern, HttpMethod, LogLevel, Ordering, Scope, Target};
use ig_core::ports::StoreError;

use crate::error::unreadable;

pub(super) fn events(pattern: &EventPattern) -> String {
    match pattern {
        EventPattern::Any => "*".to_owned(),
        EventPattern::Exact(event_type) => event_type.to_string(),
    }
}

pub(super) fn read_events(text: String) -> EventPattern {
    if text == "*" {
        EventPattern::Any
    } else {
        EventPattern::Exact(EventType::new(text))
    }
}

pub(super) fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::AllEntities => "ALL_ENTITIES",
        Scope::EntityOnly => "ENTITY_ONLY",
    }
}

pub(super) fn read_scope(text: &str) -> Result<Scope, StoreError> {
    match text {
        "ALL_ENTITIES" => Ok(Scope::AllEntities),
        "ENTITY_ONLY" => Ok(Scope::EntityOnly),
        _ => Err(unreadable("scope")),
    }
}

pub(crate) fn log_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Full => "FULL",
        LogLevel::Metadata => "METADATA",
    }
}

pub(crate) fn read_log_level(text: &str) -> Result<LogLevel, StoreError> {
    match text {
        "FULL" => Ok(LogLevel::Full),
        "METADATA" => Ok(LogLevel::Metadata),
        _ => Err(unreadable("logLevel")),
    }
}

pub(super) fn ordering(ordering: Ordering) -> (&'static str, Option<i32>) {
    match ordering {
        Ordering::Ordered => ("ORDERED", None),
        Ordering::Unordered { max_concurrency } => ("UNORDERED", Some(i32::from(max_concurrency))),
    }
}

pub(super) fn read_ordering(text: &str, max_concurrency: Option<i32>) -> Result<Ordering, StoreError> {
    match text {
        "ORDERED" => Ok(Ordering::Ordered),
        "UNORDERED" => {
            let most = max_concurrency.and_then(|most| u16::try_from(most).ok());
            let max_concurrency = most.ok_or_else(|| unreadable("maxConcurrency"))?;
            Ok(Ordering::Unordered { max_concurrency })
        }
        _ => Err(unreadable("ordering")),
    }
}

/// The destination of a request, from its URL and method.
pub(crate) fn destination(url: &str, method: &str) -> Result<Destination, StoreError> {
    let method: Result<ProxyMethod, _> = method.parse();
    Ok(Destination {
        url: url.parse().map_err(|_| unreadable("targetUrl"))?,
        method: method.map_err(|_| unreadable("httpMethod"))?,
    })
}

/// A target, from its URL and method.
pub(crate) fn target(url: &str, method: &str) -> Result<Target, StoreError> {
    let method: Result<HttpMethod, _> = method.parse();
    Ok(Target {
        url: url.parse().map_err(|_| unreadable("targetUrl"))?,
        method: method.map_err(|_| unreadable("httpMethod"))?,
    })
}
