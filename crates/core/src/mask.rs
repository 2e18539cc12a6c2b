//! Keeping credentials out of what is stored and shown.

use crate::secret::MASK;

const SENSITIVE: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
    "x-csrf-token",
    "apikey",
    "www-authenticate",
];

/// Whether a header of this name usually carries a credential.
pub fn is_sensitive(header: &str) -> bool {
    SENSITIVE.iter().any(|name| header.eq_ignore_ascii_case(name))
        || ["secret", "token", "password"].iter().any(|word| contains(header, word))
}

fn contains(text: &str, word: &str) -> bool {
    let mut parts = text.as_bytes().windows(word.len());
    parts.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// A header's value as it may be stored and shown.
pub fn header_value<'a>(name: &str, value: &'a str) -> &'a str {
    if is_sensitive(name) { MASK } else { value }
}
