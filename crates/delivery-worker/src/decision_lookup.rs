//! What earlier holders of a partition decided about its events.
//!
//! A worker that takes a partition over reads rows that were decided about and are not done. It abides by what was decided. Where a row
//! is not to be seen any more, what was decided about it is all that is left of the event.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ig_core::audit::{DecisionStatus, EventAudit};
use ig_core::event::{RowPayload, SourceRow};
use ig_core::generation::is_named_after;
use ig_core::id::{Position, SourceId};
use ig_core::ports::{DECIDED_AT_ONCE, Journal, StoreError};
use ig_core::stream::Stream;

use crate::intake::Addressed;

/// An earlier decision about an event that is read again.
#[derive(Debug)]
pub(crate) struct Earlier {
    /// What was decided.
    pub audit: EventAudit,
    /// Whether its row is still to be seen.
    pub is_visible: bool,
}

impl Earlier {
    /// The same about an event whose row is not to be seen any more.
    pub(crate) fn vanished(self) -> Self {
        Self {
            is_visible: false,
            ..self
        }
    }
}

/// The way to earlier decisions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recall {
    journal: Arc<dyn Journal>,
}

impl Recall {
    /// Asks this journal.
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal }
    }

    /// Adds what was decided earlier to those of these rows, which ascend, that lie at or below a position.
    pub(crate) async fn remember(&self, source: &SourceId, rows: &mut [Addressed], to: Position) -> Result<(), StoreError> {
        let positions = rows.iter().map(|row| row.row.position);
        let mut ranges = merged(positions.filter(|position| *position <= to));
        let mut decided = HashMap::new();
        while !ranges.is_empty() {
            let mut some = self.journal.decided(source, &ranges).await?;
            ranges = beyond(&ranges, &mut some);
            for audit in some {
                decided.entry(audit.position).or_insert_with(Vec::new).push(audit);
            }
        }
        for row in rows.iter_mut() {
            let about = decided.remove(&row.row.position).unwrap_or_default();
            let audit = about_row(about, row);
            row.earlier = audit.map(|audit| Earlier { audit, is_visible: true });
        }
        Ok(())
    }

    /// The first events within these ranges that were to be delivered, as rows without content; and the ranges that are left.
    pub(crate) async fn vanished(
        &self,
        source: &SourceId,
        ranges: &[RangeInclusive<Position>],
    ) -> Result<(Vec<Addressed>, Vec<RangeInclusive<Position>>), StoreError> {
        let mut decided = self.journal.decided(source, ranges).await?;
        let left = beyond(ranges, &mut decided);
        Ok((decided.into_iter().filter_map(vanished).collect(), left))
    }
}

/// What was decided about a row's event; else about the event that had its id before the table began anew.
fn about_row(mut decided: Vec<EventAudit>, row: &Addressed) -> Option<EventAudit> {
    let event = row.event_id();
    let its = decided.iter().position(|audit| audit.event_id == event);
    let before = || {
        decided
            .iter()
            .rposition(|audit| is_named_after(&audit.event_id, row.row.position))
    };
    let at = its.or_else(before)?;
    Some(decided.swap_remove(at))
}

/// The ranges that these positions, which ascend, make up.
pub(crate) fn merged(positions: impl Iterator<Item = Position>) -> Vec<RangeInclusive<Position>> {
    let mut ranges: Vec<RangeInclusive<Position>> = Vec::new();
    for position in positions {
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == position => *last = *last.start()..=position,
            _ => ranges.push(position..=position),
        }
    }
    ranges
}

/// What is left to be asked for after an answer. A full one may name some of the events of its last position alone, so that one is asked
/// for again.
fn beyond(ranges: &[RangeInclusive<Position>], answer: &mut Vec<EventAudit>) -> Vec<RangeInclusive<Position>> {
    let last = answer.last().filter(|_| answer.len() >= DECIDED_AT_ONCE);
    let Some(last) = last.map(|audit| audit.position) else {
        return Vec::new();
    };
    answer.retain(|audit| audit.position < last);
    let left = ranges.iter().map(|range| (*range.start()).max(last)..=*range.end());
    left.filter(|range| !range.is_empty()).collect()
}

fn vanished(audit: EventAudit) -> Option<Addressed> {
    let org_id = audit.org_id?;
    match audit.decision.status() {
        DecisionStatus::Matched | DecisionStatus::Scheduled => {}
        DecisionStatus::Skipped => return None,
    }
    let event_type = audit.event_type.as_ref()?.as_str();
    Some(Addressed {
        stream: Stream::new(Some(org_id), event_type),
        org_id: Some(org_id),
        row: SourceRow {
            position: audit.position,
            event_id: Some(audit.event_id.clone()),
            event_type: Some(event_type.to_owned()),
            payload: RowPayload::Missing,
            entity_rid: audit.entity_rid.map(|rid| rid.0),
            parent_rid: Some(org_id.0),
            created_at: audit.created_at,
            trace_parent: None,
        },
        earlier: Some(Earlier {
            audit,
            is_visible: false,
        }),
    })
}
