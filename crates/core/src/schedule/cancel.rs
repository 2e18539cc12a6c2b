//! Later events that call off what is pending, or replace it.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::path;
use crate::decimal::Decimal;
use crate::fault::Faults;
use crate::id::EventType;

const MOST: usize = 20;

/// What a matching event does to what is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelAction {
    /// It is cancelled.
    Cancel,
    /// It is replaced: cancelled, and planned anew for the later event.
    Reschedule,
}

/// Events of these types, with equal values at these paths, call off what is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRule {
    event_types: BTreeSet<EventType>,
    match_keys: Vec<String>,
    action: CancelAction,
}

/// What two payloads share when one calls off the other: to be stored beside what is pending, and looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey(pub [u8; 16]);

impl CancelRule {
    /// One to twenty event types and as many paths; faults are found at `/eventTypes` and `/matchKeys/…`.
    pub fn new(event_types: BTreeSet<EventType>, match_keys: Vec<String>, action: CancelAction) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if event_types.is_empty() || event_types.len() > MOST {
            faults.add("/eventTypes", "must have 1 to 20 event types");
        }
        if match_keys.is_empty() || match_keys.len() > MOST {
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

    /// The events that it listens to.
    pub fn event_types(&self) -> &BTreeSet<EventType> {
        &self.event_types
    }

    /// The paths whose values are to be equal.
    pub fn match_keys(&self) -> &[String] {
        &self.match_keys
    }

    /// What it does.
    pub fn action(&self) -> CancelAction {
        self.action
    }

    /// The key of a payload; none where it lacks one of the values, or has one that is no text, number or boolean.
    ///
    /// Numbers are equal by value; a number and the text of it are not.
    pub fn key(&self, payload: &Value) -> Option<MatchKey> {
        let mut hash = Sha256::new();
        for path in &self.match_keys {
            let value = canonical(path::at(payload, path)?)?;
            for part in [path, &value] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Some(MatchKey(key))
    }

    /// The key of an event that calls something off: of what is pending for the same tenant and integration, that with an equal key.
    pub fn called_off_by(&self, event_type: &EventType, payload: &Value) -> Option<MatchKey> {
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
