//! From a row that was taken up to the lanes of the integrations that it is for.

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

use crate::admitted_event::{Judged, Taken};
use crate::compiled::{CompiledIntegration, LiveConfiguration};
use crate::decided_event::{Decided, Gone};
use crate::event_trace::EventTrace;
use crate::intake::{Addressed, Intake, Skip};
use crate::lanes::{Lanes, Work};
use crate::metrics;
use crate::recorder::Recorder;
use crate::retention::Retention;

mod earlier_decision;

use earlier_decision::Abided;

/// An event with its payload, or why there is none.
type Content<'a> = Result<&'a Arc<Event>, &'a Gone>;

/// How a decision that has yet to be made is to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecided {
    /// As the first one about its event.
    First,
    /// In the place of one about another event.
    Anew,
}

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

    /// The definition that a payload has to be held against before its event is decided about, where there is one.
    pub(crate) fn to_hold_against(&self, taken: &Taken) -> Option<Arc<EventTypeDefinition>> {
        self.intake
            .to_hold_against(taken.source(), &taken.addressed, self.clock.now())
    }

    /// Whether an event can be decided about with the configuration that this worker has. Another worker may have decided about it by a
    /// newer one, which has yet to arrive here.
    pub(crate) fn is_configuration_recent(&self, taken: &Taken) -> bool {
        let earlier = taken.addressed.earlier.as_ref();
        earlier.is_none_or(|earlier| earlier.audit.configuration_revision <= self.configuration.revision())
    }

    /// Abides by what was decided about an event before. Where that is not to be decided again, its part is done and nothing is left.
    pub(crate) fn abide_by_earlier(&self, taken: &Taken, trace: &EventTrace) -> Option<Undecided> {
        let Some(earlier) = &taken.addressed.earlier else {
            return Some(Undecided::First);
        };
        match self.abide(taken, earlier, trace) {
            Abided::Unchanged => taken.ticket.part_done(),
            Abided::Changed(audit) => {
                let entry = JournalEntry::Redecided(*audit);
                self.recorder.record(entry, Some(taken.ticket.clone()), None);
            }
            Abided::Outlived => return Some(Undecided::First),
            Abided::Replaced => return Some(Undecided::Anew),
        }
        None
    }

    /// Decides about an event, writes the decision down, and queues the event for the integrations that it is for.
    pub(crate) fn decide(&self, taken: &Taken, trace: &EventTrace, undecided: Undecided, judged: Judged) {
        let audit = self.decision(taken, trace, judged);
        let entry = match undecided {
            Undecided::First => JournalEntry::Audit(audit),
            Undecided::Anew => JournalEntry::Redecided(audit),
        };
        self.recorder.record(entry, Some(taken.ticket.clone()), None);
    }

    fn decision(&self, taken: &Taken, trace: &EventTrace, judged: Judged) -> EventAudit {
        let now = self.clock.now();
        let (source, addressed) = (taken.source(), &taken.addressed);
        let decided = self.intake.understand(source, addressed, judged, now).and_then(|event| {
            self.refuse_repeat(&event, now)?;
            let about = Arc::new(event);
            let decided = Decided::now(&about, trace);
            self.call_off(taken, &decided, Ok(&about));
            let integrations = self.integrations_for(&about)?;
            self.queue(taken, &decided, Ok(&about), &integrations);
            Ok(integrations)
        });
        let (decision, matched, detail) = match decided {
            Ok(integrations) => (matched(&integrations), ids(&integrations), None),
            Err((reason, detail)) => (Decision::Skipped(reason), Vec::new(), detail),
        };
        metrics::decided(source, decision);
        self.audit(source, addressed, (decision, matched, detail), trace, now)
    }

    fn refuse_repeat(&self, event: &Event, now: Timestamp) -> Result<(), Skip> {
        if self.is_repeat(event, now) {
            return Err((SkipReason::Duplicate, None));
        }
        Ok(())
    }

    fn integrations_for(&self, event: &Event) -> Result<Vec<Arc<CompiledIntegration>>, Skip> {
        let mut integrations = self.configuration.matches(event.org_id, &event.event_type, event.entity_rid);
        let matched = integrations.len();
        integrations.retain(|compiled| compiled.accepts(&event.payload.json));
        if integrations.is_empty() {
            let filtered = (matched > 0).then(|| format!("the filters of {matched} integrations left it out"));
            return Err((SkipReason::NoMatch, filtered));
        }
        Ok(integrations)
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
            happened_at: event.created_at.unwrap_or(now),
        };
        let repeats = self.repeats.lock().is_repeat(seen.clone());
        if !repeats {
            self.recorder.record(JournalEntry::Seen(seen), None, None);
        }
        repeats
    }

    /// Whatever an event is for itself, it may call off what others have pending: that is done in the lane, before it is delivered there.
    fn call_off(&self, taken: &Taken, decided: &Arc<Decided>, event: Content<'_>) {
        let about = &decided.event;
        let listening = self
            .configuration
            .listening(about.org_id, &about.event_type, about.entity_rid);
        for compiled in listening {
            self.push(taken, decided, event, compiled, |work| work.calling_off().counted());
        }
    }

    fn queue(&self, taken: &Taken, decided: &Arc<Decided>, event: Content<'_>, integrations: &[Arc<CompiledIntegration>]) {
        let purposes =
            std::iter::once::<fn(Work) -> Work>(|work| work).chain(std::iter::repeat(Work::counted as fn(Work) -> Work));
        for (compiled, purpose) in integrations.iter().zip(purposes) {
            self.push(taken, decided, event, Arc::clone(compiled), purpose);
        }
    }

    fn push(
        &self,
        taken: &Taken,
        decided: &Arc<Decided>,
        event: Content<'_>,
        compiled: Arc<CompiledIntegration>,
        purpose: fn(Work) -> Work,
    ) {
        taken.ticket.expect(1);
        let key = lane(&decided.event, &compiled);
        let work = Work::new(Arc::clone(&taken.state), taken.ticket.clone(), compiled, Arc::clone(decided));
        self.lanes.push(key, purpose(work), event.cloned().map_err(Clone::clone));
    }

    fn audit(
        &self,
        source: &SourceId,
        addressed: &Addressed,
        (decision, matched, detail): (Decision, Vec<IntegrationId>, Option<String>),
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
            matched,
            detail,
            created_at: addressed.row.created_at,
            decided_at: now,
            // Read after the integrations were looked up, so that it is never older than what was decided by.
            configuration_revision: self.configuration.revision(),
            trace_id: trace.trace_id().to_owned(),
            expires_at: self.retention.expires(addressed.org_id, now),
        }
    }

    /// Notes what is wrong with a source.
    pub(crate) fn audit_source(&self, source: &SourceId, reason: SkipReason, detail: &str) {
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

fn ids(integrations: &[Arc<CompiledIntegration>]) -> Vec<IntegrationId> {
    integrations.iter().map(|compiled| compiled.integration.id).collect()
}

fn matched(integrations: &[Arc<CompiledIntegration>]) -> Decision {
    let count = u32::try_from(integrations.len()).unwrap_or(u32::MAX);
    if integrations.iter().all(|compiled| compiled.is_scheduled()) {
        Decision::Scheduled { integrations: count }
    } else {
        Decision::Matched { integrations: count }
    }
}
