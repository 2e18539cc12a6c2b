//! The generations of a source's table: an id that is reused names another event.

use crate::id::{EventId, Position};

/// How far each earlier table of a source may have come when the next one replaced it.
///
/// A table that was emptied and starts over reuses ids that were events before. Once a person has declared that, an event
/// without an identifier of its own is named after its row and its table, such as `7@1`, up to the id that the earlier table
/// may have reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generations(Vec<Position>);

impl Generations {
    /// From the last positions of earlier tables, the first table first.
    pub fn new(ends: Vec<Position>) -> Self {
        Self(ends)
    }

    /// The highest id that an earlier table may have used; 0 where there was none.
    pub fn highest_earlier_id(&self) -> Position {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The number of the current generation, from 0.
    pub fn current(&self) -> usize {
        self.0.len()
    }

    /// The event identifier of a row that has none of its own.
    pub fn event_id(&self, position: Position) -> EventId {
        event_id_after(&self.0, position)
    }

    /// The generation that an event came from. An event that is not named after its row belongs to the current one.
    pub fn generation_of(&self, event: &EventId, position: Position) -> usize {
        let mut earlier = self.0.iter().enumerate();
        let came_from =
            earlier.position(|(generation, end)| position <= *end && *event == event_id_after(&self.0[..generation], position));
        came_from.unwrap_or(self.current())
    }
}

/// The event identifier of a row after earlier tables that came this far.
fn event_id_after(earlier: &[Position], position: Position) -> EventId {
    match earlier.iter().rposition(|end| position <= *end) {
        None => EventId::new(position.to_string()),
        Some(before) => EventId::new(format!("{position}@{}", before + 1)),
    }
}

/// Whether an event is named after a row with this id, in any table.
pub fn is_named_after(event: &EventId, position: Position) -> bool {
    let rest = event.as_str().strip_prefix(&position.to_string());
    rest.is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('@')
                .is_some_and(|generation| generation.parse::<u64>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reused_id_names_its_table() {
        let generations = Generations::new(vec![100, 20]);
        for (position, expected) in [(1, "1@2"), (20, "20@2"), (21, "21@1"), (100, "100@1"), (101, "101")] {
            assert_eq!(generations.event_id(position).as_str(), expected);
        }
        assert_eq!(Generations::default().event_id(1).as_str(), "1");
    }

    #[test]
    fn an_event_is_named_after_its_row_in_any_table() {
        for (event, expected) in [
            ("7", true),
            ("7@1", true),
            ("70", false),
            ("my-7", false),
            ("7@x", false),
            ("7@", false),
        ] {
            assert_eq!(is_named_after(&EventId::new(event), 7), expected, "{event}");
        }
    }

    proptest! {
        /// However often tables start over and however far each comes, no two rows share a name.
        #[test]
        fn generations_never_give_a_name_twice(tables in prop::collection::vec(0_u64..40, 1..6)) {
            let mut names = std::collections::HashMap::new();
            let mut ends = Vec::new();
            for (table, rows) in tables.into_iter().enumerate() {
                let generations = Generations::new(ends.clone());
                for position in 1..=rows {
                    let name = generations.event_id(position);
                    prop_assert!(is_named_after(&name, position));
                    prop_assert!(names.insert(name, (table, position)).is_none(), "{position} of {:?}", generations);
                }
                ends.push(rows);
            }
            let generations = Generations::new(ends);
            for (name, (table, position)) in names {
                prop_assert_eq!(generations.generation_of(&name, position), table);
            }
            prop_assert_eq!(generations.generation_of(&EventId::new("its own"), 1), generations.current());
        }
    }
}
