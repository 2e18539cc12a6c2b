//! Times and durations.

use std::time::Duration;

use chrono::DateTime;
use ig_core::clock::Timestamp;

use crate::invalid::{InvalidMessage, Within as _};

pub(crate) fn timestamp_to_wire(at: &Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: at.timestamp_subsec_nanos().cast_signed(),
    }
}

pub(crate) fn timestamp_from_wire(at: Option<prost_types::Timestamp>, field: &str) -> Result<Timestamp, InvalidMessage> {
    let at = at.ok_or_else(|| InvalidMessage::value("must be given")).within(field)?;
    let nanos = u32::try_from(at.nanos).ok();
    nanos
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .ok_or_else(|| InvalidMessage::value("must be a moment that the calendar knows"))
        .within(field)
}

/// A duration beyond the wire format's range (290 billion years) becomes the longest in it.
pub(crate) fn duration_to_wire(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: span.subsec_nanos().cast_signed(),
    }
}

pub(crate) fn duration_from_wire(span: Option<prost_types::Duration>, field: &str) -> Result<Duration, InvalidMessage> {
    let span = span.ok_or_else(|| InvalidMessage::value("must be given")).within(field)?;
    Duration::try_from(span)
        .map_err(|_| InvalidMessage::value("must not be negative"))
        .within(field)
}
