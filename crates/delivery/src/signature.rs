//! Standard Webhooks signatures.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ig_core::integration::Signing;
use ring::hmac;

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
}

fn sign_with(key: &hmac::Key, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    format!("v1,{}", STANDARD.encode(context.sign()))
}
