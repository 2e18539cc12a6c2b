//! The events of the last minutes, for detecting duplicates after a restart.
//!
//! One document holds all events of one write, packed: a document for each event would cost as much as the delivery itself.

use std::collections::HashMap;

use ig_core::clock::Timestamp;
use ig_core::dedup::{DedupKey, RETENTION, SeenEvent};
use ig_core::id::SourceId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Binary, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::database::Database;
use crate::error::unreadable;
use crate::field::{binary, date};
use crate::names::PROCESSED_EVENTS;

/// How long chunks are kept.
pub(crate) const RETENTION_SECONDS: u64 = RETENTION.as_secs();

/// Key, index of the source in the list, position, milliseconds since 1970.
const EVENT_LEN: usize = 16 + 2 + 8 + 8;

/// Far fewer events than fit into a document.
const EVENTS_PER_CHUNK: usize = 100_000;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeenChunk {
    #[serde(rename = "_id")]
    id: ObjectId,
    /// When the latest of them was seen.
    at: bson::DateTime,
    sources: Vec<String>,
    events: Binary,
    /// When each of them happened, in milliseconds since 1970; absent in chunks from before the two times were distinguished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    happened: Option<Binary>,
}

impl SeenChunk {
    /// Packs events; the same events make the same chunks.
    pub(crate) fn pack(events: &[&SeenEvent]) -> Vec<Self> {
        events.chunks(EVENTS_PER_CHUNK).filter_map(Self::of).collect()
    }

    fn of(events: &[&SeenEvent]) -> Option<Self> {
        let latest = events.iter().map(|event| event.at).max()?;
        let (sources, places) = sources_of(events);
        let mut packed = Vec::with_capacity(events.len() * EVENT_LEN);
        let mut happened = Vec::with_capacity(events.len() * 8);
        for event in events {
            let SeenEvent {
                key,
                source,
                position,
                at,
                happened_at,
            } = event;
            happened.extend(happened_at.timestamp_millis().to_be_bytes());
            packed.extend(key.0);
            packed.extend(places[source].to_be_bytes());
            packed.extend(position.to_be_bytes());
            packed.extend(at.timestamp_millis().to_be_bytes());
        }
        Some(Self {
            id: id(latest, &packed),
            at: date(latest),
            sources,
            events: binary(packed),
            happened: Some(binary(happened)),
        })
    }

    fn unpack(&self) -> Result<Vec<SeenEvent>, StoreError> {
        let (events, rest) = self.events.bytes.as_chunks::<EVENT_LEN>();
        let (happened, _) = self
            .happened
            .as_ref()
            .map_or(&[][..], |happened| &happened.bytes[..])
            .as_chunks::<8>();
        let unpacked = events
            .iter()
            .enumerate()
            .map(|(at, event)| self.event(event, happened.get(at)));
        let unpacked = unpacked.collect::<Option<Vec<_>>>();
        unpacked.filter(|_| rest.is_empty()).ok_or_else(|| unreadable("events"))
    }

    fn event(&self, packed: &[u8; EVENT_LEN], happened: Option<&[u8; 8]>) -> Option<SeenEvent> {
        let (key, rest) = packed.split_first_chunk()?;
        let (place, rest) = rest.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (millis, _) = rest.split_first_chunk()?;
        let moment = |millis: &[u8; 8]| chrono::DateTime::from_timestamp_millis(i64::from_be_bytes(*millis));
        Some(SeenEvent {
            key: DedupKey(*key),
            source: SourceId::new(self.sources.get(usize::from(u16::from_be_bytes(*place)))?),
            position: u64::from_be_bytes(*position),
            at: moment(millis)?,
            happened_at: moment(happened.unwrap_or(millis))?,
        })
    }
}

fn sources_of(events: &[&SeenEvent]) -> (Vec<String>, HashMap<SourceId, u16>) {
    let (mut names, mut places) = (Vec::new(), HashMap::new());
    for event in events {
        if !places.contains_key(&event.source) {
            places.insert(event.source.clone(), u16::try_from(names.len()).unwrap_or(u16::MAX));
            names.push(event.source.to_string());
        }
    }
    (names, places)
}

fn id(latest: Timestamp, packed: &[u8]) -> ObjectId {
    let second = u32::try_from(latest.timestamp()).unwrap_or(u32::MAX);
    let mut id = [0; 12];
    id[..4].copy_from_slice(&second.to_be_bytes());
    id[4..].copy_from_slice(&Sha256::digest(packed)[..8]);
    ObjectId::from_bytes(id)
}

/// The events seen since a time.
pub(crate) async fn seen_since(database: &Database, since: Timestamp) -> Result<Vec<SeenEvent>, StoreError> {
    let chunks = database.collection::<SeenChunk>(PROCESSED_EVENTS);
    let chunks = database.all(chunks.find(doc! { "at": { "$gte": date(since) } })).await?;
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(chunk.unpack()?.into_iter().filter(|event| event.at >= since));
    }
    events.sort_by_key(|event| event.at);
    Ok(events)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn seen() -> impl Strategy<Value = SeenEvent> {
        let parts = (any::<[u8; 16]>(), "[a-z]{1,5}", any::<u64>(), 0i64..4_000_000_000_000);
        parts.prop_map(|(key, source, position, at)| SeenEvent {
            key: DedupKey(key),
            source: SourceId::new(source),
            position,
            at: chrono::Utc.timestamp_millis_opt(at).unwrap(),
            happened_at: chrono::Utc.timestamp_millis_opt(at / 2).unwrap(),
        })
    }

    proptest! {
        #[test]
        fn seen_events_survive_packing(events in proptest::collection::vec(seen(), 0..50)) {
            let borrowed: Vec<_> = events.iter().collect();
            let chunks = SeenChunk::pack(&borrowed);
            let unpacked: Vec<_> = chunks.iter().flat_map(|chunk| chunk.unpack().unwrap()).collect();
            prop_assert_eq!(unpacked, events);
        }
    }

    #[test]
    fn seen_chunk_that_is_truncated_is_refused() {
        let event = SeenEvent {
            key: DedupKey([1; 16]),
            source: SourceId::new("mysql"),
            position: 7,
            at: chrono::Utc.timestamp_opt(1, 0).unwrap(),
            happened_at: chrono::Utc.timestamp_opt(1, 0).unwrap(),
        };
        let mut chunk = SeenChunk::pack(&[&event]).remove(0);
        chunk.events.bytes.pop();
        assert!(chunk.unpack().is_err());
    }
}
