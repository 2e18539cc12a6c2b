//! Names of spans, attributes and metrics: OpenTelemetry's names, and ours under `ig.`.

/// Span: one event is decided about.
pub(crate) const SPAN_EVENT: &str = "ig.event";
/// Span: one delivery with all its attempts.
pub(crate) const SPAN_DELIVERY: &str = "ig.delivery";
/// Span: one payload is transformed.
pub(crate) const SPAN_TRANSFORM: &str = "ig.transform";
/// Span: one request and its response.
pub(crate) const SPAN_ATTEMPT: &str = "ig.attempt";
/// Attribute: the event's source.
pub(crate) const EVENT_SOURCE: &str = "ig.event.source";
/// Attribute: the event's position in its source.
pub(crate) const EVENT_POSITION: &str = "ig.event.position";
/// Attribute: the event's type.
pub(crate) const EVENT_TYPE: &str = "ig.event.type";
/// Attribute: the tenant.
pub(crate) const ORG_ID: &str = "ig.org.id";
/// Attribute: the integration.
pub(crate) const INTEGRATION_ID: &str = "ig.integration.id";
/// Attribute: the message.
pub(crate) const MESSAGE_ID: &str = "messaging.message.id";

/// Gauge, by source: visible rows that are not read yet.
pub(crate) const LAG_ROWS: &str = "ig_source_lag_rows";
/// Gauge, by source: age of the oldest event in flight.
pub(crate) const LAG_SECONDS: &str = "ig_source_lag_seconds";
/// Gauge, by source: by how many positions it has fallen behind its own head.
pub(crate) const POSITIONS_BEHIND: &str = "ig_source_behind_positions";
/// Histogram, by source: how long a read took.
pub(crate) const POLL_DURATION: &str = "ig_source_poll_duration_seconds";
/// Histogram, by source: rows per read.
pub(crate) const POLL_ROWS: &str = "ig_source_poll_rows";
/// Counter, by source: reads that failed.
pub(crate) const POLL_FAILURES: &str = "ig_source_poll_failures_total";
/// Counter, by source: positions that were watched to the end and never filled.
pub(crate) const GAPS_GIVEN_UP: &str = "ig_source_holes_given_up_total";
/// Counter, by source and decision: events that were decided about.
pub(crate) const EVENTS: &str = "ig_events_total";
/// Counter, by source: waiting events that were gone from their source when their lane reached them.
pub(crate) const EVENTS_GONE: &str = "ig_events_gone_total";
/// Counter, by `validation`: events whose payload violates the schema of their type.
pub(crate) const SCHEMA_VIOLATIONS: &str = "ig_event_schema_violations_total";
/// Counter, by status and error category: finished deliveries.
pub(crate) const DELIVERIES: &str = "ig_deliveries_total";
/// Histogram, by outcome: how long an attempt took.
pub(crate) const ATTEMPT_DURATION: &str = "http_client_request_duration_seconds";
/// Gauge: lanes that are not empty.
pub(crate) const LANES: &str = "ig_lanes_active";
/// Gauge: events in flight.
pub(crate) const IN_FLIGHT: &str = "ig_events_in_flight";
/// Gauge: deferred streams, whose backlogs are deep.
pub(crate) const DEFERRED_STREAMS: &str = "ig_streams_apart";
/// Gauge: partitions held.
pub(crate) const PARTITIONS: &str = "ig_partitions_held";
/// Gauge: bytes of waiting payloads in memory.
pub(crate) const PAYLOAD_BYTES: &str = "ig_payload_memory_bytes";
