//! The identity of a delivery: the same on every retry, redrive and re-read, so that receivers can discard repeats.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::id::{EventId, IntegrationId, LogId, SourceId};

/// The identifier of a message, sent as `webhook-id`: `msg_` and 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// The message that an event sends through one action of one integration.
    pub fn derive(source: &SourceId, event: &EventId, integration: IntegrationId, action_index: u16) -> Self {
        let mut hash = Sha256::new();
        for part in [source.as_str(), event.as_str()] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.update(integration.0);
        hash.update(action_index.to_be_bytes());
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// The message of one occurrence of a recurring delivery, counted from 1; the same on every repeat.
    #[must_use]
    pub fn occurrence(self, number: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(b"occurrence")
            .chain_update(number.to_be_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        Self(id)
    }

    /// The identifier of its delivery log: the event's second, so that logs of one time are adjacent, and 64 bits of the
    /// message.
    pub fn log_id(self, event_created_at: Option<Timestamp>) -> LogId {
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.0[..8]);
        let second = event_created_at.and_then(|at| u32::try_from(at.timestamp()).ok());
        match second {
            Some(second) => id[..4].copy_from_slice(&second.to_be_bytes()),
            None => id[..4].copy_from_slice(&self.0[8..12]),
        }
        LogId(id)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("msg_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not `msg_` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be msg_ and 32 hexadecimal digits")]
pub struct NotAMessageId;

impl std::str::FromStr for MessageId {
    type Err = NotAMessageId;

    fn from_str(text: &str) -> Result<Self, NotAMessageId> {
        let digits = text
            .strip_prefix("msg_")
            .filter(|d| d.len() == 32 && d.bytes().all(|b| b.is_ascii_hexdigit()))
            .ok_or(NotAMessageId)?;
        let mut id = [0; 16];
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| NotAMessageId)?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(source: &str, event: &str, action: u16) -> MessageId {
        MessageId::derive(&SourceId::new(source), &EventId::new(event), IntegrationId([7; 12]), action)
    }

    #[test]
    fn a_message_id_is_the_same_for_the_same_delivery_for_ever() {
        assert_eq!(id("mysql", "42", 0).to_string(), id("mysql", "42", 0).to_string());
        assert_eq!(id("mysql", "42", 0).to_string().parse(), Ok(id("mysql", "42", 0)));
    }

    #[test]
    fn every_occurrence_has_a_message_id_of_its_own() {
        let event = id("mysql", "42", 0);
        let distinct: std::collections::HashSet<_> = (1..=3).map(|number| event.occurrence(number)).chain([event]).collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!(event.occurrence(2), event.occurrence(2));
    }

    #[test]
    fn another_event_or_action_has_another_message_id() {
        let ids = [
            id("mysql", "42", 0),
            id("mysql", "42", 1),
            id("mysql", "43", 0),
            id("mysql4", "2", 0),
        ];
        let distinct: std::collections::HashSet<_> = ids.into_iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
