//! Ranges that lie close together as the few spans that hold them: one scan of an index is quicker than a thousand look-ups in it.

use std::ops::RangeInclusive;

use ig_core::id::Position;

/// Ranges with no more than so many positions between them are looked at together.
const NEAR: u64 = 500;
/// So many positions that are not asked for may lie within one span.
const MOST_BETWEEN: u64 = 100_000;

/// The spans that hold these ascending ranges.
pub(super) fn spans(ranges: &[RangeInclusive<Position>]) -> Vec<RangeInclusive<Position>> {
    let mut spans: Vec<RangeInclusive<Position>> = Vec::new();
    let mut between = 0;
    for range in ranges {
        let distance = spans.last().map(|last| range.start().saturating_sub(*last.end()));
        match (spans.last_mut(), distance) {
            (Some(last), Some(distance)) if distance <= NEAR && between + distance <= MOST_BETWEEN => {
                between += distance;
                *last = *last.start()..=*range.end();
            }
            _ => {
                between = 0;
                spans.push(range.clone());
            }
        }
    }
    spans
}

/// Those of ascending positions that lie within ascending ranges.
pub(super) fn within(positions: Vec<Position>, ranges: &[RangeInclusive<Position>]) -> Vec<Position> {
    let mut ranges = ranges.iter().peekable();
    let mut is_within = |position: &Position| {
        while ranges.next_if(|range| range.end() < position).is_some() {}
        ranges.peek().is_some_and(|range| range.contains(position))
    };
    positions.into_iter().filter(|position| is_within(position)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holes_of_numbers_in_steps_of_three_are_few_spans() {
        let holes: Vec<_> = (0..20_000u64).map(|row| 3 * row + 1..=3 * row + 2).collect();
        assert_eq!(spans(&holes), [1..=59_999]);
        let visible: Vec<_> = (1..60_000)
            .filter(|position| position % 3 == 0 || *position == 1_000)
            .collect();
        assert_eq!(within(visible, &holes), [1_000]);
    }

    #[test]
    fn holes_that_lie_far_apart_are_looked_at_by_themselves() {
        assert_eq!(
            spans(&[1..=2, 502..=502, 2_000..=9_000_000, 9_000_001..=9_000_002]),
            [1..=502, 2_000..=9_000_002]
        );
        assert_eq!(within(vec![3, 502, 1_999], &[1..=2, 502..=502, 2_000..=3_000]), [502]);
    }
}
