//! In which order dead letters are tried that are tried together: lane by lane, as their events came.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::id::{EventId, LogId};
use crate::matching::LaneKey;

/// A dead letter among others of its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Which one.
    pub id: LogId,
    /// The lane that its delivery was made in, or would have been.
    pub lane: LaneKey,
    /// The event's identifier within its source.
    pub event: EventId,
    /// The action's place in the sequence, from 0.
    pub action_index: u16,
    /// When it became a dead letter.
    pub created_at: Timestamp,
}

/// The lanes, each with its dead letters in the order of their events; the lane of the oldest comes first.
///
/// A lane takes its events up one after the other, so they become dead letters in their order. Those of one millisecond are told apart
/// by the numbers that sources give to events, where they are numbers.
pub fn lanes(mut queued: Vec<Queued>) -> Vec<Vec<LogId>> {
    queued.sort_by_cached_key(|letter| {
        let number = letter.event.as_str().parse::<u64>().ok();
        (letter.created_at, number, letter.action_index, letter.id)
    });
    let mut places: HashMap<LaneKey, usize> = HashMap::new();
    let mut lanes: Vec<Vec<LogId>> = Vec::new();
    for letter in queued {
        let place = *places.entry(letter.lane).or_insert(lanes.len());
        if place == lanes.len() {
            lanes.push(Vec::new());
        }
        lanes[place].push(letter.id);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::id::{EventType, IntegrationId, OrgId, Rid};

    fn letter(id: u8, entity: i64, event: &str, action_index: u16, ms: i64) -> Queued {
        Queued {
            id: LogId([id; 12]),
            lane: LaneKey {
                org_id: OrgId(1),
                integration: IntegrationId([1; 12]),
                entity_rid: Rid(entity),
                event_type: EventType::new("order"),
            },
            event: EventId::new(event),
            action_index,
            created_at: DateTime::from_timestamp_millis(ms).unwrap(),
        }
    }

    #[test]
    fn lanes_keep_the_order_of_events_and_their_actions() {
        let queued = vec![
            letter(1, 7, "10", 0, 5),
            letter(2, 7, "9", 1, 5),
            letter(3, 8, "3", 0, 9),
            letter(4, 7, "9", 0, 5),
            letter(5, 7, "11", 0, 4),
            letter(6, 8, "4", 0, 1),
        ];
        let lanes: Vec<Vec<u8>> = lanes(queued)
            .iter()
            .map(|lane| lane.iter().map(|id| id.0[0]).collect())
            .collect();
        assert_eq!(lanes, [vec![6, 3], vec![5, 4, 2, 1]]);
    }

    #[test]
    fn events_without_numbers_keep_the_order_in_which_they_became_dead_letters() {
        let queued = vec![letter(1, 7, "b", 0, 2), letter(2, 7, "a", 0, 3), letter(3, 7, "c", 0, 1)];
        assert_eq!(lanes(queued), [[LogId([3; 12]), LogId([1; 12]), LogId([2; 12])]]);
    }
}
