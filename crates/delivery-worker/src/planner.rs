//! Plans deliveries that are made later: an event becomes a row that the scheduler delivers when it is due, or cancels rows of earlier
//! events.

use std::sync::Arc;

use chrono::TimeDelta;
use ig_core::clock::{Clock, Timestamp};
use ig_core::delivery_log::EventRef;
use ig_core::event::Event;
use ig_core::id::{LogId, ScheduledId};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::JournalEntry;
use ig_core::schedule::{CancelAction, CancelRule, Delay, Due, MatchKey, Recurrence, Scheduling, Zone};
use ig_core::scheduled::{CancellationEvent, CancellationKey, ScheduledDelivery, ScheduledStatus, Series};
use ig_transform::{CompiledScript, Subject, Transformer};

use crate::executor::{DeliveryExecutor, DeliveryTask, TransformFailure, retry_until_available};
use crate::live_configuration::LiveConfiguration;
use crate::retention::Retention;
use crate::work_scope::WorkEnded;

/// Sources store whole seconds, and their clocks may be a little ahead: an event no older than this has just arrived.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// Plans deliveries.
pub(crate) struct Planner {
    /// Records what cannot be planned.
    pub executor: Arc<DeliveryExecutor>,
    /// Runs the scripts that compute a time.
    pub transformer: Transformer,
    pub configuration: Arc<LiveConfiguration>,
    /// How long rows are kept.
    pub retention: Retention,
    pub clock: Arc<dyn Clock>,
}

/// When deliveries are to be made.
enum PlannedTime {
    /// At this time, and perhaps repeatedly.
    At(Timestamp, Option<Series>),
    /// Never, for this reason.
    Never(&'static str),
    /// The time could not be computed.
    Unknown(Failure),
}

impl Planner {
    /// The entries for an event whose deliveries, one for each task, are made later.
    pub(crate) async fn plan(&self, tasks: &[DeliveryTask<'_>]) -> Result<Vec<JournalEntry>, WorkEnded> {
        let Some(first) = tasks.first() else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        Ok(match self.plan_time(first, now).await? {
            PlannedTime::At(at, series) => {
                let delivery = self.scheduled_delivery(first, at, series, now);
                vec![JournalEntry::Scheduled(Box::new(delivery))]
            }
            PlannedTime::Never(reason) => vec![self.executor.skip_entry(first, reason)],
            PlannedTime::Unknown(failure) => {
                let failed = tasks.iter().map(|task| self.executor.failure_entry(task, failure.clone()));
                failed.collect()
            }
        })
    }

    /// The entries for an event that cancels pending deliveries.
    pub(crate) async fn cancel(&self, task: &DeliveryTask<'_>) -> Result<Vec<JournalEntry>, WorkEnded> {
        let event = task.event;
        let mut entries = Vec::new();
        for rule in task.compiled.integration.schedule.cancel_on() {
            if let Some(values) = rule.cancellation_key(&event.event_type, &event.payload.json) {
                let cancellation = self.cancel_by_rule(task, rule, values).await?;
                entries.push(JournalEntry::Cancellation(Box::new(cancellation)));
            }
        }
        Ok(entries)
    }

    async fn cancel_by_rule(
        &self,
        task: &DeliveryTask<'_>,
        rule: &CancelRule,
        values: MatchKey,
    ) -> Result<CancellationEvent, WorkEnded> {
        let (event, integration, now) = (task.event, &task.compiled.integration, self.clock.now());
        let mut reason = format!("Called off by event {} ({}).", event.id, event.event_type);
        let mut replacement = None;
        if rule.action() == CancelAction::Reschedule {
            match self.plan_time(task, now).await? {
                PlannedTime::At(at, series) => {
                    reason = format!("Replaced for event {} ({}).", event.id, event.event_type);
                    replacement = Some(Box::new(self.scheduled_delivery(task, at, series, now)));
                }
                PlannedTime::Never(why) => reason = format!("{reason} It is not planned anew: {why}."),
                PlannedTime::Unknown(failure) => reason = format!("{reason} It cannot be planned anew: {}", failure.message),
            }
        }
        Ok(CancellationEvent {
            org_id: event.org_id,
            integration: integration.id,
            key: CancellationKey::new(event.org_id, integration.id, values),
            event: event_ref(event),
            position: event.position,
            happened_at: event.created_at.unwrap_or(now),
            replacement,
            reason,
            keep_for: self.retention.keep_for(Some(event.org_id)),
            decided_at: now,
        })
    }

    async fn plan_time(&self, task: &DeliveryTask<'_>, now: Timestamp) -> Result<PlannedTime, WorkEnded> {
        let event = task.event;
        let (zone, event_at) = (
            self.configuration.zone(event.org_id, event.entity_rid),
            event_time(event, now),
        );
        match task.compiled.integration.schedule.when() {
            Scheduling::Immediate => Ok(PlannedTime::At(now, None)),
            Scheduling::Delayed(delay) => self.delayed_time(task, delay, event_at, zone, now).await,
            Scheduling::Recurring(recurrence) => Ok(recurring_time(task, recurrence, event_at, zone)),
        }
    }

    async fn delayed_time(
        &self,
        task: &DeliveryTask<'_>,
        delay: &Delay,
        event_at: Timestamp,
        zone: Zone,
        now: Timestamp,
    ) -> Result<PlannedTime, WorkEnded> {
        let due = match (delay.due(&task.event.payload.json, event_at, zone), &task.compiled.due_script) {
            (Ok(Due::At(at)), _) => Ok(at),
            (Ok(Due::Script(_)), Some(script)) => return self.run_due_script(task, delay, script, zone, now).await,
            (Ok(Due::Script(_)), None) => Err("The script that tells the time is not known.".to_owned()),
            (Err(reason), _) => Err(reason),
        };
        Ok(one_off_time(due, now))
    }

    async fn run_due_script(
        &self,
        task: &DeliveryTask<'_>,
        delay: &Delay,
        script: &CompiledScript,
        zone: Zone,
        now: Timestamp,
    ) -> Result<PlannedTime, WorkEnded> {
        let event = task.event;
        let subject = Subject {
            org_id: event.org_id,
            entity_rid: event.entity_rid,
            integration: task.compiled.integration.id,
            event_type: &event.event_type,
            now,
        };
        let attempt = || self.transformer.evaluate_script(script, &event.payload, &subject);
        loop {
            let (due, _console) = retry_until_available(task.scope, attempt).await?;
            return Ok(match due {
                Ok(Some(value)) => one_off_time(delay.parse_due(&value, zone), now),
                Ok(None) => PlannedTime::Never("the script told no time"),
                Err(TransformFailure::Refused(refusal)) => unknown_time(refusal.to_string()),
                // A planned delivery cannot become a dead letter, which would be retried as if it were due then. It waits here until the
                // script runs again.
                Err(TransformFailure::Disabled(refusal, remaining)) => {
                    tracing::warn!(%refusal, "a time cannot be told yet; waiting");
                    task.scope.sleep(remaining).await?;
                    continue;
                }
            });
        }
    }

    fn scheduled_delivery(
        &self,
        task: &DeliveryTask<'_>,
        scheduled_for: Timestamp,
        series: Option<Series>,
        now: Timestamp,
    ) -> ScheduledDelivery {
        let (event, integration) = (task.event, &task.compiled.integration);
        let event_ref = event_ref(event);
        let keys = integration.schedule.cancel_on().iter();
        let keys = keys.filter_map(|rule| rule.key(&event.payload.json));
        ScheduledDelivery {
            id: ScheduledDelivery::identity(&event_ref, integration.id, series.as_ref().map(|series| series.number)),
            org_id: event.org_id,
            entity_rid: event.entity_rid,
            integration: integration.id,
            integration_name: integration.name.clone(),
            event: event_ref,
            position: event.position,
            happened_at: event.created_at.unwrap_or(now),
            target: integration.target.clone(),
            payload: event.payload.raw.clone(),
            scheduled_for,
            series,
            cancellation_keys: keys
                .map(|values| CancellationKey::new(event.org_id, integration.id, values))
                .collect(),
            status: ScheduledStatus::Pending,
            error: None,
            cancellation: None,
            trace_id: task.trace.trace_id().to_owned(),
            keep_for: self.retention.keep_for(Some(event.org_id)),
            created_at: now,
            updated_at: now,
        }
    }
}

/// The id of the row of an event whose deliveries are made later, whether or not that row exists.
pub(crate) fn scheduled_id(first: &DeliveryTask<'_>) -> Option<LogId> {
    let integration = &first.compiled.integration;
    let number = match integration.schedule.when() {
        Scheduling::Immediate => return None,
        Scheduling::Delayed(_) => None,
        Scheduling::Recurring(_) => Some(1),
    };
    let ScheduledId(id) = ScheduledDelivery::identity(&event_ref(first.event), integration.id, number);
    Some(LogId(id))
}

/// A delivery whose time has passed is made at once.
fn one_off_time(due: Result<Timestamp, String>, now: Timestamp) -> PlannedTime {
    match due {
        Ok(at) => PlannedTime::At(at.max(now), None),
        Err(reason) => unknown_time(reason),
    }
}

fn unknown_time(reason: String) -> PlannedTime {
    PlannedTime::Unknown(Failure::new(ErrorCategory::Transformation, reason))
}

fn recurring_time(task: &DeliveryTask<'_>, recurrence: &Recurrence, event_at: Timestamp, zone: Zone) -> PlannedTime {
    let Some(first) = recurrence.first(event_at, zone) else {
        return PlannedTime::Never("the schedule has no occurrence after the event");
    };
    let series = Series {
        number: first.number,
        at: first.at,
        schedule: task.compiled.integration.schedule.clone(),
        zone,
    };
    PlannedTime::At(first.at, Some(series))
}

fn event_time(event: &Event, now: Timestamp) -> Timestamp {
    let earlier = event.created_at.filter(|at| now.signed_duration_since(*at) > CLOCK_TOLERANCE);
    earlier.unwrap_or(now)
}

fn event_ref(event: &Event) -> EventRef {
    EventRef {
        source: event.source.clone(),
        id: event.id.clone(),
        event_type: event.event_type.clone(),
        created_at: event.created_at,
    }
}
