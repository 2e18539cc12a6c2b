//! Sources on real servers.

mod config;
mod entities;
mod job_mongo;
mod job_sql;
mod late_commits;
mod misconfigured;
mod odd_rows;
mod outages;
mod push;
mod reading;
mod skip_scan;

use ig_core::event::{RowPayload, SourceRow};
use ig_core::id::Position;
use ig_core::secret::Secret;
use ig_sources::{MySqlConfig, MySqlSource, Start};
use ig_testkit::mysql::TestQueue;

/// Settings for a test's queue.
fn settings(queue: &TestQueue) -> MySqlConfig {
    MySqlConfig {
        url: Some(Secret::new(&queue.url)),
        start: Start::Beginning,
        ..MySqlConfig::default()
    }
}

fn open(config: &MySqlConfig) -> MySqlSource {
    MySqlSource::new(config).expect("the settings are right")
}

fn positions(rows: &[SourceRow]) -> Vec<Position> {
    rows.iter().map(|row| row.position).collect()
}

fn payload(row: &SourceRow) -> &[u8] {
    match &row.payload {
        RowPayload::Present(bytes) => bytes,
        other @ (RowPayload::Missing | RowPayload::TooLarge { .. }) => panic!("{other:?}"),
    }
}
