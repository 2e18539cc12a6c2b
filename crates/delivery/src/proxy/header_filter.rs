//! Filters hop-by-hop headers (RFC 9110, section 7.6.1) and others that must not pass the gateway.

use http::header::{
    ALT_SVC, CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Hop-by-hop headers, besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Request headers that describe this hop. The length follows from the body, the host from the address. Each proxy writes its own
/// forwarding headers. An override would ask for another method or path than the one that was authorised.
const THIS_HOP: [HeaderName; 14] = [
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("x-cluster-client-ip"),
    HeaderName::from_static("x-original-forwarded-for"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// Response headers that apply to the browser's whole origin, which is the gateway's. The target speaks for its own origin alone.
const ORIGIN_WIDE: [HeaderName; 10] = [
    SET_COOKIE,
    STRICT_TRANSPORT_SECURITY,
    ALT_SVC,
    HeaderName::from_static("set-cookie2"),
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("public-key-pins"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("reporting-endpoints"),
    HeaderName::from_static("nel"),
];
const CORS_PREFIX: &str = "access-control-";

/// Whether a header belongs to one connection.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Removes hop-by-hop headers.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(options) = connection_options(headers) {
        for name in options {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes request headers that must not go on to the target.
pub fn strip_request_headers(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    for name in &THIS_HOP {
        headers.remove(name);
    }
    remove_prefixed(headers, FORWARDED_PREFIX);
}

/// Removes response headers that a browser would apply to the gateway's origin.
pub fn strip_origin_headers(headers: &mut HeaderMap) {
    for name in &ORIGIN_WIDE {
        headers.remove(name);
    }
    remove_prefixed(headers, CORS_PREFIX);
}

/// Removes the headers whose names have a prefix.
fn remove_prefixed(headers: &mut HeaderMap, prefix: &str) {
    let names = headers.keys().filter(|name| name.as_str().starts_with(prefix));
    for name in names.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

/// The options of `Connection`, which name headers; the usual `close` names none.
fn connection_options(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    if !headers.contains_key(CONNECTION) {
        return None;
    }
    let values = headers.get_all(CONNECTION).into_iter();
    let options = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    Some(options.filter_map(|option| option.trim().parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_headers_lose_hop_by_hop_ones_and_those_that_connection_names() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("connection", "x-other"),
            ("x-private", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("host", "gateway.example"),
            ("x-forwarded-for", "6.6.6.6"),
            ("expect", "100-continue"),
            ("accept", "text/html"),
            ("x-kept", "3"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        strip_request_headers(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-kept"]);
    }
}
