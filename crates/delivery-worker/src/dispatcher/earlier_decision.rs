//! Applies a decision that was made about an event before its partition changed hands.

use std::sync::Arc;

use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::event::Event;

use super::{Content, Dispatcher, ids, matched};
use crate::admitted_event::AdmittedEvent;
use crate::compiled_integration::CompiledIntegration;
use crate::decided_event::{DecidedEvent, EventGone};
use crate::decision_lookup::EarlierDecision;
use crate::event_trace::EventTrace;

/// What became of an earlier decision.
pub(super) enum EarlierOutcome {
    /// It stands.
    Unchanged,
    /// It stands for some of its integrations: the others were deleted.
    Changed(Box<EventAudit>),
    /// Its row holds another event now, about which nothing was decided.
    Replaced,
    /// Its table was emptied since, and its row's event has another id.
    Outlived,
}

impl Dispatcher {
    /// Queues an event for the integrations of its earlier decision.
    pub(super) fn apply_earlier(
        &self,
        admitted: &AdmittedEvent,
        earlier: &EarlierDecision,
        trace: &EventTrace,
    ) -> EarlierOutcome {
        let (audit, resolved) = (&earlier.audit, &admitted.resolved);
        let Some(decided) = DecidedEvent::from_audit(audit, trace) else {
            return EarlierOutcome::Unchanged;
        };
        let content = if earlier.is_visible {
            decided.with_payload_of(&resolved.row).map(Arc::new)
        } else {
            Err(EventGone::Deleted)
        };
        let content: Content<'_> = match &content {
            Err(EventGone::Replaced) if audit.event_id == resolved.event_id() => return EarlierOutcome::Replaced,
            Err(EventGone::Replaced) if admitted.state.was_done(audit) => return EarlierOutcome::Outlived,
            Err(gone @ EventGone::Replaced) => {
                let integrations = self.remaining_integrations(audit, &decided.event, Err(gone));
                self.queue(admitted, &decided, Err(gone), &integrations);
                return EarlierOutcome::Outlived;
            }
            content => content.as_ref(),
        };
        match audit.decision {
            Decision::Skipped(SkipReason::NoMatch) => {
                self.call_off(admitted, &decided, content);
                EarlierOutcome::Unchanged
            }
            Decision::Skipped(_) => EarlierOutcome::Unchanged,
            Decision::Matched { .. } | Decision::Scheduled { .. } => {
                self.call_off(admitted, &decided, content);
                let integrations = self.remaining_integrations(audit, &decided.event, content);
                self.queue(admitted, &decided, content, &integrations);
                self.outcome_for(audit, &integrations)
            }
        }
    }

    /// The integrations of an earlier decision that still exist. For an audit that does not name them, the filters are evaluated once more.
    fn remaining_integrations(&self, audit: &EventAudit, event: &Event, content: Content<'_>) -> Vec<Arc<CompiledIntegration>> {
        if !audit.matched.is_empty() {
            let now = audit.matched.iter().filter_map(|id| self.configuration.integration(*id));
            return now.filter(|compiled| compiled.integration.org_id == event.org_id).collect();
        }
        match content {
            Ok(event) => self.integrations_for(event).unwrap_or_default(),
            Err(_) => self.configuration.matches(event.org_id, &event.event_type, event.entity_rid),
        }
    }

    fn outcome_for(&self, audit: &EventAudit, integrations: &[Arc<CompiledIntegration>]) -> EarlierOutcome {
        let (Decision::Matched { integrations: before } | Decision::Scheduled { integrations: before }) = audit.decision else {
            return EarlierOutcome::Unchanged;
        };
        let missing = usize::try_from(before)
            .unwrap_or(usize::MAX)
            .saturating_sub(integrations.len());
        if missing == 0 {
            return EarlierOutcome::Unchanged;
        }
        let decision = if integrations.is_empty() {
            Decision::Skipped(SkipReason::NoMatch)
        } else {
            matched(integrations)
        };
        let detail = format!("{missing} of its {before} integrations were deleted before its turn came");
        EarlierOutcome::Changed(Box::new(EventAudit {
            decision,
            matched: ids(integrations),
            detail: Some(detail),
            decided_at: self.clock.now(),
            configuration_revision: self.configuration.revision(),
            ..audit.clone()
        }))
    }
}
