//! The order in which dead letters are retried together: lane by lane, in the order of their events.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::id::{EventId, LogId, Position, SourceId};
use crate::matching::LaneKey;

/// A dead letter among others of its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedDeadLetter {
    /// Its identifier.
    pub id: LogId,
    /// The lane of its delivery.
    pub lane: LaneKey,
    /// The source of the event.
    pub source: SourceId,
    /// The event's position there, if known.
    pub position: Option<Position>,
    /// The event's identifier within its source.
    pub event: EventId,
    /// The action's index in the sequence, from 0.
    pub action_index: u16,
    /// When it became a dead letter.
    pub created_at: Timestamp,
}

/// The lanes, each with its dead letters in the order of their events; the lane with the oldest comes first.
///
/// Sources number their events, and those numbers outrank the clocks of workers. Dead letters without a number come first, in
/// the order in which they were created; within one millisecond, numeric identifiers decide.
pub fn group_by_lane(queued: Vec<QueuedDeadLetter>) -> Vec<Vec<LogId>> {
    let mut by_lane: HashMap<LaneKey, Vec<QueuedDeadLetter>> = HashMap::new();
    for letter in queued {
        by_lane.entry(letter.lane.clone()).or_default().push(letter);
    }
    let mut lanes: Vec<_> = by_lane.into_values().collect();
    for lane in &mut lanes {
        lane.sort_by_cached_key(sort_key);
    }
    lanes.sort_by_cached_key(|lane| lane.iter().map(|letter| (letter.created_at, letter.id)).min());
    lanes
        .into_iter()
        .map(|lane| lane.into_iter().map(|letter| letter.id).collect())
        .collect()
}

/// The sort key of a dead letter in its lane; one without a number sorts before all numbered ones.
fn sort_key(letter: &QueuedDeadLetter) -> impl Ord + use<> {
    let numbered = letter.position.map(|position| (letter.source.clone(), position));
    let by_time = numbered
        .is_none()
        .then(|| (letter.created_at, letter.event.as_str().parse::<u64>().ok()));
    (numbered, by_time, letter.action_index, letter.created_at, letter.id)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::id::{EventType, IntegrationId, OrgId, Rid};

    fn letter(id: u8, entity: i64, event: &str, action_index: u16, ms: i64) -> QueuedDeadLetter {
        QueuedDeadLetter {
            id: LogId([id; 12]),
            lane: LaneKey {
                org_id: OrgId(1),
                integration: IntegrationId([1; 12]),
                entity_rid: Rid(entity),
                event_type: EventType::new("order"),
            },
            source: SourceId::new("push"),
            position: None,
            event: EventId::new(event),
            action_index,
            created_at: DateTime::from_timestamp_millis(ms).unwrap(),
        }
    }

    #[test]
    fn retry_lanes_keep_the_order_of_events_and_their_actions() {
        let queued = vec![
            letter(1, 7, "10", 0, 5),
            letter(2, 7, "9", 1, 5),
            letter(3, 8, "3", 0, 9),
            letter(4, 7, "9", 0, 5),
            letter(5, 7, "11", 0, 4),
            letter(6, 8, "4", 0, 1),
        ];
        let lanes: Vec<Vec<u8>> = group_by_lane(queued)
            .iter()
            .map(|lane| lane.iter().map(|id| id.0[0]).collect())
            .collect();
        assert_eq!(lanes, [vec![6, 3], vec![5, 4, 2, 1]]);
    }

    #[test]
    fn positions_in_the_source_outrank_the_clocks_of_workers() {
        let at = |id: u8, position, action_index, ms| QueuedDeadLetter {
            position: Some(position),
            ..letter(id, 7, &format!("10:{id}"), action_index, ms)
        };
        let queued = vec![
            at(1, 3, 0, 1),
            at(2, 1, 1, 9),
            at(3, 2, 0, 2),
            at(4, 1, 0, 9),
            letter(5, 7, "old", 0, 5),
        ];
        let expected: Vec<_> = [5, 4, 2, 3, 1].map(|id| LogId([id; 12])).into();
        assert_eq!(group_by_lane(queued), [expected]);
    }

    #[test]
    fn dead_letters_without_positions_keep_the_order_of_their_creation() {
        let queued = vec![letter(1, 7, "b", 0, 2), letter(2, 7, "a", 0, 3), letter(3, 7, "c", 0, 1)];
        assert_eq!(group_by_lane(queued), [[LogId([3; 12]), LogId([1; 12]), LogId([2; 12])]]);
    }
}
