//! Authenticates clients in constant time, so that a wrong credential and a missing one cannot be told apart by timing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::inbound::{ClientAuth, Hmac};
use ring::{hmac, rand};

use crate::signature::Signer;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// The longest message id that is accepted.
const MAX_ID_LENGTH: usize = 256;

/// The credentials or signature that a client's call must carry, ready for comparison.
#[derive(Debug)]
pub struct ClientCheck(Check);

#[derive(Debug)]
enum Check {
    None,
    Credential {
        header: HeaderName,
        scheme: Scheme,
        secret: Box<ConstantTimeSecret>,
    },
    Signature {
        signer: Signer,
        tolerance: Duration,
    },
}

/// The scheme in front of the secret in its header.
#[derive(Debug, Clone, Copy)]
enum Scheme {
    Bare,
    Bearer,
    Basic,
}

/// A secret compared in constant time, whatever its length and that of the other value.
#[derive(Debug)]
struct ConstantTimeSecret {
    key: hmac::Key,
    tag: hmac::Tag,
}

/// A message with a valid signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// The message's id.
    pub id: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// When its timestamp becomes too old.
    pub stale_at: Timestamp,
}

/// Why a signature is not accepted, in a sentence for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// A header is missing or repeated.
    #[error("webhook-id, webhook-timestamp and webhook-signature are required, once each")]
    Missing,
    /// The timestamp is too far from now.
    #[error("webhook-timestamp is too far from now, or not in seconds since 1970")]
    Stale,
    /// No known key made the signature.
    #[error("webhook-signature is not that of this message")]
    Wrong,
}

impl ClientCheck {
    /// Compiles an integration's client authentication.
    pub fn compile(auth: &ClientAuth) -> Result<Self, Faults> {
        let credential = |header, scheme, secret: &str| {
            Ok(Self(Check::Credential {
                header,
                scheme,
                secret: Box::new(ConstantTimeSecret::new(secret)?),
            }))
        };
        match auth {
            ClientAuth::None => Ok(Self(Check::None)),
            ClientAuth::ApiKey { header_name, api_key } => {
                let name = header_name.parse();
                let name = name.map_err(|_| Faults::single("/inboundAuthConfig/headerName", "must be a valid header name"))?;
                credential(name, Scheme::Bare, api_key.expose())
            }
            ClientAuth::Bearer { token } => credential(AUTHORIZATION, Scheme::Bearer, token.expose()),
            ClientAuth::Basic { username, password } => {
                credential(AUTHORIZATION, Scheme::Basic, &format!("{username}:{}", password.expose()))
            }
            ClientAuth::Hmac(Hmac { secrets, tolerance }) => Ok(Self(Check::Signature {
                signer: Signer::new(secrets),
                tolerance: *tolerance,
            })),
        }
    }

    /// Whether checking a call takes its whole body.
    pub fn needs_body(&self) -> bool {
        matches!(self.0, Check::Signature { .. })
    }

    /// Whether a call carries its credential; [`ClientCheck::verify`] checks signatures.
    pub fn passes(&self, headers: &HeaderMap) -> bool {
        match &self.0 {
            Check::None | Check::Signature { .. } => true,
            Check::Credential { header, scheme, secret } => {
                let mut values = headers.get_all(header).iter();
                let (first, second) = (values.next(), values.next());
                let given = first
                    .filter(|_| second.is_none())
                    .and_then(|value| scheme.secret(value.as_bytes()));
                secret.matches(&given.unwrap_or_default()) && first.is_some()
            }
        }
    }

    /// Verifies the signature over a body; `None` where calls are not signed.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<SignedMessage>, BadSignature> {
        let Check::Signature { signer, tolerance } = &self.0 else {
            return Ok(None);
        };
        let (id, timestamp, signature) = (
            single_header(headers, &ID)?,
            single_header(headers, &TIMESTAMP)?,
            single_header(headers, &SIGNATURE)?,
        );
        let seconds = timestamp
            .parse()
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let signed_at = seconds.ok_or(BadSignature::Stale)?;
        if (now - signed_at).abs().to_std().unwrap_or(Duration::MAX) > *tolerance {
            return Err(BadSignature::Stale);
        }
        if id.len() > MAX_ID_LENGTH || !signer.verify(signature, id, timestamp, body) {
            return Err(BadSignature::Wrong);
        }
        Ok(Some(SignedMessage {
            id: id.to_owned(),
            signed_at,
            stale_at: signed_at + *tolerance,
        }))
    }

    /// Removes the client's credential or signature from the headers that go on to the target.
    pub fn strip(&self, headers: &mut HeaderMap) {
        match &self.0 {
            Check::None => {}
            Check::Credential { header, .. } => drop(headers.remove(header)),
            Check::Signature { .. } => {
                for name in [ID, TIMESTAMP, SIGNATURE] {
                    headers.remove(name);
                }
            }
        }
    }
}

fn single_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, BadSignature> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value),
        _ => Err(BadSignature::Missing),
    }
}

impl Scheme {
    /// The secret within a header's value.
    fn secret(self, value: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Bare => Some(value.to_vec()),
            Self::Bearer => Some(strip_scheme(value, b"bearer ")?.trim_ascii_start().to_vec()),
            Self::Basic => STANDARD.decode(strip_scheme(value, b"basic ")?.trim_ascii()).ok(),
        }
    }
}

fn strip_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (given, rest) = value.split_at_checked(scheme.len())?;
    given.eq_ignore_ascii_case(scheme).then_some(rest)
}

impl ConstantTimeSecret {
    fn new(secret: &str) -> Result<Self, Faults> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let key =
            key.map_err(|_| Faults::single("/inboundAuthConfig", "cannot be checked: the system gives no random numbers"))?;
        let tag = hmac::sign(&key, secret.as_bytes());
        Ok(Self { key, tag })
    }

    fn matches(&self, given: &[u8]) -> bool {
        hmac::verify(&self.key, given, self.tag.as_ref()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use ig_core::secret::Secret;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn twice(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, value.parse().unwrap());
        headers.append(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn client_check_takes_a_secret_from_its_header_alone_and_once() {
        let auth = ClientAuth::ApiKey {
            header_name: "X-Client-Key".to_owned(),
            api_key: Secret::new("k-1".to_owned()),
        };
        let check = ClientCheck::compile(&auth).unwrap();
        assert!(check.passes(&headers(&[("x-client-key", "k-1")])));
        for wrong in [
            headers(&[]),
            headers(&[("x-client-key", "k-2")]),
            headers(&[("x-client-key", "")]),
            twice("x-client-key", "k-1"),
        ] {
            assert!(!check.passes(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn client_check_expects_tokens_and_passwords_after_their_scheme() {
        let bearer = ClientCheck::compile(&ClientAuth::Bearer {
            token: Secret::new("t".to_owned()),
        })
        .unwrap();
        let password = Secret::new("p:w".to_owned());
        let basic = ClientCheck::compile(&ClientAuth::Basic {
            username: "u".to_owned(),
            password,
        })
        .unwrap();
        let encoded = format!("basic {}", STANDARD.encode("u:p:w"));
        assert!(bearer.passes(&headers(&[("authorization", "Bearer t")])));
        assert!(bearer.passes(&headers(&[("authorization", "Bearer  t")])));
        assert!(basic.passes(&headers(&[("authorization", &encoded)])));
        for wrong in ["t", "Bearer", "Bearer  ", "Basic t", "Basic dTpw", ""] {
            assert!(!bearer.passes(&headers(&[("authorization", wrong)])), "{wrong}");
            assert!(!basic.passes(&headers(&[("authorization", wrong)])), "{wrong}");
        }
    }
}
