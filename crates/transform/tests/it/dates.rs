//! Mappings, scripts and schedules read the same dates in the same way.

use chrono::{DateTime, Utc};
use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, Transform};
use ig_core::lookup::ResolvedLookups;
use ig_core::schedule::{Delay, DelayForm, Due, Zone};
use ig_transform::CompiledMapping;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::mapping::field;
use super::script::rig::{Rig, output};

type ReadDate = Option<DateTime<Utc>>;

/// Each value as a `date` rule reads it.
fn by_mapping(values: &[Value], zone: &str) -> Vec<ReadDate> {
    let format = DateFormat {
        timezone: Some(zone.to_owned()),
        ..DateFormat::default()
    };
    let rule = FieldMapping {
        transform: Some(Transform::Date(format)),
        ..field("at", "at")
    };
    let fields = vec![rule];
    let mapping = CompiledMapping::compile(&SimpleMapping {
        fields,
        ..SimpleMapping::default()
    });
    let mapping = mapping.unwrap();
    let read = |value: &Value| {
        let mapped = mapping.apply(&json!({ "at": value }), &ResolvedLookups::new()).ok()?;
        mapped["at"].as_str()?.parse().ok()
    };
    values.iter().map(read).collect()
}

/// Each value as the due time of a delayed delivery.
fn by_schedule(values: &[Value], zone: &str) -> Vec<ReadDate> {
    let form = DelayForm {
        at: Some("at"),
        timezone: Some(zone),
        ..DelayForm::default()
    };
    let delay = Delay::new(form).unwrap();
    let read = |value: &Value| match delay.due(&json!({ "at": value }), DateTime::UNIX_EPOCH, Zone::default()) {
        Ok(Due::At(at)) => Some(at),
        _ => None,
    };
    values.iter().map(read).collect()
}

/// Each value as `parseDate` reads it.
async fn by_script(rig: &Rig, values: &[Value], zone: &str) -> Vec<ReadDate> {
    let source = "return payload.values.map((v) => { try { return parseDate(v, null, payload.zone) } catch { return null } })";
    let outcome = rig.run(source, &json!({"values": values, "zone": zone})).await.unwrap();
    let read = output(&outcome);
    let read = read.as_array().unwrap();
    read.iter().map(|at| at.as_str().and_then(|at| at.parse().ok())).collect()
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "(19|20)[0-9]{2}-0[1-9]-[0-2][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[0-9]:?30| GMT)?",
        "[0-3]?[0-9][-/ ](Jan|feb|March|[01]?[0-9])[-/ ](19|20)?[0-9]{2}( [0-9]{1,2}:[0-9]{2})?[ \u{202f}]?(AM|pm)?",
        "(19|20)[0-9]{2}[01][0-9][0-3][0-9](T?[0-2][0-9][0-5][0-9]([0-5][0-9])?)?",
        "-?[0-9]{1,15}([.][0-9]{1,3})?",
        "2026-03-29 0[23]:[0-5]0",
    ];
    prop_oneof![
        text.prop_map(Value::from),
        (0_i64..30_000_000_000_000).prop_map(Value::from),
        prop_oneof![
            Just(20_260_204_i64),
            Just(20_260_204_140_000),
            Just(1957),
            Just(202_602),
            Just(-86_400)
        ]
        .prop_map(Value::from),
        (0..2_000_000_000_i64).prop_map(|millis| Value::from(millis as f64 / 1000.0)),
    ]
}

#[tokio::test]
async fn date_readers_agree_on_forms_that_they_once_read_differently() {
    let values = [
        json!("20260204140000"),
        json!(20_260_204),
        json!(20_260_204_140_000_i64),
        json!("1957"),
        json!(1957),
        json!("4-Feb-2026 4:07\u{202f}PM"),
        json!("04/02/2026"),
        json!("2026-03-29 02:30"),
    ];
    let rig = Rig::new();
    let zone = "Europe/Berlin";
    let read = by_mapping(&values, zone);
    let expected = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
    assert_eq!(
        read,
        [
            expected("2026-02-04T13:00:00Z"),
            expected("2026-02-03T23:00:00Z"),
            expected("2026-02-04T13:00:00Z"),
            None,
            None,
            expected("2026-02-04T15:07:00Z"),
            None,
            expected("2026-03-29T01:00:00Z"),
        ]
    );
    assert_eq!(by_schedule(&values, zone), read);
    assert_eq!(by_script(&rig, &values, zone).await, read);
}

#[test]
fn date_readers_agree_on_any_value() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let rig = runtime.block_on(async { Rig::new() });
    let settings = ProptestConfig {
        cases: 32,
        ..ProptestConfig::default()
    };
    proptest!(settings, |(values in prop::collection::vec(value(), 50), zone in prop_oneof![Just("UTC"), Just("Asia/Kolkata"), Just("Europe/Berlin")])| {
        let by_mapping = by_mapping(&values, zone);
        prop_assert_eq!(&by_schedule(&values, zone), &by_mapping);
        // A JavaScript Date has milliseconds.
        let by_script = runtime.block_on(by_script(&rig, &values, zone));
        prop_assert_eq!(&by_script, &by_mapping, "{:?}", values);
    });
}
