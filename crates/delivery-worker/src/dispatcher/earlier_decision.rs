//! Abiding by what was decided about an event before its partition changed hands.

use std::sync::Arc;

use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::event::Event;

use super::{Content, Dispatch, ids, matched};
use crate::admitted_event::Taken;
use crate::compiled::CompiledIntegration;
use crate::decided_event::{Decided, Gone};
use crate::decision_lookup::Earlier;
use crate::event_trace::EventTrace;

/// What became of an earlier decision.
pub(super) enum Abided {
    /// It stands.
    Unchanged,
    /// It stands for a part of its integrations: the others are not there any more.
    Changed(Box<EventAudit>),
    /// Its row holds another event now, about which nothing was decided.
    Replaced,
    /// Its table was emptied since, and its row's event has another name.
    Outlived,
}

impl Dispatch {
    /// Queues an event for the integrations that it was decided to be for.
    pub(super) fn abide(&self, taken: &Taken, earlier: &Earlier, trace: &EventTrace) -> Abided {
        let (audit, addressed) = (&earlier.audit, &taken.addressed);
        let Some(decided) = Decided::earlier(audit, trace) else {
            return Abided::Unchanged;
        };
        let content = if earlier.is_visible {
            decided.read_again(&addressed.row).map(Arc::new)
        } else {
            Err(Gone::Deleted)
        };
        let content: Content<'_> = match &content {
            Err(Gone::Replaced) if audit.event_id == addressed.event_id() => return Abided::Replaced,
            Err(Gone::Replaced) if taken.state.was_done(audit) => return Abided::Outlived,
            Err(gone @ Gone::Replaced) => {
                let integrations = self.still_there(audit, &decided.event, Err(gone));
                self.queue(taken, &decided, Err(gone), &integrations);
                return Abided::Outlived;
            }
            content => content.as_ref(),
        };
        match audit.decision {
            Decision::Skipped(SkipReason::NoMatch) => {
                self.call_off(taken, &decided, content);
                Abided::Unchanged
            }
            Decision::Skipped(_) => Abided::Unchanged,
            Decision::Matched { .. } | Decision::Scheduled { .. } => {
                self.call_off(taken, &decided, content);
                let integrations = self.still_there(audit, &decided.event, content);
                self.queue(taken, &decided, content, &integrations);
                self.changed(audit, &integrations)
            }
        }
    }

    /// The integrations that an event was decided to be for. Records that do not name them leave the filters to be asked once more.
    fn still_there(&self, audit: &EventAudit, event: &Event, content: Content<'_>) -> Vec<Arc<CompiledIntegration>> {
        if !audit.matched.is_empty() {
            let now = audit.matched.iter().filter_map(|id| self.configuration.integration(*id));
            return now.filter(|compiled| compiled.integration.org_id == event.org_id).collect();
        }
        match content {
            Ok(event) => self.integrations_for(event).unwrap_or_default(),
            Err(_) => self.configuration.matches(event.org_id, &event.event_type, event.entity_rid),
        }
    }

    fn changed(&self, audit: &EventAudit, integrations: &[Arc<CompiledIntegration>]) -> Abided {
        let (Decision::Matched { integrations: before } | Decision::Scheduled { integrations: before }) = audit.decision else {
            return Abided::Unchanged;
        };
        let missing = usize::try_from(before)
            .unwrap_or(usize::MAX)
            .saturating_sub(integrations.len());
        if missing == 0 {
            return Abided::Unchanged;
        }
        let decision = if integrations.is_empty() {
            Decision::Skipped(SkipReason::NoMatch)
        } else {
            matched(integrations)
        };
        let detail = format!("{missing} of its {before} integrations were deleted before its turn came");
        Abided::Changed(Box::new(EventAudit {
            decision,
            matched: ids(integrations),
            detail: Some(detail),
            decided_at: self.clock.now(),
            configuration_revision: self.configuration.revision(),
            ..audit.clone()
        }))
    }
}
