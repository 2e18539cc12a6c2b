//! Works on the events of a lane: delivers each event's actions in sequence and records them.

use std::collections::HashSet;
use std::sync::Arc;

use ig_core::delivery_log::TriggerType;
use ig_core::event::Event;
use ig_core::id::LogId;
use ig_core::message::MessageId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use tokio_util::sync::CancellationToken;

use crate::compiled_integration::CompiledIntegration;
use crate::decided_event::EventGone;
use crate::executor::{DeliveryExecutor, DeliveryTask};
use crate::lanes::{ItemPurpose, LaneItem};
use crate::live_configuration::LiveConfiguration;
use crate::metrics;
use crate::planner::{self, Planner};
use crate::recorder::Recorder;
use crate::work_scope::WorkScope;

/// Delivers the events of lanes.
pub(crate) struct LaneWorker {
    executor: Arc<DeliveryExecutor>,
    planner: Planner,
    configuration: Arc<LiveConfiguration>,
    recorder: Recorder,
}

impl LaneWorker {
    pub(crate) fn new(
        executor: Arc<DeliveryExecutor>,
        planner: Planner,
        configuration: Arc<LiveConfiguration>,
        recorder: Recorder,
    ) -> Arc<Self> {
        Arc::new(Self {
            executor,
            planner,
            configuration,
            recorder,
        })
    }

    /// The log ids of the deliveries of an event.
    pub(crate) fn log_ids(&self, item: &LaneItem) -> Vec<LogId> {
        let (compiled, event) = (self.current_integration(item), &item.decided.event);
        let actions = 0..compiled.actions.len();
        actions
            .map(|action| message_id(&compiled, event, action).log_id(event.created_at))
            .collect()
    }

    /// The id of the scheduled row that an event becomes, if its deliveries are made later.
    pub(crate) fn scheduled_id(&self, item: &LaneItem, stop: &CancellationToken) -> Option<LogId> {
        let compiled = self.configuration.integration(item.compiled.integration.id)?;
        let is_planned = item.purpose == ItemPurpose::Deliver && compiled.is_scheduled();
        let first = delivery_task(item, &item.decided.event, &compiled, 0, stop);
        is_planned.then(|| planner::scheduled_id(&first)).flatten()
    }

    /// The integration as configured now, or as it was when the event matched if it has been deleted since.
    fn current_integration(&self, item: &LaneItem) -> Arc<CompiledIntegration> {
        let now = self.configuration.integration(item.compiled.integration.id);
        now.unwrap_or_else(|| Arc::clone(&item.compiled))
    }

    /// Makes all deliveries of an event through one integration, except those that are recorded.
    pub(crate) async fn process(&self, item: &LaneItem, event: &Event, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let Some(compiled) = self.configuration.integration(item.compiled.integration.id) else {
            return self.skip_deleted(item, event, recorded, stop).await;
        };
        if item.purpose == ItemPurpose::Cancel || compiled.is_scheduled() {
            return self.plan_or_cancel(item, event, &compiled, stop).await;
        }
        for index in 0..compiled.actions.len() {
            let task = delivery_task(item, event, &compiled, index, stop);
            let delay = compiled.integration.multi_action_delay;
            if index > 0 && task.scope.sleep(delay).await.is_err() {
                return;
            }
            if recorded.contains(&task.message.log_id(event.created_at)) {
                continue;
            }
            let Ok(entry) = self.executor.execute(&task).await else {
                return;
            };
            self.record(item, entry).await;
        }
        item.ticket.part_done();
    }

    /// Records an event that is gone: each delivery that is not recorded becomes a dead letter for people to look at.
    pub(crate) async fn record_gone(
        &self,
        item: &LaneItem,
        gone: &EventGone,
        recorded: &HashSet<LogId>,
        stop: &CancellationToken,
    ) {
        let event = &item.decided.event;
        let Some(compiled) = self.configuration.integration(item.compiled.integration.id) else {
            return self.skip_deleted(item, event, recorded, stop).await;
        };
        metrics::count_gone_event(&event.source);
        let (failure, actions) = match item.purpose {
            ItemPurpose::Deliver => (gone.to_string(), compiled.actions.len()),
            ItemPurpose::Cancel => (format!("{gone} What it was to call off may still be pending."), 1),
        };
        let is_planned = self.scheduled_id(item, stop).is_some_and(|id| recorded.contains(&id));
        for index in (0..actions).filter(|_| !is_planned) {
            let task = delivery_task(item, event, &compiled, index, stop);
            if !recorded.contains(&task.message.log_id(event.created_at)) {
                let failure = Failure::new(ErrorCategory::Source, failure.clone());
                self.record(item, self.executor.event_gone_entry(&task, failure)).await;
            }
        }
        item.ticket.part_done();
    }

    /// Plans deliveries for later, or cancels planned ones. The scheduler makes those that are planned.
    async fn plan_or_cancel(&self, item: &LaneItem, event: &Event, compiled: &CompiledIntegration, stop: &CancellationToken) {
        let tasks: Vec<_> = (0..compiled.actions.len())
            .map(|index| delivery_task(item, event, compiled, index, stop))
            .collect();
        let entries = match item.purpose {
            ItemPurpose::Deliver => self.planner.plan(&tasks).await,
            ItemPurpose::Cancel => self.planner.cancel(&tasks[0]).await,
        };
        let Ok(entries) = entries else { return };
        for entry in entries {
            self.record(item, entry).await;
        }
        item.ticket.part_done();
    }

    async fn record(&self, item: &LaneItem, entry: JournalEntry) {
        item.ticket.add_parts(1);
        let permit = self.recorder.acquire_permit().await;
        self.recorder.record(entry, Some(item.ticket.clone()), permit);
    }

    /// An integration that was deleted while its event waited gets nothing; the skip is recorded.
    async fn skip_deleted(&self, item: &LaneItem, event: &Event, recorded: &HashSet<LogId>, stop: &CancellationToken) {
        let task = delivery_task(item, event, &item.compiled, 0, stop);
        if item.purpose == ItemPurpose::Deliver && !recorded.contains(&task.message.log_id(event.created_at)) {
            let entry = self
                .executor
                .skip_entry(&task, "the integration was deleted before its turn came");
            self.record(item, entry).await;
        }
        item.ticket.part_done();
    }
}

fn delivery_task<'a>(
    item: &'a LaneItem,
    event: &'a Event,
    compiled: &'a CompiledIntegration,
    index: usize,
    stop: &'a CancellationToken,
) -> DeliveryTask<'a> {
    DeliveryTask {
        event,
        compiled,
        index,
        message: message_id(compiled, event, index),
        trace: &item.decided.trace,
        trigger: TriggerType::Event,
        max_attempts: compiled.integration.attempts,
        scope: WorkScope {
            ticket: Some(&item.ticket),
            stop,
        },
    }
}

fn message_id(compiled: &CompiledIntegration, event: &Event, action: usize) -> MessageId {
    let index = u16::try_from(action).unwrap_or(u16::MAX);
    MessageId::derive(&event.source, &event.id, compiled.integration.id, index)
}
