//! SIMPLE mappings per second on one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ig_core::event::Payload;
use ig_core::id::LookupType;
use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, StaticField, Transform};
use ig_core::lookup::{LookupKey, LookupSide, ResolvedLookups};
use ig_transform::CompiledSimple;
use serde_json::{Map, Value, json};

use crate::report::Report;
use crate::{RUNS, median};

const SIZES: [usize; 3] = [1_000, 20_000, 50_000];
const RUN: Duration = Duration::from_millis(400);

/// Thirteen rules, six of which map every line of an order: the rules alone, and with the parsing and writing of JSON.
pub(crate) fn simple(report: &mut Report) -> anyhow::Result<()> {
    let compiled = CompiledSimple::compile(&mapping()).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let resolved = rows();
    for size in SIZES {
        let payload = Payload::parse(order(size))?;
        let rules = per_second(|| {
            black_box((
                compiled.lookup_keys(&payload.json),
                compiled.shape(&payload.json, &resolved).is_ok(),
            ));
        });
        let whole = per_second(|| {
            if let Ok(payload) = Payload::parse(payload.raw.clone()) {
                black_box((
                    compiled.lookup_keys(&payload.json),
                    compiled.apply(&payload, &resolved).is_ok(),
                ));
            }
        });
        let bytes = payload.raw.len();
        report.add(format!("SIMPLE, {bytes} B in: parse, rules, write"), whole, "mappings/s", "");
        report.add("  rules alone", rules, "mappings/s", "");
    }
    Ok(())
}

fn per_second(mut once: impl FnMut()) -> f64 {
    median((0..RUNS).map(|_| rate(&mut once)).collect())
}

fn rate(once: &mut impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut times = 0_u32;
    while begun.elapsed() < RUN {
        once();
        times += 1;
    }
    f64::from(times) / begun.elapsed().as_secs_f64()
}

/// A lab order of about the given size.
fn order(size: usize) -> Bytes {
    let line = |n: usize| {
        json!({
            "code": format!(" lab-{n:04} "), "name": "Haemoglobin A1c", "department": (n % 8).to_string(),
            "collectedAt": "04/02/2026 04:07 PM", "quantity": n % 3, "notes": null,
        })
    };
    let mut lines: Vec<Value> = Vec::new();
    loop {
        let order = json!({
            "orderId": 4711, "orderedAt": "2026-02-04 14:00:00", "status": "pending",
            "patient": {"id": "P-1", "name": {"first": "Ana", "last": "Maria"}, "phone": " 080 5551234 "},
            "lines": lines,
        });
        let text = order.to_string();
        if text.len() >= size {
            return Bytes::from(text);
        }
        lines.push(line(lines.len()));
    }
}

fn mapping() -> SimpleMapping {
    let field = |source: &str, target: &str, transform: Option<Transform>| FieldMapping {
        source: source.to_owned(),
        target: target.to_owned(),
        transform,
        default: None,
    };
    let date = |input: &str| {
        Some(Transform::Date(DateFormat {
            input: Some(input.to_owned()),
            output: None,
            timezone: Some("Asia/Kolkata".to_owned()),
        }))
    };
    let department = Transform::Lookup(LookupType::new("DEPARTMENT"));
    SimpleMapping {
        passthrough: false,
        fields: vec![
            field("orderId", "id", None),
            field("orderedAt", "placed", date("YYYY-MM-DD HH:mm:ss")),
            field("status", "state", Some(Transform::Upper)),
            field("patient.id", "customer.reference", None),
            field("patient.name.first", "customer.firstName", Some(Transform::Trim)),
            field("patient.name.last", "customer.lastName", Some(Transform::Trim)),
            field("patient.phone", "customer.phone", Some(Transform::Trim)),
            field("lines[].code", "items[].sku", Some(Transform::Trim)),
            field("lines[].name", "items[].title", None),
            field("lines[].department", "items[].unit", Some(department)),
            field("lines[].collectedAt", "items[].collected", date("dayFirst")),
            field("lines[].quantity", "items[].count", None),
        ],
        statics: vec![StaticField {
            key: "source".to_owned(),
            value: json!("gateway"),
        }],
    }
}

fn rows() -> ResolvedLookups {
    let row = |n: usize| {
        let (lookup_type, source_id) = (LookupType::new("DEPARTMENT"), n.to_string());
        let (id, fields) = (format!("DEP{n}"), Map::new());
        (LookupKey { lookup_type, source_id }, LookupSide { id, fields }.into())
    };
    (0..8).map(row).collect()
}
