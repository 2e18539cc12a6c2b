//! Leases, live workers and sources as stored.

use std::collections::BTreeMap;

use ig_core::generation::Generations;
use ig_core::id::{Position, SourceId};
use ig_core::lease::{Lease, SourceMarks, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::StoreError;
use ig_core::rewind::{Rewind, Rewinds};
use mongodb::bson;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{date, long, timestamp, unsigned};

/// A partition's lease.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeaseDocument {
    #[serde(rename = "_id")]
    partition: i32,
    owner: Option<String>,
    epoch: i64,
    expires_at: bson::DateTime,
    checkpoints: BTreeMap<String, i64>,
}

impl LeaseDocument {
    /// A partition that no worker has ever held.
    pub(crate) fn unclaimed(partition: PartitionId) -> Self {
        Self {
            partition: i32::from(partition.number()),
            owner: None,
            epoch: 0,
            expires_at: bson::DateTime::from_millis(0),
            checkpoints: BTreeMap::new(),
        }
    }
}

impl TryFrom<LeaseDocument> for Lease {
    type Error = StoreError;

    fn try_from(document: LeaseDocument) -> Result<Self, StoreError> {
        let checkpoints = document.checkpoints.into_iter();
        Ok(Self {
            partition: partition(document.partition)?,
            owner: document.owner.map(WorkerId),
            epoch: unsigned(document.epoch),
            expires_at: timestamp(document.expires_at),
            checkpoints: checkpoints
                .map(|(field, position)| (source(&field), unsigned(position)))
                .collect(),
        })
    }
}

/// The owner of a partition.
#[derive(Debug, Deserialize)]
pub(super) struct OwnedDocument {
    #[serde(rename = "_id")]
    partition: i32,
    pub(super) owner: Option<String>,
    pub(super) epoch: i64,
}

impl OwnedDocument {
    pub(super) fn partition(&self) -> Result<PartitionId, StoreError> {
        partition(self.partition)
    }
}

/// A live worker.
#[derive(Debug, Deserialize)]
pub(super) struct MemberDocument {
    #[serde(rename = "_id")]
    pub(super) id: String,
}

/// The start of a source, and the highest position seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceDocument {
    #[serde(rename = "_id")]
    id: String,
    position: i64,
    #[serde(default)]
    seen: i64,
    /// The last positions of its earlier tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    begun_anew: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rewinds: Vec<RewindDocument>,
}

/// The positions that a source had reached when it was rewound.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RewindDocument {
    at: bson::DateTime,
    table: i64,
    done: Vec<i64>,
    read: i64,
}

impl From<&Rewind> for RewindDocument {
    fn from(rewind: &Rewind) -> Self {
        let Rewind {
            at,
            generation,
            checkpoints,
            highest_read,
        } = rewind;
        Self {
            at: date(*at),
            table: long(*generation as u64),
            done: checkpoints.iter().copied().map(long).collect(),
            read: long(*highest_read),
        }
    }
}

impl RewindDocument {
    fn read(&self) -> Rewind {
        Rewind {
            at: timestamp(self.at),
            generation: usize::try_from(self.table).unwrap_or(usize::MAX),
            checkpoints: self.done.iter().copied().map(unsigned).collect(),
            highest_read: unsigned(self.read),
        }
    }
}

impl SourceDocument {
    pub(super) fn begin(source: &SourceId, position: Position) -> Self {
        Self {
            id: source_id(source),
            position: long(position),
            seen: 0,
            begun_anew: Vec::new(),
            rewinds: Vec::new(),
        }
    }

    pub(super) fn marks(&self) -> SourceMarks {
        SourceMarks {
            first: unsigned(self.position),
            highest_read: unsigned(self.seen),
            generations: Generations::new(self.begun_anew.iter().copied().map(unsigned).collect()),
            rewinds: Rewinds::new(self.rewinds.iter().map(RewindDocument::read).collect()),
        }
    }
}

/// The `_id` of a source's document.
pub(super) fn source_id(source: &SourceId) -> String {
    format!("source:{source}")
}

fn partition(number: i32) -> Result<PartitionId, StoreError> {
    let number = u8::try_from(number).ok().and_then(PartitionId::new);
    number.ok_or_else(|| unreadable("partition"))
}

/// A source's name as a field name, which must contain neither a dot nor a dollar sign.
pub(super) fn field(source: &SourceId) -> String {
    source.as_str().replace('%', "%25").replace('.', "%2e").replace('$', "%24")
}

fn source(field: &str) -> SourceId {
    SourceId::new(field.replace("%24", "$").replace("%2e", ".").replace("%25", "%"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn source_name_survives_its_field_name(name in "[a-z.$%0-9]{1,12}") {
            let written = field(&SourceId::new(&name));
            prop_assert!(!written.contains(['.', '$']), "{written}");
            prop_assert_eq!(source(&written), SourceId::new(&name));
        }
    }
}
