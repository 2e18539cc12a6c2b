//! Standard Webhooks signatures.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ig_core::integration::Signing;
use ring::hmac;

/// The most signatures read from one header; a sender adds one for each of its live keys.
const MAX_SIGNATURES: usize = 10;

/// The live signing keys of an integration.
#[derive(Debug)]
pub(crate) struct Signer {
    keys: Vec<hmac::Key>,
}

impl Signer {
    pub(crate) fn new(signing: &Signing) -> Self {
        let key = |secret: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self {
            keys: signing.secrets().iter().map(|secret| key(secret.key())).collect(),
        }
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, once for every live key, separated by spaces.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signatures = self.keys.iter().map(|key| sign_with(key, id, timestamp, body));
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of the signatures in a `webhook-signature` matches one of the keys. Every combination is compared, so the time does not
    /// depend on which one matches.
    pub(crate) fn verify(&self, signatures: &str, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let versioned = signatures
            .split_ascii_whitespace()
            .filter_map(|signature| signature.strip_prefix("v1,"));
        let given = versioned
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .take(MAX_SIGNATURES);
        let tags: Vec<_> = given.collect();
        let mut any = false;
        for key in &self.keys {
            let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
            for tag in &tags {
                any |= hmac::verify(key, &message, tag).is_ok();
            }
        }
        any
    }
}

fn sign_with(key: &hmac::Key, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    format!("v1,{}", STANDARD.encode(context.sign()))
}
