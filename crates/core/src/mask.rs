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
    let name = header.to_ascii_lowercase();
    SENSITIVE.contains(&name.as_str()) || ["secret", "token", "password"].iter().any(|word| name.contains(word))
}

/// A header's value as it may be stored and shown.
pub fn header_value<'a>(name: &str, value: &'a str) -> &'a str {
    if is_sensitive(name) { MASK } else { value }
}
