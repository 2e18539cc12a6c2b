//! Events that clients push through the API, as a source.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use ig_core::event::SourceRow;
use ig_core::id::{OrgId, Position, Rid, SourceId};
use ig_core::ports::{EventSource, PushedEvents, SourceError, StartPosition, StoreError};

/// The source's name, part of the id of each of its messages.
pub const NAME: &str = "push";

/// The pushed events of a store as an event source.
#[derive(Debug)]
pub struct PushSource<P> {
    id: SourceId,
    events: P,
}

impl<P: PushedEvents> PushSource<P> {
    /// A source of the events in `events`.
    pub fn new(events: P) -> Self {
        Self {
            id: SourceId::new(NAME),
            events,
        }
    }
}

#[async_trait]
impl<P: PushedEvents> EventSource for PushSource<P> {
    fn id(&self) -> &SourceId {
        &self.id
    }

    /// Events accepted before the first worker started are delivered too.
    fn start(&self) -> StartPosition {
        StartPosition::Beginning
    }

    async fn head(&self) -> Result<Position, SourceError> {
        self.events.head().await.map_err(as_source_error)
    }

    async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<SourceRow>, SourceError> {
        self.events.read_after(after, limit).await.map_err(as_source_error)
    }

    async fn read_ranges(&self, ranges: &[RangeInclusive<Position>]) -> Result<Vec<SourceRow>, SourceError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        self.events.read_ranges(ranges).await.map_err(as_source_error)
    }

    /// A push names its organisation, so there is nothing to look up.
    async fn parent_of(&self, _entity: Rid) -> Result<Option<OrgId>, SourceError> {
        Ok(None)
    }
}

fn as_source_error(error: StoreError) -> SourceError {
    match error {
        StoreError::Unavailable(message) => SourceError::Unavailable(message),
        StoreError::Refused(message) => SourceError::Misconfigured(message),
    }
}
