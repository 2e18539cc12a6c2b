//! Streams: the events of one organisation and one type. Order is kept within a stream, and a backlog is recognised by stream.

use crate::event::SourceRow;
use crate::id::{EventType, OrgId};
use crate::partition::PartitionId;

/// The events of one organisation and one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    org: Option<OrgId>,
    event_type: EventType,
    partition: PartitionId,
}

impl Stream {
    /// The stream of rows with this text as their type, trimmed, and this organisation: the one that they name, known or not,
    /// or else the one of their entity.
    pub fn new(org: Option<OrgId>, event_type: &str) -> Self {
        let event_type = EventType::new(event_type.trim());
        Self {
            partition: PartitionId::of(org, &event_type),
            org,
            event_type,
        }
    }

    /// The partition of the stream.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Whether it may be deferred: it has an organisation and a type.
    pub fn is_deferrable(&self) -> bool {
        self.org.is_some() && !self.event_type.as_str().is_empty()
    }
}

/// What rows of one stream have in common exactly, so that a source can recognise them by comparing text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKind {
    /// The organisation that the row names.
    pub parent_rid: i64,
    /// The type, exactly as the source holds it.
    pub event_type: String,
}

impl RowKind {
    /// The kind of a row; `None` for a row that names no organisation, or whose type could not be read losslessly.
    pub fn of(row: &SourceRow) -> Option<Self> {
        let event_type = row.event_type.as_deref()?;
        let is_exact = !event_type.contains(char::REPLACEMENT_CHARACTER);
        (is_exact && !event_type.trim().is_empty()).then_some(Self {
            parent_rid: row.parent_rid?,
            event_type: event_type.to_owned(),
        })
    }

    /// The stream of all rows of this kind.
    pub fn stream(&self) -> Stream {
        Stream::new(Some(OrgId(self.parent_rid)), &self.event_type)
    }
}
