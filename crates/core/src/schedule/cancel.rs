//! Cancellation rules: later events cancel or replace pending deliveries.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::path;
use crate::decimal::Decimal;
use crate::fault::Faults;
use crate::id::EventType;

const MAX_ENTRIES: usize = 20;

/// What a matching event does to a pending delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelAction {
    /// Cancels it.
    Cancel,
    /// Replaces it: cancels it and schedules it anew for the later event.
    Reschedule,
}

/// Events of these types, with equal values at these paths, cancel pending deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRule {
    event_types: BTreeSet<EventType>,
    match_keys: Vec<String>,
    action: CancelAction,
}

/// The key that a payload shares with the payloads that cancel its delivery: stored with the pending delivery, and looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey(pub [u8; 16]);

impl CancelRule {
    /// One to twenty event types and as many paths; faults point at `/eventTypes` and `/matchKeys/…`.
    pub fn new(event_types: BTreeSet<EventType>, match_keys: Vec<String>, action: CancelAction) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if event_types.is_empty() || event_types.len() > MAX_ENTRIES {
            faults.add("/eventTypes", "must have 1 to 20 event types");
        }
        if match_keys.is_empty() || match_keys.len() > MAX_ENTRIES {
            faults.add("/matchKeys", "must have 1 to 20 dotted paths");
        }
        for (at, key) in match_keys.iter().enumerate() {
            if !path::is_path(key) {
                faults.add(format!("/matchKeys/{at}"), "must be a dotted path into the payload");
            }
        }
        faults.into_result(Self {
            event_types,
            match_keys,
            action,
        })
    }

    /// The event types that it listens to.
    pub fn event_types(&self) -> &BTreeSet<EventType> {
        &self.event_types
    }

    /// The paths whose values have to be equal.
    pub fn match_keys(&self) -> &[String] {
        &self.match_keys
    }

    /// Its action.
    pub fn action(&self) -> CancelAction {
        self.action
    }

    /// The key of a payload; `None` where a value is missing, or is not a text, number or boolean.
    ///
    /// Numbers are compared by value; a number never equals a text.
    pub fn key(&self, payload: &Value) -> Option<MatchKey> {
        let mut hash = Sha256::new();
        for path in &self.match_keys {
            let value = canonical(path::value_at(payload, path)?)?;
            for part in [path, &value] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Some(MatchKey(key))
    }

    /// The key of an event that cancels; it applies to pending deliveries of the same tenant and integration with an equal key.
    pub fn cancellation_key(&self, event_type: &EventType, payload: &Value) -> Option<MatchKey> {
        self.event_types.contains(event_type).then(|| self.key(payload)).flatten()
    }
}

fn canonical(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(format!("s{text}")),
        Value::Bool(flag) => Some(format!("b{flag}")),
        Value::Number(number) => Some(format!("n{}", Decimal::of(number))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
