//! Decides about admitted events and queues them in the lanes of their integrations.

use std::sync::Arc;

use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::clock::{Clock, Timestamp};
use ig_core::dedup::{DedupKey, DedupWindow, SeenEvent};
use ig_core::event::Event;
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventId, IntegrationId, Rid, SourceId};
use ig_core::matching::LaneKey;
use ig_core::ports::JournalEntry;
use parking_lot::Mutex;

use crate::admitted_event::{AdmittedEvent, SchemaVerdict};
use crate::compiled_integration::CompiledIntegration;
use crate::decided_event::{DecidedEvent, EventGone};
use crate::event_trace::EventTrace;
use crate::intake::{Intake, ResolvedRow, Skip};
use crate::lanes::{LaneItem, Lanes};
use crate::live_configuration::LiveConfiguration;
use crate::metrics;
use crate::recorder::Recorder;
use crate::retention::Retention;

mod earlier_decision;

use earlier_decision::EarlierDecisionOutcome;

/// An event with its payload, or why it is gone.
type LoadedEventRef<'a> = Result<&'a Arc<Event>, &'a EventGone>;

/// How a decision is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecisionKind {
    /// As the first decision about its event.
    First,
    /// In place of the decision about another event.
    Replacement,
}

/// Decides about events in the order in which they are read.
pub(crate) struct Dispatcher {
    intake: Arc<Intake>,
    configuration: Arc<LiveConfiguration>,
    dedup_window: Mutex<DedupWindow>,
    lanes: Arc<Lanes>,
    recorder: Recorder,
    retention: Retention,
    clock: Arc<dyn Clock>,
}

impl Dispatcher {
    pub(crate) fn new(
        intake: Arc<Intake>,
        configuration: Arc<LiveConfiguration>,
        dedup_capacity: usize,
        lanes: Arc<Lanes>,
        recorder: Recorder,
        retention: Retention,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            intake,
            configuration,
            dedup_window: Mutex::new(DedupWindow::new(dedup_capacity)),
            lanes,
            recorder,
            retention,
            clock,
        }
    }

    /// Resolves and parses rows.
    pub(crate) fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Restores events that were seen before this worker held their partition.
    pub(crate) fn restore_seen(&self, events: Vec<SeenEvent>) {
        self.dedup_window.lock().restore(events);
    }

    /// The definition whose schema the payload has to satisfy before its event is decided about.
    pub(crate) fn schema_for(&self, admitted: &AdmittedEvent) -> Option<Arc<EventTypeDefinition>> {
        self.intake
            .schema_for(admitted.source(), &admitted.resolved, self.clock.now())
    }

    /// Whether this worker's configuration is recent enough to decide about an event. Another worker may have decided by a newer one that
    /// has yet to arrive here.
    pub(crate) fn is_configuration_recent(&self, admitted: &AdmittedEvent) -> bool {
        let earlier = admitted.resolved.earlier.as_ref();
        earlier.is_none_or(|earlier| earlier.audit.configuration_revision <= self.configuration.revision())
    }

    /// Applies the earlier decision about an event. Returns the kind of the decision that is still to be made; with none, the event's part
    /// is done.
    pub(crate) fn apply_earlier_decision(&self, admitted: &AdmittedEvent, trace: &EventTrace) -> Option<DecisionKind> {
        let Some(earlier) = &admitted.resolved.earlier else {
            return Some(DecisionKind::First);
        };
        match self.requeue(admitted, earlier, trace) {
            EarlierDecisionOutcome::Unchanged => admitted.ticket.part_done(),
            EarlierDecisionOutcome::Changed(audit) => {
                let entry = JournalEntry::Redecided(*audit);
                self.recorder.record(entry, Some(admitted.ticket.clone()), None);
            }
            EarlierDecisionOutcome::Outlived => return Some(DecisionKind::First),
            EarlierDecisionOutcome::Replaced => return Some(DecisionKind::Replacement),
        }
        None
    }

    /// Decides about an event, records the decision, and queues the event for its integrations.
    pub(crate) fn decide(&self, admitted: &AdmittedEvent, trace: &EventTrace, kind: DecisionKind, verdict: SchemaVerdict) {
        let audit = self.decide_and_queue(admitted, trace, verdict);
        let entry = match kind {
            DecisionKind::First => JournalEntry::Audit(audit),
            DecisionKind::Replacement => JournalEntry::Redecided(audit),
        };
        self.recorder.record(entry, Some(admitted.ticket.clone()), None);
    }

    fn decide_and_queue(&self, admitted: &AdmittedEvent, trace: &EventTrace, verdict: SchemaVerdict) -> EventAudit {
        let now = self.clock.now();
        let (source, resolved) = (admitted.source(), &admitted.resolved);
        let outcome = self.intake.to_event(source, resolved, verdict, now).and_then(|event| {
            self.reject_duplicate(&event, now)?;
            let event = Arc::new(event);
            let decided = DecidedEvent::new(&event, trace);
            self.queue_cancellations(admitted, &decided, Ok(&event));
            let integrations = self.integrations_for(&event)?;
            self.queue_deliveries(admitted, &decided, Ok(&event), &integrations);
            Ok(integrations)
        });
        let (decision, matched, detail) = match outcome {
            Ok(integrations) => (match_decision(&integrations), integration_ids(&integrations), None),
            Err((reason, detail)) => (Decision::Skipped(reason), Vec::new(), detail),
        };
        metrics::count_decision(source, decision);
        self.new_audit(source, resolved, (decision, matched, detail), trace, now)
    }

    fn reject_duplicate(&self, event: &Event, now: Timestamp) -> Result<(), Skip> {
        if self.is_duplicate(event, now) {
            return Err((SkipReason::Duplicate, None));
        }
        Ok(())
    }

    fn integrations_for(&self, event: &Event) -> Result<Vec<Arc<CompiledIntegration>>, Skip> {
        let mut integrations = self
            .configuration
            .matching_integrations(event.org_id, &event.event_type, event.entity_rid);
        let matched = integrations.len();
        integrations.retain(|compiled| compiled.accepts(&event.payload.json));
        if integrations.is_empty() {
            let filtered = (matched > 0).then(|| format!("the filters of {matched} integrations left it out"));
            return Err((SkipReason::NoMatch, filtered));
        }
        Ok(integrations)
    }

    fn is_duplicate(&self, event: &Event, now: Timestamp) -> bool {
        let Some(key) = DedupKey::of(event) else {
            return false;
        };
        let seen = SeenEvent {
            key,
            source: event.source.clone(),
            position: event.position,
            at: now,
            happened_at: event.created_at.unwrap_or(now),
        };
        let is_duplicate = self.dedup_window.lock().is_repeat(seen.clone());
        if !is_duplicate {
            self.recorder.record(JournalEntry::Seen(seen), None, None);
        }
        is_duplicate
    }

    /// Any event may cancel pending deliveries of other integrations. Its lane does that before it delivers the event.
    fn queue_cancellations(&self, admitted: &AdmittedEvent, decided: &Arc<DecidedEvent>, loaded: LoadedEventRef<'_>) {
        let event = &decided.event;
        let listeners = self
            .configuration
            .cancellation_listeners(event.org_id, &event.event_type, event.entity_rid);
        for compiled in listeners {
            self.push_to_lane(admitted, decided, loaded, compiled, |item| {
                item.into_cancellation().into_extra_delivery()
            });
        }
    }

    fn queue_deliveries(
        &self,
        admitted: &AdmittedEvent,
        decided: &Arc<DecidedEvent>,
        loaded: LoadedEventRef<'_>,
        integrations: &[Arc<CompiledIntegration>],
    ) {
        let adjustments = std::iter::once::<fn(LaneItem) -> LaneItem>(|item| item)
            .chain(std::iter::repeat(LaneItem::into_extra_delivery as fn(LaneItem) -> LaneItem));
        for (compiled, adjust) in integrations.iter().zip(adjustments) {
            self.push_to_lane(admitted, decided, loaded, Arc::clone(compiled), adjust);
        }
    }

    fn push_to_lane(
        &self,
        admitted: &AdmittedEvent,
        decided: &Arc<DecidedEvent>,
        loaded: LoadedEventRef<'_>,
        compiled: Arc<CompiledIntegration>,
        adjust: fn(LaneItem) -> LaneItem,
    ) {
        admitted.ticket.add_parts(1);
        let key = lane_key(&decided.event, &compiled);
        let item = LaneItem::new(
            Arc::clone(&admitted.state),
            admitted.ticket.clone(),
            compiled,
            Arc::clone(decided),
        );
        self.lanes.push(key, adjust(item), loaded.cloned().map_err(Clone::clone));
    }

    fn new_audit(
        &self,
        source: &SourceId,
        resolved: &ResolvedRow,
        (decision, matched, detail): (Decision, Vec<IntegrationId>, Option<String>),
        trace: &EventTrace,
        now: Timestamp,
    ) -> EventAudit {
        EventAudit {
            source: source.clone(),
            event_id: resolved.event_id(),
            position: resolved.row.position,
            event_type: resolved.event_type(),
            org_id: resolved.org_id,
            entity_rid: resolved.row.entity_rid.map(Rid),
            decision,
            matched,
            detail,
            created_at: resolved.row.created_at,
            decided_at: now,
            // Read after the integrations were looked up, so that it is never older than the configuration that matched.
            configuration_revision: self.configuration.revision(),
            trace_id: trace.trace_id().to_owned(),
            expires_at: self.retention.expires_at(resolved.org_id, now),
        }
    }

    /// Records what is wrong with a source.
    pub(crate) fn record_source_audit(&self, source: &SourceId, reason: SkipReason, detail: &str) {
        let now = self.clock.now();
        let audit = EventAudit {
            source: source.clone(),
            event_id: EventId::new(now.timestamp_millis().to_string()),
            position: 0,
            event_type: None,
            org_id: None,
            entity_rid: None,
            decision: Decision::Skipped(reason),
            matched: Vec::new(),
            detail: Some(detail.to_owned()),
            created_at: None,
            decided_at: now,
            configuration_revision: self.configuration.revision(),
            trace_id: String::new(),
            expires_at: self.retention.expires_at(None, now),
        };
        self.recorder.record(JournalEntry::Audit(audit), None, None);
    }
}

fn lane_key(event: &Event, compiled: &CompiledIntegration) -> LaneKey {
    LaneKey {
        org_id: event.org_id,
        integration: compiled.integration.id,
        entity_rid: event.entity_rid,
        event_type: event.event_type.clone(),
    }
}

fn integration_ids(integrations: &[Arc<CompiledIntegration>]) -> Vec<IntegrationId> {
    integrations.iter().map(|compiled| compiled.integration.id).collect()
}

fn match_decision(integrations: &[Arc<CompiledIntegration>]) -> Decision {
    let count = u32::try_from(integrations.len()).unwrap_or(u32::MAX);
    if integrations.iter().all(|compiled| compiled.is_scheduled()) {
        Decision::Scheduled { integrations: count }
    } else {
        Decision::Matched { integrations: count }
    }
}
