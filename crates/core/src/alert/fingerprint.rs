//! The identity of trouble across its reports.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::details::bounded_name;
use crate::id::OrgId;

const BYTES: usize = 16;

/// What reports of the same trouble share: 32 hexadecimal digits, derived from the organisation, the kind and the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a kind of trouble and its key in an organisation, or in the platform.
    pub fn of(org: Option<OrgId>, kind: &str, key: &str) -> Self {
        // A JSON array is unambiguous, whatever the texts hold.
        let (kind, key) = (bounded_name(kind.to_owned()), bounded_name(key.to_owned()));
        let subject = serde_json::json!([org.map(|org| org.0), kind, key]).to_string();
        Self(hexadecimal(&Sha256::digest(subject)[..BYTES]))
    }

    /// A fingerprint as stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
