//! Which headers go through, and which belong to one connection (RFC 9110, section 7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
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

/// Headers of a request that say something of this hop: the length follows from the body, the host from the address, and who
/// forwards what is said by whoever forwards.
const OF_THIS_HOP: [HeaderName; 8] = [
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

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
