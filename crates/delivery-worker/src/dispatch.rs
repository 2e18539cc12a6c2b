//! From a row that was taken up to the lanes of the integrations that it is for.

use std::sync::Arc;

use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::clock::{Clock, Timestamp};
use ig_core::dedup::{DedupKey, DedupWindow, SeenEvent};
use ig_core::event::Event;
use ig_core::id::{EventId, Rid, SourceId};
use ig_core::matching::LaneKey;
use ig_core::ports::JournalEntry;
use parking_lot::Mutex;

use crate::compiled::{CompiledIntegration, LiveConfiguration};
use crate::event_trace::EventTrace;
use crate::intake::{Addressed, Intake, Skip};
use crate::lanes::{Lanes, Work};
use crate::metrics;
use crate::reader::SourceState;
use crate::recorder::Recorder;
use crate::retention::Retention;
use crate::tracker::Ticket;

/// An event and the integrations that it is for.
type Matched = (Event, Vec<Arc<CompiledIntegration>>);

/// Decides about events, in the order in which they are read.
pub(crate) struct Dispatch {
    intake: Arc<Intake>,
    configuration: Arc<LiveConfiguration>,
    repeats: Mutex<DedupWindow>,
    lanes: Arc<Lanes>,
    recorder: Recorder,
    retention: Retention,
    clock: Arc<dyn Clock>,
}

impl Dispatch {
    /// Puts the parts together.
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
            repeats: Mutex::new(DedupWindow::new(dedup_capacity)),
            lanes,
            recorder,
            retention,
            clock,
        }
    }

    /// How rows are read.
    pub(crate) fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Remembers events that were seen before this worker held their partition.
    pub(crate) fn restore_seen(&self, events: Vec<SeenEvent>) {
        self.repeats.lock().restore(events);
    }

    /// Decides about a row, writes the decision down, and queues the event for the integrations that it is for.
    pub(crate) fn take_up(&self, state: &Arc<SourceState>, addressed: &Addressed, ticket: Ticket) {
        let now = self.clock.now();
        let source = state.source.id();
        let (trace, span) = EventTrace::begin(source, &addressed.row);
        let decided = span.in_scope(|| {
            let event = self.intake.understand(source, addressed, now)?;
            self.refuse_repeat(&event, now)?;
            self.call_off(state, &event, &ticket, &trace);
            self.decide(event)
        });
        let (decision, detail) = match decided {
            Ok((event, integrations)) => {
                let decision = matched(&integrations);
                self.queue(state, event, integrations, &ticket, &trace);
                (decision, None)
            }
            Err((reason, detail)) => (Decision::Skipped(reason), detail),
        };
        metrics::decided(source, decision);
        let audit = self.audit(source, addressed, decision, detail, &trace, now);
        self.recorder.record(JournalEntry::Audit(audit), Some(ticket), None);
    }

    fn refuse_repeat(&self, event: &Event, now: Timestamp) -> Result<(), Skip> {
        if self.is_repeat(event, now) {
            return Err((SkipReason::Duplicate, None));
        }
        Ok(())
    }

    fn decide(&self, event: Event) -> Result<Matched, Skip> {
        let mut integrations = self.configuration.matches(event.org_id, &event.event_type, event.entity_rid);
        let matched = integrations.len();
        integrations.retain(|compiled| compiled.accepts(&event.payload.json));
        if integrations.is_empty() {
            let filtered = (matched > 0).then(|| format!("the filters of {matched} integrations left it out"));
            return Err((SkipReason::NoMatch, filtered));
        }
        Ok((event, integrations))
    }

    fn is_repeat(&self, event: &Event, now: Timestamp) -> bool {
        let Some(key) = DedupKey::of(event) else {
            return false;
        };
        let seen = SeenEvent {
            key,
            source: event.source.clone(),
            position: event.position,
            at: now,
        };
        let repeats = self.repeats.lock().is_repeat(seen.clone());
        if !repeats {
            self.recorder.record(JournalEntry::Seen(seen), None, None);
        }
        repeats
    }

    /// Whatever an event is for itself, it may call off what others have pending: that is done in the lane, before it is delivered there.
    fn call_off(&self, state: &Arc<SourceState>, event: &Event, ticket: &Ticket, trace: &EventTrace) {
        let listening = self
            .configuration
            .listening(event.org_id, &event.event_type, event.entity_rid);
        if listening.is_empty() {
            return;
        }
        ticket.expect(listening.len());
        let event = Arc::new(event.clone());
        for compiled in listening {
            let key = lane(&event, &compiled);
            let work = Work::new(Arc::clone(state), ticket.clone(), compiled, trace.clone());
            self.lanes.push(key, work.calling_off(), Arc::clone(&event));
        }
    }

    fn queue(
        &self,
        state: &Arc<SourceState>,
        event: Event,
        integrations: Vec<Arc<CompiledIntegration>>,
        ticket: &Ticket,
        trace: &EventTrace,
    ) {
        ticket.expect(integrations.len());
        let event = Arc::new(event);
        for compiled in integrations {
            let key = lane(&event, &compiled);
            let work = Work::new(Arc::clone(state), ticket.clone(), compiled, trace.clone());
            self.lanes.push(key, work, Arc::clone(&event));
        }
    }

    fn audit(
        &self,
        source: &SourceId,
        addressed: &Addressed,
        decision: Decision,
        detail: Option<String>,
        trace: &EventTrace,
        now: Timestamp,
    ) -> EventAudit {
        EventAudit {
            source: source.clone(),
            event_id: addressed.event_id(),
            position: addressed.row.position,
            event_type: addressed.event_type(),
            org_id: addressed.org_id,
            entity_rid: addressed.row.entity_rid.map(Rid),
            decision,
            detail,
            created_at: addressed.row.created_at,
            decided_at: now,
            trace_id: trace.trace_id().to_owned(),
            expires_at: self.retention.expires(addressed.org_id, now),
        }
    }

    /// Notes that a source cannot be read as it is configured.
    pub(crate) fn audit_source(&self, source: &SourceId, detail: &str) {
        let now = self.clock.now();
        let audit = EventAudit {
            source: source.clone(),
            event_id: EventId::new(now.timestamp_millis().to_string()),
            position: 0,
            event_type: None,
            org_id: None,
            entity_rid: None,
            decision: Decision::Skipped(SkipReason::SourceMisconfigured),
            detail: Some(detail.to_owned()),
            created_at: None,
            decided_at: now,
            trace_id: String::new(),
            expires_at: self.retention.expires(None, now),
        };
        self.recorder.record(JournalEntry::Audit(audit), None, None);
    }
}

fn lane(event: &Event, compiled: &CompiledIntegration) -> LaneKey {
    LaneKey {
        org_id: event.org_id,
        integration: compiled.integration.id,
        entity_rid: event.entity_rid,
        event_type: event.event_type.clone(),
    }
}

fn matched(integrations: &[Arc<CompiledIntegration>]) -> Decision {
    let count = u32::try_from(integrations.len()).unwrap_or(u32::MAX);
    if integrations.iter().all(|compiled| compiled.is_scheduled()) {
        Decision::Scheduled { integrations: count }
    } else {
        Decision::Matched { integrations: count }
    }
}
