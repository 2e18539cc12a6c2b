//! Scheduled rows.

use std::time::Duration;

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::EventRef;
use ig_core::id::{EventId, EventType, OrgId, Rid, ScheduledId, SourceId};
use ig_core::schedule::{Schedule, ScheduleMode, Zone};
use ig_core::scheduled::{ScheduledDelivery, ScheduledStatus, Series};
use ig_testkit::builders;
use serde_json::{Value, json};

/// The organisation of the rows.
pub(crate) const ORG: OrgId = OrgId(7);

/// A row for one delivery.
pub(crate) fn row(event: u64, at: Timestamp) -> ScheduledDelivery {
    let about = EventRef {
        source: SourceId::new("mysql"),
        id: EventId::new(event.to_string()),
        event_type: EventType::new("visit"),
        created_at: Some(at),
    };
    let integration = builders::integration_id(1);
    ScheduledDelivery {
        id: ScheduledDelivery::identity(&about, integration, None),
        org_id: ORG,
        entity_rid: Rid(7),
        integration,
        integration_name: "Reminders".to_owned(),
        event: about,
        position: event,
        happened_at: at,
        target: builders::target("https://a.example/hook"),
        payload: Bytes::from_static(b"{}"),
        scheduled_for: at,
        series: None,
        cancellation_keys: Vec::new(),
        status: ScheduledStatus::Pending,
        error: None,
        cancellation: None,
        trace_id: "trace".to_owned(),
        keep_for: Duration::from_hours(1),
        created_at: at,
        updated_at: at,
    }
}

/// The first row of a series with one occurrence a minute.
pub(crate) fn every_minute(event: u64, at: Timestamp, times: u32) -> ScheduledDelivery {
    series(event, at, &json!({"intervalMs": 60_000, "maxOccurrences": times}))
}

/// The first row of a series.
pub(crate) fn series(event: u64, at: Timestamp, config: &Value) -> ScheduledDelivery {
    let row = row(event, at);
    ScheduledDelivery {
        id: ScheduledDelivery::identity(&row.event, row.integration, Some(1)),
        series: Some(Series {
            number: 1,
            at,
            schedule: Schedule::read(ScheduleMode::Recurring, Some(config)).unwrap(),
            zone: Zone::default(),
        }),
        ..row
    }
}

/// The id of a row.
pub(crate) fn id_of(row: &ScheduledDelivery) -> ScheduledId {
    row.id
}
