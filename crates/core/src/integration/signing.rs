//! Standard Webhooks signing: the live secrets.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fault::Faults;
use crate::secret::Secret;

const PREFIX: &str = "whsec_";
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing secret as Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes.
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    text: Secret,
    key: Vec<u8>,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl SigningSecret {
    /// Parses the text form.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let encoded = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| Faults::single("", "must begin with whsec_"))?;
        let key = STANDARD
            .decode(encoded)
            .map_err(|_| Faults::single("", "must be base64 after whsec_"))?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(Faults::single("", "must hold 24 to 64 bytes after whsec_"));
        }
        Ok(Self {
            text: Secret::new(text),
            key,
        })
    }

    /// Builds a secret from random bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Faults> {
        Self::parse(&format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// The text form, for receivers.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// The key bytes, for the signer.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

/// The live secrets of an integration, the primary first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    secrets: Vec<SigningSecret>,
}

impl Signing {
    /// One to five live secrets, the primary first.
    pub fn new(secrets: Vec<SigningSecret>) -> Result<Self, Faults> {
        if secrets.is_empty() || secrets.len() > 5 {
            return Err(Faults::single("", "needs one to five secrets"));
        }
        Ok(Self { secrets })
    }

    /// The live secrets, the primary first.
    pub fn secrets(&self) -> &[SigningSecret] {
        &self.secrets
    }
}
