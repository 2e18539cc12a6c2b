//! Which headers go through, and which belong to one connection (RFC 9110, section 7.6.1).

use http::header::{
    ALT_SVC, CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Headers of one connection, besides those that `Connection` names.
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

/// Headers of a request that say something of this hop: the length follows from the body, the host from the address, who forwards
/// what from whom is said by whoever forwards, and another method or path than the one that was let through is not asked for.
const OF_THIS_HOP: [HeaderName; 14] = [
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
const FORWARDED_AS: &str = "x-forwarded-";

/// Headers of an answer that speak for the whole origin that a browser has it from. The target speaks for its own alone.
const OF_THE_ORIGIN: [HeaderName; 10] = [
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
const CROSS_ORIGIN: &str = "access-control-";

/// Whether a header is one connection's affair.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Takes out what belongs to one connection.
pub(super) fn without_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(named) = named(headers) {
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Takes out of a request what goes no further than here.
pub fn end_to_end(headers: &mut HeaderMap) {
    without_hop_by_hop(headers);
    for name in &OF_THIS_HOP {
        headers.remove(name);
    }
    remove_all(headers, FORWARDED_AS);
}

/// Takes out of an answer what a browser would apply to the gateway's origin rather than to the target's.
pub fn within_origin(headers: &mut HeaderMap) {
    for name in &OF_THE_ORIGIN {
        headers.remove(name);
    }
    remove_all(headers, CROSS_ORIGIN);
}

/// Removes the headers whose names begin so.
fn remove_all(headers: &mut HeaderMap, beginning: &str) {
    let names = headers.keys().filter(|name| name.as_str().starts_with(beginning));
    for name in names.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

/// What `Connection` names; the usual `keep-alive` and `close` name nothing.
fn named(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
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
    fn what_belongs_to_a_connection_is_taken_out_also_what_connection_names() {
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
        end_to_end(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-kept"]);
    }
}
