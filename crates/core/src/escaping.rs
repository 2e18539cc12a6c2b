//! Addresses as a request line may hold them (RFC 3986): plain ASCII, everything else encoded.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A `%` that is not followed by two hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have two hexadecimal digits after each %")]
pub struct BadEscape;

/// Percent-encodes in a path, a query or both what may not appear there; existing escapes stay.
pub fn escaped(text: &str) -> Result<Cow<'_, str>, BadEscape> {
    let pairs = text.match_indices('%').map(|(at, _)| text.as_bytes().get(at + 1..at + 3));
    if !pairs
        .into_iter()
        .all(|pair| pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)))
    {
        return Err(BadEscape);
    }
    if !text.bytes().any(needs_escape) {
        return Ok(Cow::Borrowed(text));
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if needs_escape(byte) {
            let _ = write!(escaped, "%{byte:02X}");
        } else {
            escaped.push(char::from(byte));
        }
    }
    Ok(Cow::Owned(escaped))
}

fn needs_escape(byte: u8) -> bool {
    !byte.is_ascii() || matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_not_allowed_in_an_address_are_encoded_once() {
        let table = [
            ("/\u{fc}?q=\u{20ac}", "/%C3%BC?q=%E2%82%AC"),
            ("/%C3%BC/a;b=1?x=%26", "/%C3%BC/a;b=1?x=%26"),
            ("/{id}", "/%7Bid%7D"),
        ];
        for (text, expected) in table {
            assert_eq!(escaped(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["/%zz", "/%", "/%a", "/%\u{fc}1"] {
            assert_eq!(escaped(text), Err(BadEscape), "{text}");
        }
    }
}
