//! The input and output of a response script: `{data, status, headers}`.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use ig_core::event::Payload;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::is_hop_by_hop;
use serde_json::{Map, Value, json};

/// The most headers that a script may set.
const MAX_HEADERS: usize = 50;

/// A response for the client.
#[derive(Debug)]
pub(super) struct TransformedResponse {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    headers: Vec<(HeaderName, Option<HeaderValue>)>,
}

impl TransformedResponse {
    /// A response with a body and the target's status.
    pub(super) fn body(body: Bytes, status: StatusCode) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// A response without content.
    pub(super) fn empty() -> Self {
        Self::body(Bytes::new(), StatusCode::NO_CONTENT)
    }

    /// Applies the script's headers; null removes one.
    pub(super) fn set_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            match value {
                Some(value) => drop(headers.insert(name, value.clone())),
                None => drop(headers.remove(name)),
            }
        }
    }
}

/// The input of a script. A body that is not JSON becomes a string.
pub(super) fn script_input(headers: &HeaderMap, body: &Bytes, status: StatusCode) -> Payload {
    let data = match ig_core::json::parse(body) {
        Ok(data) => data,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => Value::String(String::from_utf8_lossy(body).into_owned()),
    };
    let mut joined = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match joined.get_mut(name.as_str()) {
            Some(Value::String(earlier)) => *earlier = format!("{earlier}, {value}"),
            _ => drop(joined.insert(name.as_str().to_owned(), Value::String(value))),
        }
    }
    let json = json!({ "data": data, "status": status.as_u16(), "headers": joined });
    Payload {
        raw: Bytes::from(json.to_string()),
        json,
    }
}

/// Parses a script's result: a body, or an envelope. An envelope is an object with `status` or `headers`, and no other field but
/// `data`.
pub(super) fn parse(output: Bytes, status: StatusCode) -> Result<TransformedResponse, Failure> {
    let mut returned = match ig_core::json::parse(&output) {
        Ok(Value::Object(returned)) if is_envelope(&returned) => returned,
        _ => return Ok(TransformedResponse::body(output, status)),
    };
    let status = returned.remove("status").map_or(Ok(status), |given| parse_status(&given))?;
    let headers = returned.remove("headers").map_or(Ok(Vec::new()), parse_headers)?;
    let body = returned
        .remove("data")
        .map_or_else(Bytes::new, |data| Bytes::from(data.to_string()));
    Ok(TransformedResponse { status, body, headers })
}

fn is_envelope(returned: &Map<String, Value>) -> bool {
    let says_more = returned.contains_key("status") || returned.contains_key("headers");
    says_more
        && returned
            .keys()
            .all(|key| matches!(key.as_str(), "data" | "status" | "headers"))
}

fn parse_status(given: &Value) -> Result<StatusCode, Failure> {
    let number = given.as_u64().filter(|number| (200..=599).contains(number));
    let status = number
        .and_then(|number| u16::try_from(number).ok())
        .and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| invalid(&format!("status {given}: it must be from 200 to 599")))
}

fn parse_headers(given: Value) -> Result<Vec<(HeaderName, Option<HeaderValue>)>, Failure> {
    let Value::Object(given) = given else {
        return Err(invalid("headers that are no object"));
    };
    if given.len() > MAX_HEADERS {
        return Err(invalid(&format!("more than {MAX_HEADERS} headers")));
    }
    given.into_iter().map(|(name, value)| parse_header(&name, &value)).collect()
}

fn parse_header(name: &str, value: &Value) -> Result<(HeaderName, Option<HeaderValue>), Failure> {
    let parsed: Result<HeaderName, _> = name.parse();
    let own = |name: &HeaderName| !is_hop_by_hop(name) && *name != CONTENT_LENGTH && *name != TRANSFER_ENCODING;
    let parsed = parsed.map_err(|_| invalid(&format!("the header {name:?}, which is not a name")))?;
    if !own(&parsed) {
        return Err(invalid(&format!("the header {name:?}, which is the connection's")));
    }
    let text = match value {
        Value::Null => return Ok((parsed, None)),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => return Err(invalid(&format!("the header {name:?} to what is no text"))),
    };
    let value = HeaderValue::from_str(&text).map_err(|_| invalid(&format!("the header {name:?} to what no header can hold")))?;
    Ok((parsed, Some(value)))
}

fn invalid(what: &str) -> Failure {
    Failure::new(
        ErrorCategory::Transformation,
        format!("The script for answers has set {what}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(returned: &str) -> Result<TransformedResponse, Failure> {
        parse(Bytes::from(returned.to_owned()), StatusCode::OK)
    }

    #[test]
    fn result_that_is_no_envelope_is_the_body() {
        for body in [r#"{"data":1}"#, r#"{"status":201,"x":1}"#, "[1]", "\"text\"", "{}"] {
            let answer = answer(body).unwrap();
            assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, body.as_bytes()));
        }
    }

    #[test]
    fn envelope_sets_status_headers_and_body() {
        let answer = answer(r#"{"data":{"a":1},"status":201,"headers":{"X-A":"1","x-b":2,"x-c":null}}"#).unwrap();
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static("x-c"), HeaderValue::from_static("gone"))]);
        answer.set_headers(&mut headers);
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (201, br#"{"a":1}"#.as_slice()));
        assert_eq!(
            (headers.get("x-a").unwrap(), headers.get("x-b").unwrap(), headers.get("x-c")),
            (&"1".parse().unwrap(), &"2".parse().unwrap(), None)
        );
    }

    #[test]
    fn envelope_out_of_bounds_is_refused() {
        for envelope in [
            r#"{"status":199}"#,
            r#"{"status":600}"#,
            r#"{"status":"200"}"#,
            r#"{"headers":[]}"#,
            r#"{"headers":{"connection":"close"}}"#,
            r#"{"headers":{"content-length":"5"}}"#,
            r#"{"headers":{"a b":"x"}}"#,
            r#"{"headers":{"x":"a\r\nb"}}"#,
            r#"{"headers":{"x":{}}}"#,
        ] {
            assert!(answer(envelope).is_err(), "{envelope}");
        }
    }
}
