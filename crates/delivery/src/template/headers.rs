//! Headers that a tenant may set, and those that are reserved.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use ig_core::fault::Faults;
use ig_core::mask;

/// Headers that the gateway sets, that carry the signature, or that belong to one connection.
const RESERVED: [&str; 20] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-correlation-id",
];

/// Whether the gateway alone sets a header. Such a custom header is skipped; a credential in one is a fault.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// Adds the integration's custom headers; they never replace the gateway's or a credential.
pub(crate) fn add_custom(custom: &[(String, String)], headers: &mut HeaderMap, faults: &mut Faults) {
    let mut custom_headers = HeaderMap::new();
    for (name, value) in custom {
        let pointer = format!("/headers/{}", escaped(name));
        let parsed = parse_name(name, &pointer, faults).zip(parse_value(value, &pointer, faults));
        if let Some((name, mut header)) = parsed
            && !is_reserved(name.as_str())
            && !headers.contains_key(&name)
        {
            header.set_sensitive(mask::must_mask(name.as_str(), value));
            custom_headers.append(name, header);
        }
    }
    headers.extend(custom_headers);
}

pub(super) fn parse_name(name: &str, pointer: &str, faults: &mut Faults) -> Option<HeaderName> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    parsed.map_err(|_| faults.add(pointer, "must be a valid header name")).ok()
}

pub(super) fn parse_value(value: &str, pointer: &str, faults: &mut Faults) -> Option<HeaderValue> {
    let parsed = HeaderValue::from_str(value);
    parsed
        .map_err(|_| faults.add(pointer, "must be a valid header value: visible characters and spaces"))
        .ok()
}

/// Escapes a name for a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
