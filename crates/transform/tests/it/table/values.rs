//! Tables of transforms of single values.

use serde_json::{Value, json};

use super::{check, one, plain};

fn date(input: Option<&str>, output: Option<&str>, timezone: Option<&str>) -> Value {
    let format = json!({"input": input, "output": output, "timezone": timezone});
    one("d", "d", json!({"transform": "date", "format": format}))
}

#[test]
fn mapping_of_missing_and_null_values_with_defaults() {
    check(vec![
        (plain("v", "o"), json!({}), json!({})),
        (plain("v", "o"), json!({"v": null}), json!({"o": null})),
        (one("v", "o", json!({"defaultValue": "d"})), json!({}), json!({"o": "d"})),
        (
            one("v", "o", json!({"defaultValue": "d"})),
            json!({"v": null}),
            json!({"o": null}),
        ),
        (one("v", "o", json!({"defaultValue": null})), json!({}), json!({"o": null})),
        (
            one("v", "o", json!({"transform": "default", "defaultValue": "d"})),
            json!({"v": null}),
            json!({"o": "d"}),
        ),
        (
            one("v", "o", json!({"transform": "default", "defaultValue": "d"})),
            json!({"v": ""}),
            json!({"o": "d"}),
        ),
        (
            one("v", "o", json!({"transform": "default", "defaultValue": "d"})),
            json!({"v": 0}),
            json!({"o": 0}),
        ),
        (
            one("l[].v", "l[].o", json!({"defaultValue": 0})),
            json!({"l": [{"v": 1}, {}]}),
            json!({"l": [{"o": 1}, {"o": 0}]}),
        ),
        (plain("v", "o"), json!([{"v": 1}]), json!({})),
        (plain("v", "o"), json!("text"), json!({})),
    ]);
}

#[test]
fn transforms_of_texts_and_lookups() {
    let text = |name: &str| one("v", "v", json!({ "transform": name }));
    let lookup = |more: Value| {
        let mut rule = json!({"transform": "lookup", "lookupType": "DEPT"});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one("l[].d", "l[].d", rule)
    };
    check(vec![
        (text("trim"), json!({"v": "\t a b\u{a0}\n"}), json!({"v": "a b"})),
        (text("trim"), json!({"v": ["  "]}), json!({"v": ["  "]})),
        (text("upper"), json!({"v": "straße é"}), json!({"v": "STRASSE É"})),
        (text("lower"), json!({"v": "ÀÉ Ω"}), json!({"v": "àé ω"})),
        (text("upper"), json!({"v": null}), json!({"v": null})),
        (
            one("t[]", "t[]", json!({"transform": "upper"})),
            json!({"t": ["a", 1]}),
            json!({"t": ["A", 1]}),
        ),
        (
            lookup(json!({})),
            json!({"l": [{"d": "1"}, {"d": 2}, {"d": "3"}]}),
            json!({"l": [{"d": "CARD"}, {"d": "NEURO"}, {"d": "3"}]}),
        ),
        (
            lookup(json!({"defaultValue": "GEN"})),
            json!({"l": [{"d": "3"}, {}]}),
            json!({"l": [{"d": "GEN"}, {"d": "GEN"}]}),
        ),
    ]);
}

#[test]
fn transforms_of_dates() {
    let kolkata = Some("Asia/Kolkata");
    let row = |rule: Value, written: Value, expected: Value| (rule, json!({ "d": written }), json!({ "d": expected }));
    check(vec![
        row(
            date(None, None, None),
            json!("2026-02-04 14:00:00"),
            json!("2026-02-04T14:00:00Z"),
        ),
        row(
            date(None, None, kolkata),
            json!("2026-02-04 14:00:00"),
            json!("2026-02-04T08:30:00Z"),
        ),
        row(date(None, None, None), json!(1_770_213_600), json!("2026-02-04T14:00:00Z")),
        row(
            date(None, None, None),
            json!(1_770_213_600_000_i64),
            json!("2026-02-04T14:00:00Z"),
        ),
        row(
            date(Some("dayFirst"), Some("YYYY-MM-DD"), None),
            json!("04/02/2026 04:07 PM"),
            json!("2026-02-04"),
        ),
        row(
            date(Some("monthFirst"), Some("YYYY-MM-DD"), None),
            json!("04/02/2026 04:07 PM"),
            json!("2026-04-02"),
        ),
        row(
            date(Some("%d/%m/%Y %I:%M %p"), Some("%H:%M"), None),
            json!("04/02/2026 04:07 PM"),
            json!("16:07"),
        ),
        row(
            date(None, Some("DD.MM.YYYY HH:mm"), kolkata),
            json!("2026-02-04T14:00:00Z"),
            json!("04.02.2026 19:30"),
        ),
        row(
            date(None, Some("epochMillis"), kolkata),
            json!("4-Feb-2026"),
            json!(1_770_143_400_000_i64),
        ),
        row(
            date(None, Some("YYYY-MM-DDTHH:mm:ssZ"), Some("America/New_York")),
            json!("2026-03-08 02:30"),
            json!("2026-03-08T03:00:00-04:00"),
        ),
        row(
            date(None, Some("YYYY-MM-DDTHH:mm:ssZ"), Some("America/New_York")),
            json!("2026-11-01 01:30"),
            json!("2026-11-01T01:30:00-04:00"),
        ),
        row(date(None, None, None), json!(null), json!(null)),
        row(date(None, None, None), json!(""), json!("")),
    ]);
}
