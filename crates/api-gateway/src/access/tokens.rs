//! Tokens (RFC 7519, HS256): signed, minimal, and worthless once their session has ended.

use chrono::DateTime;
use ig_core::clock::Timestamp;
use ig_core::id::SessionId;
use ig_core::secret::Secret;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "integration-gateway";
/// The id of a key that is configured rather than derived.
const CONFIGURED_KEY_ID: &str = "configured";
/// A longer text cannot be one of our tokens and is not worth parsing.
const MAX_TOKEN_BYTES: usize = 2_048;

/// Signs and verifies tokens.
pub(crate) struct Tokens {
    keys: Vec<SigningKey>,
}

struct SigningKey {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub session: SessionId,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sid: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Uses the configured key, or else keys derived from the encryption keys: the first signs, all of them verify.
    pub(crate) fn new(configured: Option<&Secret>, derived: &[(String, [u8; 32])]) -> Self {
        let keys = match configured {
            Some(secret) => vec![SigningKey::new(CONFIGURED_KEY_ID, secret.expose().as_bytes())],
            None => derived.iter().map(|(id, key)| SigningKey::new(id, key)).collect(),
        };
        Self { keys }
    }

    /// Signs a token, if there is a key to sign with.
    pub(super) fn sign(&self, token: &Token) -> Option<String> {
        let key = self.keys.first()?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id.clone());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sid: token.session.as_str().to_owned(),
            iat: token.issued_at.timestamp(),
            exp: token.expires_at.timestamp(),
        };
        encode(&header, &claims, &key.encoding).ok()
    }

    /// Verifies a token and its expiry.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<Token> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let id = decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        // Expiry follows the caller's clock, not the library's.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let claims = decode::<Claims>(token, &key.decoding, &rules).ok()?.claims;
        let moment = |seconds| DateTime::from_timestamp(seconds, 0);
        let (issued_at, expires_at) = (moment(claims.iat)?, moment(claims.exp)?);
        (now < expires_at).then(|| Token {
            session: SessionId::new(claims.sid),
            issued_at,
            expires_at,
        })
    }
}

impl SigningKey {
    fn new(id: &str, key: &[u8]) -> Self {
        Self {
            id: id.to_owned(),
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| &key.id).collect();
        f.debug_struct("Tokens").field("keys", &ids).finish()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::{Duration, Utc};

    use super::*;

    fn token() -> Token {
        let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
        Token {
            session: SessionId::new("0123456789abcdef0123456789abcdef"),
            issued_at: now,
            expires_at: now + Duration::days(7),
        }
    }

    fn keys(ids: &[&str]) -> Vec<(String, [u8; 32])> {
        let keys = ids.iter().map(|id| ((*id).to_owned(), [id.as_bytes()[0]; 32]));
        keys.collect()
    }

    #[test]
    fn token_verifies_until_it_expires_and_across_a_key_change() {
        let (old, token) = (Tokens::new(None, &keys(&["a"])), token());
        let text = old.sign(&token).unwrap();
        assert_eq!(old.verify(&text, token.issued_at).as_ref(), Some(&token));
        assert_eq!(old.verify(&text, token.expires_at), None);
        let rotated = Tokens::new(None, &keys(&["b", "a"]));
        assert_eq!(rotated.verify(&text, token.issued_at), Some(token.clone()));
        assert_eq!(old.verify(&rotated.sign(&token).unwrap(), token.issued_at), None);
    }

    #[test]
    fn token_with_a_forged_signature_is_refused() {
        let (ours, token) = (Tokens::new(None, &keys(&["a"])), token());
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let claims = format!(
            r#"{{"iss":"integration-gateway","sid":"s","iat":0,"exp":{}}}"#,
            token.expires_at.timestamp()
        );
        let other = Tokens::new(Some(&Secret::new("another secret altogether")), &[]);
        let forged = [
            format!("{}.{}.", part(r#"{"alg":"none","kid":"a"}"#), part(&claims)),
            format!("{}.{}.", part(r#"{"alg":"HS256","kid":"a"}"#), part(&claims)),
            other.sign(&token).unwrap(),
            other.sign(&token).unwrap().replacen("configured", "a", 1),
            "a.b.c".to_owned(),
            "x".repeat(100_000),
            String::new(),
        ];
        for text in forged {
            assert_eq!(ours.verify(&text, token.issued_at), None, "{text:.80}");
        }
    }
}
