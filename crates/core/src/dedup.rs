//! Event deduplication: tells a repeated event from a changed one.
//!
//! An event repeats another when type, payload id, entity **and payload** are equal within the window. A changed payload is
//! never a repeat. The window is measured in the events' own time, so the delay of a backlog makes nothing a repeat and nothing
//! a new event.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::event::Event;
use crate::id::{Position, SourceId};

/// The longest distance, in the events' own time, at which one event repeats another.
pub const WINDOW: Duration = Duration::from_mins(5);
/// How long a seen event is remembered: a repeat may be read later than it happened.
pub const RETENTION: Duration = Duration::from_mins(10);

/// The deduplication key, which an event shares with its repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey(pub [u8; 16]);

impl DedupKey {
    /// The key of an event whose payload has an `id` that is a text or a number.
    pub fn of(event: &Event) -> Option<Self> {
        let id = event.payload.json.get("id").filter(|id| id.is_string() || id.is_number())?;
        let mut hash = Sha256::new();
        hash.update(event.org_id.0.to_be_bytes());
        hash.update(event.entity_rid.0.to_be_bytes());
        for part in [
            event.event_type.as_str().as_bytes(),
            id.to_string().as_bytes(),
            &event.payload.raw,
        ] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Some(Self(key))
    }
}

/// An event that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEvent {
    /// Its deduplication key.
    pub key: DedupKey,
    /// The source it came from.
    pub source: SourceId,
    /// Its position in that source.
    pub position: Position,
    /// When it was seen.
    pub at: Timestamp,
    /// When it happened.
    pub happened_at: Timestamp,
}

/// The events seen within [`RETENTION`], up to a capacity.
#[derive(Debug)]
pub struct DedupWindow {
    capacity: usize,
    seen: HashMap<DedupKey, SeenEvent>,
    order: VecDeque<(Timestamp, DedupKey)>,
}

impl DedupWindow {
    /// A window that remembers at most `capacity` events.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            seen: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Records an event and returns whether it repeats another one; reading the same row again is no repeat.
    pub fn is_repeat(&mut self, event: SeenEvent) -> bool {
        self.forget_before(event.at - RETENTION);
        match self.seen.get(&event.key) {
            Some(first) if first.source == event.source && first.position == event.position => false,
            Some(first) if is_within(first.happened_at, event.happened_at) => true,
            // The next event is compared with the latest.
            Some(_) | None => {
                self.remember(event);
                false
            }
        }
    }

    /// Restores what was seen before a restart.
    pub fn restore(&mut self, events: impl IntoIterator<Item = SeenEvent>) {
        for event in events {
            if !self.seen.contains_key(&event.key) {
                self.remember(event);
            }
        }
    }

    /// How many events are remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether no event is remembered.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn remember(&mut self, event: SeenEvent) {
        while self.seen.len() >= self.capacity && !self.order.is_empty() {
            self.forget_oldest();
        }
        self.order.push_back((event.at, event.key));
        self.seen.insert(event.key, event);
    }

    fn forget_before(&mut self, limit: Timestamp) {
        while self.order.front().is_some_and(|(at, _)| *at < limit) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((at, key)) = self.order.pop_front() else {
            return;
        };
        // An event seen again since then has a later entry in the order.
        if self.seen.get(&key).is_some_and(|event| event.at == at) {
            self.seen.remove(&key);
        }
    }
}

fn is_within(one: Timestamp, other: Timestamp) -> bool {
    let apart = (one - other).abs().to_std();
    apart.is_ok_and(|apart| apart <= WINDOW)
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone, Utc};

    use super::*;

    fn seen(key: u8, position: Position, second: i64) -> SeenEvent {
        SeenEvent {
            key: DedupKey([key; 16]),
            source: SourceId::new("mysql"),
            position,
            at: Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::seconds(second),
            happened_at: Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::seconds(second),
        }
    }

    #[test]
    fn the_dedup_window_follows_the_events_own_time() {
        let mut window = DedupWindow::new(10);
        let read = |position, happened: i64, read: i64| SeenEvent {
            at: seen(1, position, read).at,
            ..seen(1, position, happened)
        };
        // A backlog is read within moments.
        assert!(!window.is_repeat(read(1, 0, 900)));
        assert!(!window.is_repeat(read(2, 301, 901)), "five minutes later");
        assert!(window.is_repeat(read(3, 400, 902)));
        // A repeat that waited is still one.
        assert!(window.is_repeat(read(4, 500, 1_400)));
    }

    #[test]
    fn dedup_finds_a_repeat_within_five_minutes_and_no_later_one() {
        let mut window = DedupWindow::new(10);
        assert!(!window.is_repeat(seen(1, 1, 0)));
        assert!(window.is_repeat(seen(1, 2, 299)));
        assert!(!window.is_repeat(seen(1, 3, 301)));
    }

    #[test]
    fn dedup_does_not_take_the_same_row_read_again_for_a_repeat() {
        let mut window = DedupWindow::new(10);
        window.restore([seen(1, 7, 0)]);
        assert!(!window.is_repeat(seen(1, 7, 5)));
        assert!(window.is_repeat(seen(1, 8, 5)));
    }

    #[test]
    fn dedup_memory_is_bounded_and_forgets_the_oldest_first() {
        let mut window = DedupWindow::new(2);
        for key in 1..=3 {
            assert!(!window.is_repeat(seen(key, u64::from(key), 0)));
        }
        assert_eq!(window.len(), 2);
        assert!(!window.is_repeat(seen(1, 9, 0)), "the oldest was forgotten");
        assert!(window.is_repeat(seen(3, 9, 0)));
    }
}
