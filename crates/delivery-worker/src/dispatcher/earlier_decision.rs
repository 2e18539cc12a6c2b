//! Applies a decision that was made about an event before its partition changed hands.

use std::sync::Arc;

use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::event::Event;

use super::{Dispatcher, LoadedEventRef, integration_ids, match_decision};
use crate::admitted_event::AdmittedEvent;
use crate::compiled_integration::CompiledIntegration;
use crate::decided_event::{DecidedEvent, EventGone};
use crate::decision_lookup::EarlierDecision;
use crate::event_trace::EventTrace;

/// What became of an earlier decision.
pub(super) enum EarlierDecisionOutcome {
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
    pub(super) fn requeue(
        &self,
        admitted: &AdmittedEvent,
        earlier: &EarlierDecision,
        trace: &EventTrace,
    ) -> EarlierDecisionOutcome {
        let (audit, resolved) = (&earlier.audit, &admitted.resolved);
        let Some(decided) = DecidedEvent::from_audit(audit, trace) else {
            return EarlierDecisionOutcome::Unchanged;
        };
        let loaded = if earlier.is_visible {
            decided.with_payload_of(&resolved.row).map(Arc::new)
        } else {
            Err(EventGone::Deleted)
        };
        let loaded: LoadedEventRef<'_> = match &loaded {
            Err(EventGone::Replaced) if audit.event_id == resolved.event_id() => return EarlierDecisionOutcome::Replaced,
            Err(EventGone::Replaced) if admitted.state.was_done(audit) => return EarlierDecisionOutcome::Outlived,
            Err(gone @ EventGone::Replaced) => {
                let integrations = self.remaining_integrations(audit, &decided.event, Err(gone));
                self.queue_deliveries(admitted, &decided, Err(gone), &integrations);
                return EarlierDecisionOutcome::Outlived;
            }
            loaded => loaded.as_ref(),
        };
        match audit.decision {
            Decision::Skipped(SkipReason::NoMatch) => {
                self.queue_cancellations(admitted, &decided, loaded);
                EarlierDecisionOutcome::Unchanged
            }
            Decision::Skipped(_) => EarlierDecisionOutcome::Unchanged,
            Decision::Matched { .. } | Decision::Scheduled { .. } => {
                self.queue_cancellations(admitted, &decided, loaded);
                let integrations = self.remaining_integrations(audit, &decided.event, loaded);
                self.queue_deliveries(admitted, &decided, loaded, &integrations);
                self.outcome_of_earlier(audit, &integrations)
            }
        }
    }

    /// The integrations of an earlier decision that still exist. For an audit that does not name them, the filters are evaluated once more.
    fn remaining_integrations(
        &self,
        audit: &EventAudit,
        event: &Event,
        loaded: LoadedEventRef<'_>,
    ) -> Vec<Arc<CompiledIntegration>> {
        if !audit.matched.is_empty() {
            let now = audit.matched.iter().filter_map(|id| self.configuration.integration(*id));
            return now.filter(|compiled| compiled.integration.org_id == event.org_id).collect();
        }
        match loaded {
            Ok(event) => self.integrations_for(event).unwrap_or_default(),
            Err(_) => self
                .configuration
                .matching_integrations(event.org_id, &event.event_type, event.entity_rid),
        }
    }

    fn outcome_of_earlier(&self, audit: &EventAudit, integrations: &[Arc<CompiledIntegration>]) -> EarlierDecisionOutcome {
        let (Decision::Matched { integrations: before } | Decision::Scheduled { integrations: before }) = audit.decision else {
            return EarlierDecisionOutcome::Unchanged;
        };
        let missing = usize::try_from(before)
            .unwrap_or(usize::MAX)
            .saturating_sub(integrations.len());
        if missing == 0 {
            return EarlierDecisionOutcome::Unchanged;
        }
        let decision = if integrations.is_empty() {
            Decision::Skipped(SkipReason::NoMatch)
        } else {
            match_decision(integrations)
        };
        let detail = format!("{missing} of its {before} integrations were deleted before its turn came");
        EarlierDecisionOutcome::Changed(Box::new(EventAudit {
            decision,
            matched: integration_ids(integrations),
            detail: Some(detail),
            decided_at: self.clock.now(),
            configuration_revision: self.configuration.revision(),
            ..audit.clone()
        }))
    }
}
