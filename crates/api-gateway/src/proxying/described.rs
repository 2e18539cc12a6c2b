//! Headers that tell of a body, once the body is another.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
};

/// Headers that tell of the very bytes of a body (RFC 9110, RFC 9530 and the older digests).
const OF_THE_BYTES: [HeaderName; 9] = [
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

/// Makes headers tell of a body of JSON that takes the place of the one that they came with.
///
/// A kind of JSON, such as `application/fhir+json`, stays that kind: what becomes of the body is its integration's affair.
pub(super) fn describe_another(headers: &mut HeaderMap) {
    for name in &OF_THE_BYTES {
        headers.remove(name);
    }
    let given = headers.get(CONTENT_TYPE).and_then(|given| given.to_str().ok());
    let kind = given.and_then(kind_of_json).and_then(|kind| kind.parse().ok());
    headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(JSON)));
}

/// Whether a type is JSON, of whatever kind.
pub(super) fn is_json(given: &str) -> bool {
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == JSON || essence.ends_with("+json")
}

/// A type of JSON without the charset of the old body: the new one is UTF-8.
fn kind_of_json(given: &str) -> Option<String> {
    let parts = given.split(';').map(str::trim);
    let is_charset = |part: &str| part.to_ascii_lowercase().starts_with("charset=");
    let kept: Vec<_> = parts.filter(|part| !is_charset(part)).collect();
    is_json(given).then(|| kept.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_told_of_the_old_body_goes_and_a_kind_of_json_stays() {
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
            describe_another(&mut headers);
            assert_eq!((headers.len(), headers[CONTENT_TYPE].to_str().unwrap()), (1, expected));
        }
    }
}
