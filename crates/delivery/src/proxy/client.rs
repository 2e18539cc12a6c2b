//! How a client's proof is checked: in constant time, and told apart from no proof at all by nothing that can be measured.

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
/// The longest id of a message that is taken for one.
const LONGEST_ID: usize = 256;

/// What a client's call has to carry, ready to be compared.
#[derive(Debug)]
pub struct ClientCheck(Check);

#[derive(Debug)]
enum Check {
    Nothing,
    Carried {
        header: HeaderName,
        scheme: Scheme,
        secret: Box<Expected>,
    },
    Signature {
        signer: Signer,
        tolerance: Duration,
    },
}

/// What stands before the secret in its header.
#[derive(Debug, Clone, Copy)]
enum Scheme {
    Bare,
    Bearer,
    Basic,
}

/// A secret that is compared in constant time, whatever its length and that of what is compared with it.
#[derive(Debug)]
struct Expected {
    key: hmac::Key,
    tag: hmac::Tag,
}

/// A message whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// Its id.
    pub id: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// From then on its timestamp is too old.
    pub stale_at: Timestamp,
}

/// Why a signature is not accepted, in a sentence for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// A header is not there, or there more than once.
    #[error("webhook-id, webhook-timestamp and webhook-signature are required, once each")]
    Missing,
    /// The timestamp is too far from now.
    #[error("webhook-timestamp is too far from now, or not in seconds since 1970")]
    Stale,
    /// Nothing was signed with a key that is known.
    #[error("webhook-signature is not that of this message")]
    Wrong,
}

impl ClientCheck {
    /// Makes ready what clients prove themselves with.
    pub fn compile(auth: &ClientAuth) -> Result<Self, Faults> {
        let carried = |header, scheme, secret: &str| {
            Ok(Self(Check::Carried {
                header,
                scheme,
                secret: Box::new(Expected::new(secret)?),
            }))
        };
        match auth {
            ClientAuth::None => Ok(Self(Check::Nothing)),
            ClientAuth::ApiKey { header_name, api_key } => {
                let name = header_name.parse();
                let name = name.map_err(|_| Faults::one("/inboundAuthConfig/headerName", "must be a valid header name"))?;
                carried(name, Scheme::Bare, api_key.expose())
            }
            ClientAuth::Bearer { token } => carried(AUTHORIZATION, Scheme::Bearer, token.expose()),
            ClientAuth::Basic { username, password } => {
                carried(AUTHORIZATION, Scheme::Basic, &format!("{username}:{}", password.expose()))
            }
            ClientAuth::Hmac(Hmac { secrets, tolerance }) => Ok(Self(Check::Signature {
                signer: Signer::new(secrets),
                tolerance: *tolerance,
            })),
        }
    }

    /// Whether all of the body is needed to check a call.
    pub fn needs_body(&self) -> bool {
        matches!(self.0, Check::Signature { .. })
    }

    /// Whether a call carries what it has to; a signature is checked by [`ClientCheck::verify`].
    pub fn passes(&self, headers: &HeaderMap) -> bool {
        match &self.0 {
            Check::Nothing | Check::Signature { .. } => true,
            Check::Carried { header, scheme, secret } => {
                let mut values = headers.get_all(header).iter();
                let (first, second) = (values.next(), values.next());
                let given = first
                    .filter(|_| second.is_none())
                    .and_then(|value| scheme.secret(value.as_bytes()));
                secret.is(&given.unwrap_or_default()) && first.is_some()
            }
        }
    }

    /// Checks the signature over a body; nothing where calls are not signed.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<SignedMessage>, BadSignature> {
        let Check::Signature { signer, tolerance } = &self.0 else {
            return Ok(None);
        };
        let (id, timestamp, signature) = (once(headers, &ID)?, once(headers, &TIMESTAMP)?, once(headers, &SIGNATURE)?);
        let seconds = timestamp
            .parse()
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let signed_at = seconds.ok_or(BadSignature::Stale)?;
        if (now - signed_at).abs().to_std().unwrap_or(Duration::MAX) > *tolerance {
            return Err(BadSignature::Stale);
        }
        if id.len() > LONGEST_ID || !signer.verify(signature, id, timestamp, body) {
            return Err(BadSignature::Wrong);
        }
        Ok(Some(SignedMessage {
            id: id.to_owned(),
            signed_at,
            stale_at: signed_at + *tolerance,
        }))
    }

    /// Takes what a client proved itself with out of what goes on to the target.
    pub fn strip(&self, headers: &mut HeaderMap) {
        match &self.0 {
            Check::Nothing => {}
            Check::Carried { header, .. } => drop(headers.remove(header)),
            Check::Signature { .. } => {
                for name in [ID, TIMESTAMP, SIGNATURE] {
                    headers.remove(name);
                }
            }
        }
    }
}

fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, BadSignature> {
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
            Self::Bearer => Some(after(value, b"bearer ")?.trim_ascii_start().to_vec()),
            Self::Basic => STANDARD.decode(after(value, b"basic ")?.trim_ascii()).ok(),
        }
    }
}

fn after<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (given, rest) = value.split_at_checked(scheme.len())?;
    given.eq_ignore_ascii_case(scheme).then_some(rest)
}

impl Expected {
    fn new(secret: &str) -> Result<Self, Faults> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let key = key.map_err(|_| Faults::one("/inboundAuthConfig", "cannot be checked: the system gives no random numbers"))?;
        let tag = hmac::sign(&key, secret.as_bytes());
        Ok(Self { key, tag })
    }

    fn is(&self, given: &[u8]) -> bool {
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
    fn a_secret_is_taken_from_its_header_alone_and_once() {
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
    fn a_token_and_a_password_come_after_their_scheme() {
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
