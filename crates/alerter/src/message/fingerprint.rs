//! What identifies an incident and each of its notices.

use std::fmt;
use std::fmt::Write as _;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use sha2::{Digest as _, Sha256};

/// The longest fingerprint, in bytes: what `PagerDuty` takes as a deduplication key.
const MAX_BYTES: usize = 255;
const ID_BYTES: usize = 16;

/// The key of an incident: the same for every notice of it, and in every system that it is told to. It consists of letters, digits, `_`
/// and `-`, so that it needs no escaping in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Keeps a text that is a key already, and takes the SHA-256 of any other.
    pub fn new(text: &str) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            return Self(text.to_owned());
        }
        Self(hexadecimal(&Sha256::digest(text.as_bytes())))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier of one notice, the same on every attempt to send it: `msg_` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoticeId(String);

impl NoticeId {
    /// Derives the identifier of a notice from its incident and what tells it from the others of it.
    pub(super) fn derive(incident: &str, sequence: u32, kind: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(incident.as_bytes())
            .chain_update(sequence.to_be_bytes())
            .chain_update(kind.as_bytes())
            .finalize();
        Self(format!("msg_{}", hexadecimal(&digest[..ID_BYTES])))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An incident's name in mail: another one where the same trouble comes back later, so that its mail begins a new thread.
pub(super) fn incident(org: Option<OrgId>, fingerprint: &Fingerprint, since: Timestamp) -> String {
    let org = org.map_or_else(|| "platform".to_owned(), |org| org.to_string());
    let digest = Sha256::new()
        .chain_update(org.as_bytes())
        .chain_update([0])
        .chain_update(fingerprint.as_str().as_bytes())
        .chain_update([0])
        .chain_update(since.timestamp_millis().to_be_bytes())
        .finalize();
    hexadecimal(&digest[..ID_BYTES])
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_a_key_of_at_most_255_bytes_whatever_it_is_made_of() {
        assert_eq!(Fingerprint::new("org-7_circuit-open").as_str(), "org-7_circuit-open");
        for text in ["", "a/b", "..", "a b\r\n", &"x".repeat(256), &"é".repeat(1 << 19)] {
            let key = Fingerprint::new(text);
            assert_eq!(key.as_str().len(), 64);
            assert_eq!(key, Fingerprint::new(text));
        }
        assert_ne!(Fingerprint::new("a/b"), Fingerprint::new("a/c"));
    }

    #[test]
    fn incident_is_another_one_for_each_tenant_and_each_time() {
        let (key, at) = (Fingerprint::new("k"), Timestamp::default());
        let later = at + std::time::Duration::from_secs(1);
        let names = [
            incident(Some(OrgId(1)), &key, at),
            incident(Some(OrgId(2)), &key, at),
            incident(None, &key, at),
            incident(Some(OrgId(1)), &key, later),
        ];
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
