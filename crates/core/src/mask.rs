//! Masks credentials in what is stored and shown.

use serde_json::Value;

use crate::secret::MASK;

/// A name that contains one of these words names a credential.
const CREDENTIAL_PARTS: [&str; 8] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "authorization",
    "cookie",
];
/// A name that has one of these words between dashes names a credential.
const CREDENTIAL_WORDS: [&str; 6] = ["auth", "authenticate", "jwt", "session", "sessionid", "pwd"];
/// Names that end in "key" and do not name a credential.
const PUBLIC_KEY_NAMES: [&str; 4] = ["idempotency-key", "x-idempotency-key", "x-cache-key", "surrogate-key"];
/// Prefixes of credentials in headers: schemes, and the marks of issuers.
const CREDENTIAL_PREFIXES: [&str; 15] = [
    "bearer ", "basic ", "digest ", "apikey ", "token ", "hmac ", "eyj", "sk_", "pk_live", "ghp_", "xoxb-", "aiza", "whsec_",
    "igk_", "akia",
];
/// A text without spaces that is this long, and mixed, is not a natural word.
const MIN_RANDOM_LENGTH: usize = 20;

/// Whether a header of this name usually carries a credential, judged by the words in the name.
pub fn is_sensitive(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    if PUBLIC_KEY_NAMES.contains(&name.as_str()) {
        return false;
    }
    let mut words = name.split(['-', '_', '.']);
    name.ends_with("key")
        || CREDENTIAL_PARTS.iter().any(|word| name.contains(word))
        || words.any(|word| CREDENTIAL_WORDS.contains(&word))
}

/// Whether a header's value has the prefix of a credential.
pub fn is_credential(value: &str) -> bool {
    CREDENTIAL_PREFIXES.iter().any(|prefix| {
        let start = value.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// Whether a configured header is shown as a mask: its name says so, or its value looks like a credential. A configured value
/// is the same on every request, so one that looks random does not identify a request.
pub fn must_mask(name: &str, value: &str) -> bool {
    is_sensitive(name) || is_credential(value) || (!names_identifier(name) && is_random(value))
}

fn names_identifier(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("-id") || name == "id"
}

/// Whether a text contains a long run of letters and digits that looks random.
fn is_random(value: &str) -> bool {
    let is_one_token = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-+/=.".contains(&byte));
    let mut runs = value.split(['/', '.']);
    is_one_token
        && runs.any(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            let letters = run.bytes().filter(u8::is_ascii_alphabetic).count();
            run.len() >= MIN_RANDOM_LENGTH && digits >= 3 && letters >= 3
        })
}

/// A JSON value whose texts under names that usually hold credentials are masks.
pub fn json_value(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let is_secret = value.is_string() && is_sensitive(&name);
                let shown = if is_secret { Value::from(MASK) } else { json_value(value) };
                (name, shown)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(json_value).collect()),
        value => value,
    }
}

/// The value of a header, masked where necessary.
pub fn header_value<'a>(name: &str, value: &'a str) -> &'a str {
    if is_sensitive(name) || is_credential(value) {
        MASK
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_recognises_names_of_credentials_by_their_words() {
        for name in [
            "Authorization",
            "Set-Cookie",
            "X-API-Key",
            "apikey",
            "X-Goog-Api-Key",
            "Ocp-Apim-Subscription-Key",
            "X-RapidAPI-Key",
            "X-Functions-Key",
            "X-Amz-Security-Token",
            "X-Auth",
            "WWW-Authenticate",
            "client_secret",
        ] {
            assert!(is_sensitive(name), "{name}");
        }
        for name in [
            "Content-Type",
            "Idempotency-Key",
            "X-Author",
            "Keep-Alive",
            "X-Keyboard",
            "webhook-signature",
        ] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn mask_hides_values_that_look_like_credentials_under_any_name() {
        for value in [
            "Bearer abc",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "4f9d2c7be1a84b0c9d3e5f6a7b8c9d0e",
            "550e8400-e29b-41d4-a716-446655440000",
            "A1b2C3d4E5f6G7h8I9j0+/==",
        ] {
            assert!(must_mask("X-Hospital", value), "{value}");
        }
        for value in [
            "north",
            "application/vnd.hospital.v2+json",
            "2024-01-31T10:00:00Z",
            "https://a.example/4f9d2c7be1a84b0c9d3e5f6a7b8c9d0e",
            "no spaces are in a key 123",
            "sk-SK,sk;q=0.9",
        ] {
            assert!(!must_mask("X-Hospital", value), "{value}");
        }
        assert!(!must_mask("X-Tenant-Id", "550e8400-e29b-41d4-a716-446655440000"));
    }
}
