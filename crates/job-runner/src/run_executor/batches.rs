//! Splits what a run delivers into batches.

use bytes::Bytes;
use ig_core::job::BatchSize;
use serde_json::value::RawValue;

/// The most bytes of one delivery; the rest of an order's message is small.
const MAX_BATCH_BYTES: usize = ig_proto::MAX_COMMAND_BYTES - 64 * 1024;
/// The most deliveries of one run.
const MAX_BATCHES: usize = 10_000;

/// The bodies to send, in order. An array is cut where the job says so; everything else is one delivery. Its bytes stay as they
/// are, so that no number changes.
pub(super) fn split(output: Option<Bytes>, size: Option<BatchSize>) -> Result<Vec<Bytes>, String> {
    let Some(output) = output else {
        return Ok(Vec::new());
    };
    let records = size.map(|size| (size.get() as usize, serde_json::from_slice::<Vec<&RawValue>>(&output)));
    let batches = match records {
        Some((size, Ok(records))) => records.chunks(size).map(joined).collect(),
        Some((_, Err(_))) | None => vec![output],
    };
    check(batches)
}

fn joined(records: &[&RawValue]) -> Bytes {
    let records: Vec<_> = records.iter().map(|record| record.get()).collect();
    Bytes::from(format!("[{}]", records.join(",")))
}

fn check(batches: Vec<Bytes>) -> Result<Vec<Bytes>, String> {
    if batches.len() > MAX_BATCHES {
        return Err(format!(
            "The data makes {} deliveries, and a run makes at most {MAX_BATCHES}: raise `batch.size`.",
            batches.len()
        ));
    }
    match batches.iter().map(Bytes::len).max() {
        Some(largest) if largest > MAX_BATCH_BYTES => Err(format!(
            "A delivery would have {largest} bytes, and may have {MAX_BATCH_BYTES}: send fewer records in each, with `batch.size`."
        )),
        _ => Ok(batches),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_text(output: &str, size: Option<u32>) -> Vec<String> {
        let size = size.map(|size| BatchSize::new(size).unwrap());
        let batches = split(Some(Bytes::copy_from_slice(output.as_bytes())), size).unwrap();
        batches
            .iter()
            .map(|batch| String::from_utf8_lossy(batch).into_owned())
            .collect()
    }

    #[test]
    fn batches_cut_an_array_in_order_and_keep_its_digits() {
        let output = r#"[{"id":1.10}, {"id":123456789012345678901234567890},3]"#;
        assert_eq!(
            split_text(output, Some(2)),
            [r#"[{"id":1.10},{"id":123456789012345678901234567890}]"#, "[3]"]
        );
        assert_eq!(split_text(output, None), [output]);
        assert_eq!(split_text(r#"{"a":[1,2]}"#, Some(1)), [r#"{"a":[1,2]}"#]);
    }

    #[test]
    fn batches_of_nothing_are_none() {
        assert_eq!(split(None, None), Ok(Vec::new()));
        assert!(split_text("[]", Some(5)).is_empty());
        assert_eq!(split_text("[]", None), ["[]"]);
    }

    #[test]
    fn batches_that_are_too_large_or_too_many_are_refused() {
        let large = format!("[\"{}\"]", "x".repeat(MAX_BATCH_BYTES));
        assert!(split(Some(large.into()), None).unwrap_err().contains("batch.size"));
        let many = format!("[{}0]", "0,".repeat(MAX_BATCHES));
        assert!(
            split(Some(many.into()), Some(BatchSize::new(1).unwrap()))
                .unwrap_err()
                .contains("deliveries")
        );
    }
}
