//! Plans what is made later: an event becomes a row that the scheduler delivers in its time, or calls off rows that earlier events left.

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

use crate::compiled::LiveConfiguration;
use crate::executor::{Assignment, Interrupted, Maker, Unshaped, insist};
use crate::retention::Retention;

/// Sources tell whole seconds, and their clocks may be a little ahead: an event that is not older than this has just come.
const JUST_NOW: TimeDelta = TimeDelta::seconds(2);

/// Plans deliveries.
pub(crate) struct Planner {
    /// Tells what cannot be planned.
    pub maker: Arc<Maker>,
    /// Runs the scripts that tell a time.
    pub transformer: Transformer,
    /// Knows the zones.
    pub configuration: Arc<LiveConfiguration>,
    /// How long rows are kept.
    pub retention: Retention,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// When something is to be made.
enum Planned {
    /// Then, and perhaps again.
    For(Timestamp, Option<Series>),
    /// Never, for this reason.
    Never(&'static str),
    /// It cannot be told.
    Unknown(Failure),
}

impl Planner {
    /// What is written down of an event whose deliveries, one for each of these, are made later.
    pub(crate) async fn plan(&self, assignments: &[Assignment<'_>]) -> Result<Vec<JournalEntry>, Interrupted> {
        let Some(first) = assignments.first() else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        Ok(match self.planned(first, now).await? {
            Planned::For(at, series) => {
                let delivery = self.delivery(first, at, series, now);
                vec![JournalEntry::Scheduled(Box::new(delivery))]
            }
            Planned::Never(reason) => vec![self.maker.skip(first, reason)],
            Planned::Unknown(failure) => {
                let given_up = assignments
                    .iter()
                    .map(|assignment| self.maker.give_up(assignment, failure.clone()));
                given_up.collect()
            }
        })
    }

    /// What is written down of an event that calls off what earlier ones left.
    pub(crate) async fn call_off(&self, assignment: &Assignment<'_>) -> Result<Vec<JournalEntry>, Interrupted> {
        let event = assignment.event;
        let mut entries = Vec::new();
        for rule in assignment.compiled.integration.schedule.cancel_on() {
            if let Some(values) = rule.called_off_by(&event.event_type, &event.payload.json) {
                let call_off = self.called_off(assignment, rule, values).await?;
                entries.push(JournalEntry::CalledOff(Box::new(call_off)));
            }
        }
        Ok(entries)
    }

    async fn called_off(&self, assignment: &Assignment<'_>, rule: &CancelRule, values: MatchKey) -> Result<CallOff, Interrupted> {
        let (event, integration, now) = (assignment.event, &assignment.compiled.integration, self.clock.now());
        let mut reason = format!("Called off by event {} ({}).", event.id, event.event_type);
        let mut replacement = None;
        if rule.action() == CancelAction::Reschedule {
            match self.planned(assignment, now).await? {
                Planned::For(at, series) => {
                    reason = format!("Replaced for event {} ({}).", event.id, event.event_type);
                    replacement = Some(Box::new(self.delivery(assignment, at, series, now)));
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

    async fn planned(&self, assignment: &Assignment<'_>, now: Timestamp) -> Result<Planned, Interrupted> {
        let event = assignment.event;
        let (zone, event_at) = (self.configuration.zone(event.org_id, event.entity_rid), came_at(event, now));
        match assignment.compiled.integration.schedule.when() {
            Scheduling::Immediate => Ok(Planned::For(now, None)),
            Scheduling::Delayed(delay) => self.delayed(assignment, delay, event_at, zone, now).await,
            Scheduling::Recurring(recurrence) => Ok(recurring(assignment, recurrence, event_at, zone)),
        }
    }

    async fn delayed(
        &self,
        assignment: &Assignment<'_>,
        delay: &Delay,
        event_at: Timestamp,
        zone: Zone,
        now: Timestamp,
    ) -> Result<Planned, Interrupted> {
        let told = match (
            delay.due(&assignment.event.payload.json, event_at, zone),
            &assignment.compiled.tells_due,
        ) {
            (Ok(Due::At(at)), _) => Ok(at),
            (Ok(Due::Ask(_)), Some(script)) => return self.ask(assignment, delay, script, zone, now).await,
            (Ok(Due::Ask(_)), None) => Err("The script that tells the time is not known.".to_owned()),
            (Err(reason), _) => Err(reason),
        };
        Ok(once(told, now))
    }

    async fn ask(
        &self,
        assignment: &Assignment<'_>,
        delay: &Delay,
        script: &CompiledScript,
        zone: Zone,
        now: Timestamp,
    ) -> Result<Planned, Interrupted> {
        let event = assignment.event;
        let subject = Subject {
            org_id: event.org_id,
            entity_rid: event.entity_rid,
            integration: assignment.compiled.integration.id,
            event_type: &event.event_type,
            now,
        };
        let ask = || self.transformer.tell(script, &event.payload, &subject);
        loop {
            let (told, _console) = insist(assignment.hold, ask).await?;
            return Ok(match told {
                Ok(Some(value)) => once(delay.told(&value, zone), now),
                Ok(None) => Planned::Never("the script told no time"),
                Err(Unshaped::Refused(refusal)) => unknown(refusal.to_string()),
                // What is planned cannot be tried again later as if it were due then: it waits here until the script is run again.
                Err(Unshaped::Disabled(refusal, left)) => {
                    tracing::warn!(%refusal, "a time cannot be told yet; waiting");
                    assignment.hold.pause(left).await?;
                    continue;
                }
            });
        }
    }

    fn delivery(
        &self,
        assignment: &Assignment<'_>,
        scheduled_for: Timestamp,
        series: Option<Series>,
        now: Timestamp,
    ) -> ScheduledDelivery {
        let (event, integration) = (assignment.event, &assignment.compiled.integration);
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
            trace_id: assignment.trace.trace_id().to_owned(),
            keep_for: self.retention.keep_for(Some(event.org_id)),
            created_at: now,
            updated_at: now,
        }
    }
}

/// What the row of an event is called whose deliveries are made later, whether or not there is one.
pub(crate) fn plan_id(first: &Assignment<'_>) -> Option<LogId> {
    let integration = &first.compiled.integration;
    let number = match integration.schedule.when() {
        Scheduling::Immediate => return None,
        Scheduling::Delayed(_) => None,
        Scheduling::Recurring(_) => Some(1),
    };
    let ScheduledId(id) = ScheduledDelivery::identity(&reference(first.event), integration.id, number);
    Some(LogId(id))
}

/// What was to be made at a time that has passed is made at once.
fn once(told: Result<Timestamp, String>, now: Timestamp) -> Planned {
    match told {
        Ok(at) => Planned::For(at.max(now), None),
        Err(reason) => unknown(reason),
    }
}

fn unknown(reason: String) -> Planned {
    Planned::Unknown(Failure::new(ErrorCategory::Transformation, reason))
}

fn recurring(assignment: &Assignment<'_>, recurrence: &Recurrence, event_at: Timestamp, zone: Zone) -> Planned {
    let Some(first) = recurrence.first(event_at, zone) else {
        return Planned::Never("the schedule has no occurrence after the event");
    };
    let series = Series {
        number: first.number,
        at: first.at,
        schedule: assignment.compiled.integration.schedule.clone(),
        zone,
    };
    Planned::For(first.at, Some(series))
}

fn came_at(event: &Event, now: Timestamp) -> Timestamp {
    let earlier = event.created_at.filter(|at| now.signed_duration_since(*at) > JUST_NOW);
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
