//! The Prometheus recorder of this process.

use std::{thread, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Bucket bounds of durations in seconds: from a fast local call to an expired delivery deadline.
const DURATION_BUCKETS: [f64; 15] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Bucket bounds of sizes and counts.
const COUNT_BUCKETS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 10_000.0];
/// The recorder keeps raw samples until an upkeep run folds them into buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the recorder behind the `metrics` macros and starts its upkeep.
pub(super) fn install() -> Result<PrometheusHandle, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets(&COUNT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)?;
    let handle = builder.install_recorder()?;
    spawn_upkeep(handle.clone());
    Ok(handle)
}

fn spawn_upkeep(handle: PrometheusHandle) {
    let upkeep = thread::Builder::new().name("metrics-upkeep".to_owned());
    let started = upkeep.spawn(move || {
        loop {
            thread::park_timeout(UPKEEP_INTERVAL);
            handle.run_upkeep();
        }
    });
    if let Err(error) = started {
        tracing::warn!(%error, "metrics will not be kept small");
    }
}
