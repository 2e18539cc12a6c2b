//! Plans deliveries that are made later: an event becomes a row that the scheduler delivers when it is due, or calls off rows of earlier
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
use ig_core::scheduled::{CallOff, CallOffKey, ScheduledDelivery, ScheduledStatus, Series};
use ig_transform::{CompiledScript, Subject, Transformer};

use crate::executor::{Cancelled, DeliveryExecutor, DeliveryTask, TransformFailure, retry_until_available};
use crate::live_configuration::LiveConfiguration;
use crate::retention::Retention;

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
enum Planned {
    /// At this time, and perhaps repeatedly.
    At(Timestamp, Option<Series>),
    /// Never, for this reason.
    Never(&'static str),
    /// The time could not be computed.
    Unknown(Failure),
}

impl Planner {
    /// The entries for an event whose deliveries, one for each task, are made later.
    pub(crate) async fn plan(&self, tasks: &[DeliveryTask<'_>]) -> Result<Vec<JournalEntry>, Cancelled> {
        let Some(first) = tasks.first() else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        Ok(match self.plan_time(first, now).await? {
            Planned::At(at, series) => {
                let delivery = self.delivery(first, at, series, now);
                vec![JournalEntry::Scheduled(Box::new(delivery))]
            }
            Planned::Never(reason) => vec![self.executor.record_skip(first, reason)],
            Planned::Unknown(failure) => {
                let failed = tasks.iter().map(|task| self.executor.record_failure(task, failure.clone()));
                failed.collect()
            }
        })
    }

    /// The entries for an event that calls off pending deliveries.
    pub(crate) async fn call_off(&self, task: &DeliveryTask<'_>) -> Result<Vec<JournalEntry>, Cancelled> {
        let event = task.event;
        let mut entries = Vec::new();
        for rule in task.compiled.integration.schedule.cancel_on() {
            if let Some(values) = rule.called_off_by(&event.event_type, &event.payload.json) {
                let call_off = self.call_off_by_rule(task, rule, values).await?;
                entries.push(JournalEntry::CalledOff(Box::new(call_off)));
            }
        }
        Ok(entries)
    }

    async fn call_off_by_rule(&self, task: &DeliveryTask<'_>, rule: &CancelRule, values: MatchKey) -> Result<CallOff, Cancelled> {
        let (event, integration, now) = (task.event, &task.compiled.integration, self.clock.now());
        let mut reason = format!("Called off by event {} ({}).", event.id, event.event_type);
        let mut replacement = None;
        if rule.action() == CancelAction::Reschedule {
            match self.plan_time(task, now).await? {
                Planned::At(at, series) => {
                    reason = format!("Replaced for event {} ({}).", event.id, event.event_type);
                    replacement = Some(Box::new(self.delivery(task, at, series, now)));
                }
                Planned::Never(why) => reason = format!("{reason} It is not planned anew: {why}."),
                Planned::Unknown(failure) => reason = format!("{reason} It cannot be planned anew: {}", failure.message),
            }
        }
        Ok(CallOff {
            org_id: event.org_id,
            integration: integration.id,
            key: CallOffKey::new(event.org_id, integration.id, values),
            event: reference(event),
            position: event.position,
            happened_at: event.created_at.unwrap_or(now),
            replacement,
            reason,
            keep_for: self.retention.keep_for(Some(event.org_id)),
            decided_at: now,
        })
    }

    async fn plan_time(&self, task: &DeliveryTask<'_>, now: Timestamp) -> Result<Planned, Cancelled> {
        let event = task.event;
        let (zone, event_at) = (
            self.configuration.zone(event.org_id, event.entity_rid),
            event_time(event, now),
        );
        match task.compiled.integration.schedule.when() {
            Scheduling::Immediate => Ok(Planned::At(now, None)),
            Scheduling::Delayed(delay) => self.delayed(task, delay, event_at, zone, now).await,
            Scheduling::Recurring(recurrence) => Ok(recurring(task, recurrence, event_at, zone)),
        }
    }

    async fn delayed(
        &self,
        task: &DeliveryTask<'_>,
        delay: &Delay,
        event_at: Timestamp,
        zone: Zone,
        now: Timestamp,
    ) -> Result<Planned, Cancelled> {
        let due = match (delay.due(&task.event.payload.json, event_at, zone), &task.compiled.due_script) {
            (Ok(Due::At(at)), _) => Ok(at),
            (Ok(Due::Ask(_)), Some(script)) => return self.run_due_script(task, delay, script, zone, now).await,
            (Ok(Due::Ask(_)), None) => Err("The script that tells the time is not known.".to_owned()),
            (Err(reason), _) => Err(reason),
        };
        Ok(once(due, now))
    }

    async fn run_due_script(
        &self,
        task: &DeliveryTask<'_>,
        delay: &Delay,
        script: &CompiledScript,
        zone: Zone,
        now: Timestamp,
    ) -> Result<Planned, Cancelled> {
        let event = task.event;
        let subject = Subject {
            org_id: event.org_id,
            entity_rid: event.entity_rid,
            integration: task.compiled.integration.id,
            event_type: &event.event_type,
            now,
        };
        let ask = || self.transformer.evaluate_script(script, &event.payload, &subject);
        loop {
            let (due, _console) = retry_until_available(task.scope, ask).await?;
            return Ok(match due {
                Ok(Some(value)) => once(delay.told(&value, zone), now),
                Ok(None) => Planned::Never("the script told no time"),
                Err(TransformFailure::Refused(refusal)) => unknown(refusal.to_string()),
                // A planned delivery cannot become a dead letter, which would be retried as if it were due then. It waits here until the
                // script runs again.
                Err(TransformFailure::Disabled(refusal, left)) => {
                    tracing::warn!(%refusal, "a time cannot be told yet; waiting");
                    task.scope.sleep(left).await?;
                    continue;
                }
            });
        }
    }

    fn delivery(
        &self,
        task: &DeliveryTask<'_>,
        scheduled_for: Timestamp,
        series: Option<Series>,
        now: Timestamp,
    ) -> ScheduledDelivery {
        let (event, integration) = (task.event, &task.compiled.integration);
        let about = reference(event);
        let keys = integration.schedule.cancel_on().iter();
        let keys = keys.filter_map(|rule| rule.key(&event.payload.json));
        ScheduledDelivery {
            id: ScheduledDelivery::identity(&about, integration.id, series.as_ref().map(|series| series.number)),
            org_id: event.org_id,
            entity_rid: event.entity_rid,
            integration: integration.id,
            integration_name: integration.name.clone(),
            event: about,
            position: event.position,
            happened_at: event.created_at.unwrap_or(now),
            target: integration.target.clone(),
            payload: event.payload.raw.clone(),
            scheduled_for,
            series,
            call_off_keys: keys
                .map(|values| CallOffKey::new(event.org_id, integration.id, values))
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
pub(crate) fn plan_id(first: &DeliveryTask<'_>) -> Option<LogId> {
    let integration = &first.compiled.integration;
    let number = match integration.schedule.when() {
        Scheduling::Immediate => return None,
        Scheduling::Delayed(_) => None,
        Scheduling::Recurring(_) => Some(1),
    };
    let ScheduledId(id) = ScheduledDelivery::identity(&reference(first.event), integration.id, number);
    Some(LogId(id))
}

/// A delivery whose time has passed is made at once.
fn once(due: Result<Timestamp, String>, now: Timestamp) -> Planned {
    match due {
        Ok(at) => Planned::At(at.max(now), None),
        Err(reason) => unknown(reason),
    }
}

fn unknown(reason: String) -> Planned {
    Planned::Unknown(Failure::new(ErrorCategory::Transformation, reason))
}

fn recurring(task: &DeliveryTask<'_>, recurrence: &Recurrence, event_at: Timestamp, zone: Zone) -> Planned {
    let Some(first) = recurrence.first(event_at, zone) else {
        return Planned::Never("the schedule has no occurrence after the event");
    };
    let series = Series {
        number: first.number,
        at: first.at,
        schedule: task.compiled.integration.schedule.clone(),
        zone,
    };
    Planned::At(first.at, Some(series))
}

fn event_time(event: &Event, now: Timestamp) -> Timestamp {
    let earlier = event.created_at.filter(|at| now.signed_duration_since(*at) > CLOCK_TOLERANCE);
    earlier.unwrap_or(now)
}

fn reference(event: &Event) -> EventRef {
    EventRef {
        source: event.source.clone(),
        id: event.id.clone(),
        event_type: event.event_type.clone(),
        created_at: event.created_at,
    }
}
