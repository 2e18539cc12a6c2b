//! What earlier holders of a partition decided about its events.
//!
//! A worker that takes over a partition reads rows that were decided about and are not done. It keeps to those decisions. Where a row is
//! not visible any more, its decision is all that is left of the event.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ig_core::audit::{DecisionStatus, EventAudit};
use ig_core::event::{RowPayload, SourceRow};
use ig_core::generation::is_named_after;
use ig_core::id::{Position, SourceId};
use ig_core::ports::{Journal, MAX_DECISIONS, StoreError};
use ig_core::stream::Stream;

use crate::intake::ResolvedRow;

/// An earlier decision about an event that is read again.
#[derive(Debug)]
pub(crate) struct EarlierDecision {
    /// The decision.
    pub audit: EventAudit,
    /// Whether the row is still visible.
    pub is_visible: bool,
}

impl EarlierDecision {
    /// The same decision about an event whose row is not visible any more.
    pub(crate) fn without_row(self) -> Self {
        Self {
            is_visible: false,
            ..self
        }
    }
}

/// Looks up earlier decisions in the journal. Cheap to clone.
#[derive(Clone)]
pub(crate) struct DecisionLookup {
    journal: Arc<dyn Journal>,
}

impl DecisionLookup {
    /// Looks decisions up in this journal.
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal }
    }

    /// Attaches earlier decisions to the rows at or below a position; the rows ascend.
    pub(crate) async fn attach_earlier(
        &self,
        source: &SourceId,
        rows: &mut [ResolvedRow],
        to: Position,
    ) -> Result<(), StoreError> {
        let positions = rows.iter().map(|row| row.row.position);
        let mut ranges = merge_adjacent(positions.filter(|position| *position <= to));
        let mut decided = HashMap::new();
        while !ranges.is_empty() {
            let mut audits = self.journal.decisions(source, &ranges).await?;
            ranges = remaining_ranges(&ranges, &mut audits);
            for audit in audits {
                decided.entry(audit.position).or_insert_with(Vec::new).push(audit);
            }
        }
        for row in rows.iter_mut() {
            let audits = decided.remove(&row.row.position).unwrap_or_default();
            let audit = decision_about(audits, row);
            row.earlier = audit.map(|audit| EarlierDecision { audit, is_visible: true });
        }
        Ok(())
    }

    /// The first deliverable events within these ranges, as rows without content, and the ranges that remain.
    pub(crate) async fn vanished_rows(
        &self,
        source: &SourceId,
        ranges: &[RangeInclusive<Position>],
    ) -> Result<(Vec<ResolvedRow>, Vec<RangeInclusive<Position>>), StoreError> {
        let mut decided = self.journal.decisions(source, ranges).await?;
        let remaining = remaining_ranges(ranges, &mut decided);
        Ok((decided.into_iter().filter_map(row_of_vanished).collect(), remaining))
    }
}

/// The decision about this row's event, or else about the event that had its id before the table began anew.
fn decision_about(mut audits: Vec<EventAudit>, row: &ResolvedRow) -> Option<EventAudit> {
    let event = row.event_id();
    let exact = audits.iter().position(|audit| audit.event_id == event);
    let renamed = || {
        audits
            .iter()
            .rposition(|audit| is_named_after(&audit.event_id, row.row.position))
    };
    let at = exact.or_else(renamed)?;
    Some(audits.swap_remove(at))
}

/// Merges ascending positions into ranges.
pub(crate) fn merge_adjacent(positions: impl Iterator<Item = Position>) -> Vec<RangeInclusive<Position>> {
    let mut ranges: Vec<RangeInclusive<Position>> = Vec::new();
    for position in positions {
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == position => *last = *last.start()..=position,
            _ => ranges.push(position..=position),
        }
    }
    ranges
}

/// The ranges to ask for next. A full answer may lack some events of its last position, so that position is asked for again.
fn remaining_ranges(ranges: &[RangeInclusive<Position>], audits: &mut Vec<EventAudit>) -> Vec<RangeInclusive<Position>> {
    let last = audits.last().filter(|_| audits.len() >= MAX_DECISIONS);
    let Some(last) = last.map(|audit| audit.position) else {
        return Vec::new();
    };
    audits.retain(|audit| audit.position < last);
    let remaining = ranges.iter().map(|range| (*range.start()).max(last)..=*range.end());
    remaining.filter(|range| !range.is_empty()).collect()
}

fn row_of_vanished(audit: EventAudit) -> Option<ResolvedRow> {
    let org_id = audit.org_id?;
    match audit.decision.status() {
        DecisionStatus::Matched | DecisionStatus::Scheduled => {}
        DecisionStatus::Skipped => return None,
    }
    let event_type = audit.event_type.as_ref()?.as_str();
    Some(ResolvedRow {
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
        earlier: Some(EarlierDecision {
            audit,
            is_visible: false,
        }),
    })
}
