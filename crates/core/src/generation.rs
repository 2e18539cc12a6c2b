//! The tables that a source has had: an id that is given out anew is another event.

use crate::id::{EventId, Position};

/// How far each earlier table of a source may have come when the next one took its place.
///
/// A table that was emptied and begins anew gives out ids that were events before. Once a person has said so, an event without an identifier
/// of its own is named after its row and its table, such as `7@1`, as far as the earlier table may have come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generations(Vec<Position>);

impl Generations {
    /// Of earlier tables that had come so far, the first one first.
    pub fn new(ends: Vec<Position>) -> Self {
        Self(ends)
    }

    /// The highest id that was given out in an earlier table; 0 where there was none.
    pub fn reach(&self) -> Position {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The table that the source has now, counted from 0.
    pub fn current(&self) -> usize {
        self.0.len()
    }

    /// The identifier of the event in a row that has none of its own.
    pub fn event_id(&self, position: Position) -> EventId {
        name(&self.0, position)
    }

    /// The table that an event came from. What is not named after its row is taken for an event of the present one.
    pub fn table_of(&self, event: &EventId, position: Position) -> usize {
        let mut earlier = self.0.iter().enumerate();
        let came_from = earlier.position(|(table, end)| position <= *end && *event == name(&self.0[..table], position));
        came_from.unwrap_or(self.current())
    }
}

/// What a row's event is named after tables that came so far.
fn name(earlier: &[Position], position: Position) -> EventId {
    match earlier.iter().rposition(|end| position <= *end) {
        None => EventId::new(position.to_string()),
        Some(before) => EventId::new(format!("{position}@{}", before + 1)),
    }
}

/// Whether an event is named after a row of this id, in whatever table.
pub fn is_named_after(event: &EventId, position: Position) -> bool {
    let rest = event.as_str().strip_prefix(&position.to_string());
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('@').is_some_and(|table| table.parse::<u64>().is_ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_that_was_given_out_before_names_its_table() {
        let generations = Generations::new(vec![100, 20]);
        for (position, expected) in [(1, "1@2"), (20, "20@2"), (21, "21@1"), (100, "100@1"), (101, "101")] {
            assert_eq!(generations.event_id(position).as_str(), expected);
        }
        assert_eq!(Generations::default().event_id(1).as_str(), "1");
    }

    #[test]
    fn an_event_is_named_after_its_row_in_whatever_table() {
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
        /// However often tables begin anew and however far each comes, no two rows have one name.
        #[test]
        fn no_name_is_given_twice(tables in prop::collection::vec(0_u64..40, 1..6)) {
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
                prop_assert_eq!(generations.table_of(&name, position), table);
            }
            prop_assert_eq!(generations.table_of(&EventId::new("its own"), 1), generations.current());
        }
    }
}
