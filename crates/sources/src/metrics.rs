//! Metrics of the sources: names as Prometheus writes them, OpenTelemetry's where it has one.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use metrics::{counter, gauge};
use mysql_async::Pool;

/// Gauge: connections to a source's database, by [`LABEL_POOL`] and [`LABEL_STATE`].
pub const CONNECTIONS: &str = "db_client_connection_count";
/// Counter: statements without a connection or an answer in time, by [`LABEL_POOL`].
pub const TIMEOUTS: &str = "db_client_connection_timeouts_total";
/// Counter: pools replaced after an error that breaks connections, by [`LABEL_POOL`].
pub const POOLS_REPLACED: &str = "ig_source_pools_replaced_total";
/// Counter: payloads not read because of their size, by [`LABEL_SOURCE`].
pub const PAYLOADS_TOO_LARGE: &str = "ig_source_payloads_too_large_total";

/// Label: the source that a pool belongs to.
pub const LABEL_POOL: &str = "db_client_connection_pool_name";
/// Label: `idle` or `used`.
pub const LABEL_STATE: &str = "db_client_connection_state";
/// Label: a source's name.
pub const LABEL_SOURCE: &str = "source";

/// How many connections a pool has.
pub(crate) fn set_connections(name: &'static str, pool: &Pool) {
    let pool = pool.metrics();
    gauge!(CONNECTIONS, LABEL_POOL => name, LABEL_STATE => "used").set(to_float(&pool.connections_in_use));
    gauge!(CONNECTIONS, LABEL_POOL => name, LABEL_STATE => "idle").set(to_float(&pool.connections_in_pool));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn to_float(gauge: &AtomicUsize) -> f64 {
    gauge.load(Relaxed) as f64
}

/// Counts a connection or an answer that did not come in time.
pub(crate) fn count_timeout(name: &'static str) {
    counter!(TIMEOUTS, LABEL_POOL => name).increment(1);
}

/// Counts a replaced pool.
pub(crate) fn count_replaced_pool(name: &'static str) {
    counter!(POOLS_REPLACED, LABEL_POOL => name).increment(1);
}

/// Counts a payload that was not read.
pub(crate) fn count_too_large_payload(source: &'static str) {
    counter!(PAYLOADS_TOO_LARGE, LABEL_SOURCE => source).increment(1);
}
