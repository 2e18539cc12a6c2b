//! Works a lane off: makes what an event causes through one integration, action after action, and has it written down.

use std::collections::HashSet;
use std::sync::Arc;

use ig_core::delivery_log::TriggerType;
use ig_core::event::Event;
use ig_core::id::LogId;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use tokio_util::sync::CancellationToken;

use crate::compiled::{CompiledIntegration, LiveConfiguration};
use crate::decided_event::Gone;
use crate::executor::{Assignment, Hold, Maker};
use crate::lanes::{Purpose, Work};
use crate::metrics;
use crate::planner::{self, Planner};
use crate::recorder::Recorder;

/// Makes the deliveries of lanes.
pub(crate) struct Courier {
    maker: Arc<Maker>,
    planner: Planner,
    configuration: Arc<LiveConfiguration>,
    recorder: Recorder,
}

impl Courier {
    /// Puts the parts together.
    pub(crate) fn new(
        maker: Arc<Maker>,
        planner: Planner,
        configuration: Arc<LiveConfiguration>,
        recorder: Recorder,
    ) -> Arc<Self> {
        Arc::new(Self {
            maker,
            planner,
            configuration,
            recorder,
        })
    }

    /// The logs that the deliveries of an event will have.
    pub(crate) fn log_ids(&self, work: &Work) -> Vec<LogId> {
        let (compiled, event) = (self.current(work), &work.decided.event);
        let actions = 0..compiled.actions.len();
        actions
            .map(|action| message_id(&compiled, event, action).log_id(event.created_at))
            .collect()
    }

    /// What the row is called that an event becomes where its deliveries are made later.
    pub(crate) fn plan_id(&self, work: &Work, stop: &CancellationToken) -> Option<LogId> {
        let compiled = self.configuration.integration(work.compiled.integration.id)?;
        let is_planned = work.purpose == Purpose::Deliver && compiled.is_scheduled();
        let first = assignment(work, &work.decided.event, &compiled, 0, stop);
        is_planned.then(|| planner::plan_id(&first)).flatten()
    }

    /// The integration as it is configured now; as it was when the event was matched, if it has been deleted since.
    fn current(&self, work: &Work) -> Arc<CompiledIntegration> {
        let now = self.configuration.integration(work.compiled.integration.id);
        now.unwrap_or_else(|| Arc::clone(&work.compiled))
    }

    /// Makes every delivery that an event causes through one integration, but for those that are recorded.
    pub(crate) async fn deliver(&self, work: &Work, event: &Event, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let Some(compiled) = self.configuration.integration(work.compiled.integration.id) else {
            return self.skip_deleted(work, event, recorded, stop).await;
        };
        if work.purpose == Purpose::CallOff || compiled.is_scheduled() {
            return self.plan(work, event, &compiled, stop).await;
        }
        for index in 0..compiled.actions.len() {
            let assignment = assignment(work, event, &compiled, index, stop);
            let delay = compiled.integration.multi_action_delay;
            if index > 0 && assignment.hold.pause(delay).await.is_err() {
                return;
            }
            if recorded.contains(&assignment.message.log_id(event.created_at)) {
                continue;
            }
            let Ok(entry) = self.maker.make(&assignment).await else {
                return;
            };
            self.record(work, entry).await;
        }
        work.ticket.part_done();
    }

    /// Nothing can be made of an event that is gone: each delivery that is not recorded becomes a dead letter for people.
    pub(crate) async fn give_up(&self, work: &Work, gone: &Gone, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let event = &work.decided.event;
        let Some(compiled) = self.configuration.integration(work.compiled.integration.id) else {
            return self.skip_deleted(work, event, recorded, stop).await;
        };
        metrics::event_gone(&event.source);
        let (failure, actions) = match work.purpose {
            Purpose::Deliver => (gone.to_string(), compiled.actions.len()),
            Purpose::CallOff => (format!("{gone} What it was to call off may still be pending."), 1),
        };
        let is_planned = self.plan_id(work, stop).is_some_and(|id| recorded.contains(&id));
        for index in (0..actions).filter(|_| !is_planned) {
            let assignment = assignment(work, event, &compiled, index, stop);
            if !recorded.contains(&assignment.message.log_id(event.created_at)) {
                let failure = Failure::new(ErrorCategory::Source, failure.clone());
                self.record(work, self.maker.lose(&assignment, failure)).await;
            }
        }
        work.ticket.part_done();
    }

    /// What is for later is written down, and no more is done about it here.
    async fn plan(&self, work: &Work, event: &Event, compiled: &CompiledIntegration, stop: &CancellationToken) {
        let assignments: Vec<_> = (0..compiled.actions.len())
            .map(|index| assignment(work, event, compiled, index, stop))
            .collect();
        let planned = match work.purpose {
            Purpose::Deliver => self.planner.plan(&assignments).await,
            Purpose::CallOff => self.planner.call_off(&assignments[0]).await,
        };
        let Ok(entries) = planned else { return };
        for entry in entries {
            self.record(work, entry).await;
        }
        work.ticket.part_done();
    }

    async fn record(&self, work: &Work, entry: JournalEntry) {
        work.ticket.expect(1);
        let room = self.recorder.room().await;
        self.recorder.record(entry, Some(work.ticket.clone()), room);
    }

    /// An integration that was deleted while its event waited gets nothing; that is written down too.
    async fn skip_deleted(&self, work: &Work, event: &Event, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let assignment = assignment(work, event, &work.compiled, 0, stop);
        if work.purpose == Purpose::Deliver && !recorded.contains(&assignment.message.log_id(event.created_at)) {
            let entry = self
                .maker
                .skip(&assignment, "the integration was deleted before its turn came");
            self.record(work, entry).await;
        }
        work.ticket.part_done();
    }
}

fn assignment<'a>(
    work: &'a Work,
    event: &'a Event,
    compiled: &'a CompiledIntegration,
    index: usize,
    stop: &'a CancellationToken,
) -> Assignment<'a> {
    Assignment {
        event,
        compiled,
        index,
        message: message_id(compiled, event, index),
        trace: &work.decided.trace,
        trigger: TriggerType::Event,
        attempts: compiled.integration.attempts,
        hold: Hold {
            ticket: Some(&work.ticket),
            stop,
        },
    }
}

fn message_id(compiled: &CompiledIntegration, event: &Event, action: usize) -> MessageId {
    let index = u16::try_from(action).unwrap_or(u16::MAX);
    MessageId::derive(&event.source, &event.id, compiled.integration.id, index)
}
