//! Headers that describe a body, for a body that was replaced.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
};

/// Headers that describe the exact bytes of a body (RFC 9110, RFC 9530 and the older digests).
const BODY_HEADERS: [HeaderName; 9] = [
    ACCEPT_RANGES,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    CONTENT_RANGE,
    ETAG,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

const JSON: &str = "application/json";

/// Changes headers to describe a JSON body that replaces the original one.
///
/// A specific JSON type such as `application/fhir+json` stays: what the body means is up to the integration.
pub(super) fn describe_json_body(headers: &mut HeaderMap) {
    for name in &BODY_HEADERS {
        headers.remove(name);
    }
    let given = headers.get(CONTENT_TYPE).and_then(|given| given.to_str().ok());
    let content_type = given
        .and_then(json_content_type)
        .and_then(|content_type| content_type.parse().ok());
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static(JSON)));
}

/// Whether a content type is JSON or based on JSON.
pub(super) fn is_json(given: &str) -> bool {
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == JSON || essence.ends_with("+json")
}

/// A JSON content type without the charset of the old body: the new body is UTF-8.
fn json_content_type(given: &str) -> Option<String> {
    let parts = given.split(';').map(str::trim);
    let is_charset = |part: &str| part.to_ascii_lowercase().starts_with("charset=");
    let remaining: Vec<_> = parts.filter(|part| !is_charset(part)).collect();
    is_json(given).then(|| remaining.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_old_body_are_removed_and_specific_json_types_stay() {
        let table = [
            (
                "application/fhir+json; charset=iso-8859-1; fhirVersion=4.0",
                "application/fhir+json; fhirVersion=4.0",
            ),
            ("application/json; charset=utf-8", "application/json"),
            ("text/plain", "application/json"),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(given))]);
            for name in [
                "content-digest",
                "repr-digest",
                "digest",
                "content-md5",
                "etag",
                "content-range",
            ] {
                headers.insert(name, HeaderValue::from_static("x"));
            }
            describe_json_body(&mut headers);
            assert_eq!((headers.len(), headers[CONTENT_TYPE].to_str().unwrap()), (1, expected));
        }
    }
}
