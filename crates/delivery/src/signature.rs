//! Standard Webhooks signatures.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ig_core::integration::Signing;
use ring::hmac;

/// As many signatures are looked at in one header; a sender has one for each of its live keys.
const MOST_SIGNATURES: usize = 10;

/// The live keys of an integration, ready for use.
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

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, once for every live key, with spaces between.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signatures = self.keys.iter().map(|key| sign_with(key, id, timestamp, body));
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of the signatures in a `webhook-signature` was made with one of the keys. Takes the same time whichever is wrong.
    pub(crate) fn verify(&self, signatures: &str, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let versioned = signatures
            .split_ascii_whitespace()
            .filter_map(|signature| signature.strip_prefix("v1,"));
        let given = versioned
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .take(MOST_SIGNATURES);
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
