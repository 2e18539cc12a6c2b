//! Deliveries by start time.
//!
//! The database computes without time zones: the query carries the zone's transitions, the server derives local
//! minutes, hours or days by arithmetic, and the calendar ([`ig_core::calendar`]) assigns them to intervals. One time
//! zone database thus decides, and servers that mishandle days without a midnight do no harm.

use chrono::TimeDelta;
use ig_core::calendar::{Grid, OffsetSpan};
use ig_core::clock::Timestamp;
use ig_core::figures::DeliveryFigures;
use mongodb::bson::{Bson, Document, doc};

use super::grouping::Group;
use crate::field::date;

/// [`OffsetSpan::granule`] as an expression, in milliseconds since 1970.
pub(super) fn granule(spans: &[OffsetSpan], length: TimeDelta) -> Bson {
    let begun = |span: &OffsetSpan| begun(*span, length);
    let Some((last, _)) = spans.split_last() else {
        return Bson::Null;
    };
    let branches: Vec<_> = spans
        .windows(2)
        .filter_map(|pair| Some((pair.first()?, pair.last()?)))
        .map(|(span, next)| doc! { "case": { "$lt": ["$createdAt", date(next.from)] }, "then": begun(span) })
        .collect();
    if branches.is_empty() {
        return begun(last).into();
    }
    doc! { "$switch": { "branches": branches, "default": begun(last) } }.into()
}

fn begun(span: OffsetSpan, length: TimeDelta) -> Document {
    let at = doc! { "$toLong": "$createdAt" };
    let local = doc! { "$add": [at.clone(), span.offset.num_milliseconds()] };
    let into = doc! { "$mod": [local, length.num_milliseconds()] };
    doc! { "$max": [span.from.timestamp_millis(), { "$subtract": [at, into] }] }
}

/// Every interval of the grid, with the sum of its granules.
pub(super) fn filled_in(grid: &Grid, granules: Vec<Group<i64>>) -> Vec<DeliveryFigures> {
    let mut pieces = vec![DeliveryFigures::default(); grid.count()];
    for Group { key, figures, .. } in granules {
        let index = Timestamp::from_timestamp_millis(key).and_then(|at| grid.index_of(at));
        if let Some(piece) = index.and_then(|index| pieces.get_mut(index)) {
            piece.merge(&figures);
        }
    }
    pieces
}
