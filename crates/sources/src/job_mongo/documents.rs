//! Stages and records between JSON and BSON.

use ig_core::job::{BsonStyle, FetchError};
use mongodb::bson::raw::RawBsonRef;
use mongodb::bson::{Bson, Document, RawDocument};
use serde_json::Value;

/// The deepest record that is read; MongoDB stores at most 100 levels. What reads them recurses, so a server that sends
/// more could exhaust the stack.
const MAX_NESTING: usize = 200;

/// Reads one stage, which may use extended JSON.
pub(super) fn stage(stage: &Value) -> Result<Document, FetchError> {
    match Bson::try_from(stage.clone()) {
        Ok(Bson::Document(stage)) => Ok(stage),
        Ok(_) => Err(FetchError::Refused(
            "A stage of the pipeline is a value of extended JSON.".to_owned(),
        )),
        Err(error) => Err(FetchError::Refused(format!(
            "A stage of the pipeline is not extended JSON: {error}."
        ))),
    }
}

/// Converts a record as the server sent it.
pub(super) fn record(document: &RawDocument, style: BsonStyle) -> Result<Value, FetchError> {
    if nests_deeper(document, MAX_NESTING) {
        return Err(FetchError::Refused(format!(
            "A record nests deeper than {MAX_NESTING} levels."
        )));
    }
    let unreadable = |_| FetchError::Unavailable("The database sent a record that is not BSON.".to_owned());
    let document = Document::try_from(document).map_err(unreadable)?;
    Ok(style.convert(Bson::Document(document).into_canonical_extjson()))
}

/// Malformed parts count as flat; reading them fails later.
fn nests_deeper(document: &RawDocument, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return true;
    };
    let mut values = document.into_iter().filter_map(Result::ok);
    values.any(|(_, value)| value_nests_deeper(value, below))
}

fn value_nests_deeper(value: RawBsonRef<'_>, levels: usize) -> bool {
    match value {
        RawBsonRef::Document(document) => nests_deeper(document, levels),
        RawBsonRef::Array(items) => {
            let Some(below) = levels.checked_sub(1) else {
                return true;
            };
            let mut items = items.into_iter().filter_map(Result::ok);
            items.any(|item| value_nests_deeper(item, below))
        }
        RawBsonRef::JavaScriptCodeWithScope(code) => nests_deeper(code.scope, levels),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{RawDocumentBuf, doc};
    use serde_json::json;

    use super::*;

    #[test]
    fn stage_understands_extended_json() {
        let stage =
            stage(&json!({"$match": {"at": {"$gte": {"$date": "2026-02-04T00:00:00+05:30"}}, "n": {"$numberDecimal": "0.10"}}}));
        let stage = stage.unwrap();
        let found = stage.get_document("$match").unwrap();
        let at = found.get_document("at").unwrap().get_datetime("$gte").unwrap();
        assert_eq!(at.timestamp_millis(), 1_770_143_400_000);
        assert_eq!(found.get("n"), Some(&Bson::Decimal128("0.10".parse().unwrap())));
    }

    #[test]
    fn stage_that_is_a_value_is_refused() {
        for value in [
            json!({"$oid": "65a1b2c3d4e5f60718293a4b"}),
            json!("x"),
            json!({"$match": {"a": {"$date": "never"}}}),
            json!({"$match": {"a": {"$oid": "65a1b2c3d4e5f60718293a4b", "b": 1}}}),
        ] {
            assert!(matches!(stage(&value), Err(FetchError::Refused(_))), "{value}");
        }
    }

    #[test]
    fn record_that_nests_too_deep_is_refused_before_it_is_read() {
        let nested = |levels: usize, list: bool| {
            let mut inner = RawDocumentBuf::new().into_bytes();
            let kind = if list { 4 } else { 3 };
            for _ in 1..levels {
                let length = i32::try_from(inner.len() + 8).unwrap();
                inner = [&length.to_le_bytes()[..], &[kind, b'0', 0], &inner, &[0]].concat();
            }
            RawDocumentBuf::from_bytes(inner).unwrap()
        };
        for list in [false, true] {
            assert!(record(&nested(MAX_NESTING - 1, list), BsonStyle::Plain).is_ok());
            let refused = record(&nested(2_000, list), BsonStyle::Plain);
            assert!(matches!(refused, Err(FetchError::Refused(_))));
        }
    }

    #[test]
    fn record_that_is_not_bson_is_an_error() {
        let mut bytes = RawDocumentBuf::try_from(&doc! { "a": "text" }).unwrap().into_bytes();
        // The text is no longer UTF-8.
        bytes[11] = 0xff;
        let document = RawDocumentBuf::from_bytes(bytes).unwrap();
        assert!(record(&document, BsonStyle::Extended).is_err());
    }
}
