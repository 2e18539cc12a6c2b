//! Coalesces ranges that lie close together: one index scan is faster than a thousand look-ups.

use std::ops::RangeInclusive;

use ig_core::id::Position;

/// The largest distance between two ranges of one span.
const MAX_DISTANCE: u64 = 500;
/// The most positions of one span that no range asks for.
const MAX_UNREQUESTED: u64 = 100_000;

/// The spans that cover these ascending ranges.
pub(super) fn coalesce(ranges: &[RangeInclusive<Position>]) -> Vec<RangeInclusive<Position>> {
    let mut spans: Vec<RangeInclusive<Position>> = Vec::new();
    let mut unrequested = 0;
    for range in ranges {
        let distance = spans.last().map(|last| range.start().saturating_sub(*last.end()));
        match (spans.last_mut(), distance) {
            (Some(last), Some(distance)) if distance <= MAX_DISTANCE && unrequested + distance <= MAX_UNREQUESTED => {
                unrequested += distance;
                *last = *last.start()..=*range.end();
            }
            _ => {
                unrequested = 0;
                spans.push(range.clone());
            }
        }
    }
    spans
}

/// The ascending positions that lie within ascending ranges.
pub(super) fn positions_within(positions: Vec<Position>, ranges: &[RangeInclusive<Position>]) -> Vec<Position> {
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
    fn spans_coalesce_the_gaps_of_ids_in_steps_of_three() {
        let gaps: Vec<_> = (0..20_000u64).map(|row| 3 * row + 1..=3 * row + 2).collect();
        assert_eq!(coalesce(&gaps), [1..=59_999]);
        let visible: Vec<_> = (1..60_000)
            .filter(|position| position % 3 == 0 || *position == 1_000)
            .collect();
        assert_eq!(positions_within(visible, &gaps), [1_000]);
    }

    #[test]
    fn spans_stay_apart_where_gaps_lie_far_apart() {
        assert_eq!(
            coalesce(&[1..=2, 502..=502, 2_000..=9_000_000, 9_000_001..=9_000_002]),
            [1..=502, 2_000..=9_000_002]
        );
        assert_eq!(
            positions_within(vec![3, 502, 1_999], &[1..=2, 502..=502, 2_000..=3_000]),
            [502]
        );
    }
}
