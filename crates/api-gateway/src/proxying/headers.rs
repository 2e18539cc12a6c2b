//! The headers of a forwarded call: the client's without those meant for the gateway, and the origin of the call.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use ig_delivery::{ClientCheck, strip_request_headers};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The origin of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) client: IpAddr,
    pub(super) is_https: bool,
    pub(super) request_id: &'a str,
}

/// A call's headers for the target.
pub(super) fn target_headers(parts: &Parts, check: &ClientCheck, origin: Origin<'_>) -> HeaderMap {
    let mut headers = parts.headers.clone();
    strip_request_headers(&mut headers);
    check.strip(&mut headers);
    headers.remove(API_KEY);
    headers.remove(AUTHORIZATION);
    let host = parts.headers.get(HOST).cloned();
    let authority = || HeaderValue::from_str(parts.uri.authority()?.as_str()).ok();
    if let Some(host) = host.or_else(authority) {
        headers.insert(FORWARDED_HOST, host);
    }
    let proto = if origin.is_https { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    for (name, text) in [
        (FORWARDED_FOR, origin.client.to_string().as_str()),
        (REQUEST_ID, origin.request_id),
        (CORRELATION_ID, origin.request_id),
    ] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers
}
