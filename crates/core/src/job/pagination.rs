//! Reading how an API source is paginated.

use serde_json::Value;

use super::source::{NextPage, Pagination};
use crate::fault::Faults;
use crate::fields::Fields;

const MAX_PAGES: u32 = 1_000;
const DEFAULT_PAGES: u32 = 100;
const MAX_NAME_BYTES: usize = 200;

/// Reads `{type: LINK, field?}`, `{type: PAGE, parameter, first?}` or `{type: CURSOR, parameter, field}`, each with `records?` and
/// `maxPages?`, and reports every fault by place.
pub(super) fn read(document: &Value) -> Result<Pagination, Faults> {
    let object = document
        .as_object()
        .ok_or_else(|| Faults::single("", "must be an object that tells how the next page is found"))?;
    let mut fields = Fields::of(object);
    let kind = fields.text("type");
    let next = match kind {
        Some("LINK") => Some(NextPage::Link {
            field: name(&mut fields, "field"),
        }),
        Some("PAGE") => required(&mut fields, "parameter").map(|parameter| NextPage::Number {
            parameter,
            first: fields.number("first").unwrap_or(1),
        }),
        Some("CURSOR") => {
            let (parameter, field) = (required(&mut fields, "parameter"), required(&mut fields, "field"));
            parameter
                .zip(field)
                .map(|(parameter, field)| NextPage::Cursor { parameter, field })
        }
        _ => return Err(Faults::single("/type", "must be LINK, PAGE or CURSOR")),
    };
    let records = name(&mut fields, "records");
    let max_pages = fields.small_number("maxPages").unwrap_or(DEFAULT_PAGES);
    if !(1..=MAX_PAGES).contains(&max_pages) {
        fields.faults().add("/maxPages", format!("must be from 1 to {MAX_PAGES}"));
    }
    let faults = fields.into_faults(&format!("the type {}", kind.unwrap_or_default()));
    let Some(next) = next else {
        return Err(faults);
    };
    faults.into_result(Pagination {
        next,
        records,
        max_pages,
    })
}

fn required(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let found = name(fields, field);
    if found.is_none() {
        fields.faults().add(format!("/{field}"), "is required");
    }
    found
}

fn name(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let text = fields.text(field)?;
    if text.is_empty() || text.len() > MAX_NAME_BYTES {
        let message = format!("must be a name of at most {MAX_NAME_BYTES} bytes");
        fields.faults().add(format!("/{field}"), message);
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(document: &Value) -> Vec<String> {
        let faults = read(document).expect_err("faults");
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn pagination_is_by_link_page_or_cursor() {
        let link = read(&json!({"type": "LINK"})).unwrap();
        assert_eq!((link.next, link.max_pages), (NextPage::Link { field: None }, DEFAULT_PAGES));
        let page =
            read(&json!({"type": "PAGE", "parameter": "page", "first": 0, "records": "data.items", "maxPages": 5})).unwrap();
        assert_eq!(page.records.as_deref(), Some("data.items"));
        let parameter = "page".to_owned();
        assert_eq!((page.next, page.max_pages), (NextPage::Number { parameter, first: 0 }, 5));
        assert!(read(&json!({"type": "CURSOR", "parameter": "after", "field": "meta.next"})).is_ok());
    }

    #[test]
    fn pagination_faults_are_reported_by_place() {
        assert_eq!(places(&json!({})), ["/type"]);
        assert_eq!(places(&json!({"type": "PAGE"})), ["/parameter"]);
        assert_eq!(places(&json!({"type": "CURSOR"})), ["/parameter", "/field"]);
        assert_eq!(places(&json!({"type": "LINK", "maxPages": 0, "x": 1})), ["/maxPages", "/x"]);
        assert_eq!(places(&json!("next")), [""]);
    }
}
