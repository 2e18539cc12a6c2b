//! Names of spans, attributes and metrics: OpenTelemetry's where it has one, ours under `ig.`.

/// Span: an event is taken up and matched.
pub const SPAN_EVENT: &str = "ig.event";
/// Span: one delivery with all its attempts.
pub const SPAN_DELIVERY: &str = "ig.delivery";
/// Span: the payload is given its shape.
pub const SPAN_TRANSFORM: &str = "ig.transform";
/// Span: one request and its answer.
pub const SPAN_ATTEMPT: &str = "ig.attempt";
/// Attribute: the event's source.
pub const EVENT_SOURCE: &str = "ig.event.source";
/// Attribute: the event's place in its source.
pub const EVENT_POSITION: &str = "ig.event.position";
/// Attribute: the event's type.
pub const EVENT_TYPE: &str = "ig.event.type";
/// Attribute: the tenant.
pub const ORG_ID: &str = "ig.org.id";
/// Attribute: the integration.
pub const INTEGRATION_ID: &str = "ig.integration.id";
/// Attribute: the message.
pub const MESSAGE_ID: &str = "messaging.message.id";

/// Gauge, by source: rows that are visible and not read yet.
pub const LAG_ROWS: &str = "ig_source_lag_rows";
/// Gauge, by source: age of the oldest event that is under way.
pub const LAG_SECONDS: &str = "ig_source_lag_seconds";
/// Histogram, by source: how long a read took.
pub const POLL_DURATION: &str = "ig_source_poll_duration_seconds";
/// Histogram, by source: rows a read.
pub const POLL_ROWS: &str = "ig_source_poll_rows";
/// Counter, by source: reads that failed.
pub const POLL_FAILURES: &str = "ig_source_poll_failures_total";
/// Counter, by source: positions that were watched to the end and never turned up.
pub const HOLES_GIVEN_UP: &str = "ig_source_holes_given_up_total";
/// Counter, by source and decision: events that were decided about.
pub const EVENTS: &str = "ig_events_total";
/// Counter, by status and error category: deliveries that ended.
pub const DELIVERIES: &str = "ig_deliveries_total";
/// Histogram, by outcome: how long an attempt took.
pub const ATTEMPT_DURATION: &str = "http_client_request_duration_seconds";
/// Gauge: lanes with something to do.
pub const LANES: &str = "ig_lanes_active";
/// Gauge: events under way.
pub const IN_FLIGHT: &str = "ig_events_in_flight";
/// Gauge: partitions held.
pub const PARTITIONS: &str = "ig_partitions_held";
/// Gauge: bytes of waiting payloads in memory.
pub const PAYLOAD_BYTES: &str = "ig_payload_memory_bytes";
/// Histogram: entries a group that was written.
pub const JOURNAL_ENTRIES: &str = "ig_journal_group_entries";
/// Histogram: how long a group took to be durable.
pub const JOURNAL_DURATION: &str = "ig_journal_write_duration_seconds";
/// Counter: groups that could not be written at once.
pub const JOURNAL_FAILURES: &str = "ig_journal_failures_total";
