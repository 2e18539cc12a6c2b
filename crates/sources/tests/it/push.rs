//! Pushed events as a source, and which sources are opened.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use ig_core::event::SourceRow;
use ig_core::id::Position;
use ig_core::ports::{EventSource as _, PushedEvents, SourceError, StartPosition, StoreError};
use ig_core::secret::Secret;
use ig_sources::{PushSource, SourceDependencies, SourcesConfig, open};
use ig_testkit::builders;

/// A queue with these rows, or one that fails.
pub(crate) struct Pushed(pub(crate) Result<Vec<SourceRow>, StoreError>);

#[async_trait]
impl PushedEvents for Pushed {
    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.0.clone()?.last().map_or(0, |row| row.position))
    }

    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, StoreError> {
        Ok(self
            .0
            .clone()?
            .into_iter()
            .filter(|row| row.position > after)
            .take(limit)
            .collect())
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, StoreError> {
        let within = |row: &SourceRow| ranges.iter().any(|range| range.contains(&row.position));
        Ok(self.0.clone()?.into_iter().filter(within).collect())
    }
}

#[tokio::test]
async fn push_source_reads_pushed_events_from_the_beginning() {
    let rows: Vec<_> = (1..=3).map(|position| builders::row(position, 7, "order")).collect();
    let source = PushSource::new(Pushed(Ok(rows.clone())));
    assert_eq!((source.id().as_str(), source.start()), ("push", StartPosition::Beginning));
    assert_eq!(source.head().await, Ok(3));
    assert_eq!(source.read_after(1, 1).await.unwrap(), rows[1..2]);
    assert_eq!(
        source.read_ranges(&[1..=1, 3..=9]).await.unwrap(),
        [rows[0].clone(), rows[2].clone()]
    );
}

#[tokio::test]
async fn push_source_maps_store_errors_to_source_errors() {
    let away = PushSource::new(Pushed(Err(StoreError::Unavailable("gone".into()))));
    assert_eq!(away.head().await, Err(SourceError::Unavailable("gone".into())));
    let refusing = PushSource::new(Pushed(Err(StoreError::Refused("no".into()))));
    assert_eq!(refusing.read_after(0, 1).await, Err(SourceError::Misconfigured("no".into())));
}

#[tokio::test]
async fn registry_opens_a_queue_table_only_with_a_url() {
    let names = |config: &SourcesConfig| {
        let sources = open(
            config,
            SourceDependencies {
                pushed: Pushed(Ok(Vec::new())),
            },
        )
        .unwrap();
        sources
            .iter()
            .map(|registered| registered.source.id().to_string())
            .collect::<Vec<_>>()
    };
    let mut config = SourcesConfig::default();
    assert_eq!(names(&config), ["push"]);
    config.mysql.url = Some(Secret::new("mysql://u@127.0.0.1/d"));
    assert_eq!(names(&config), ["push", "mysql"]);
}
