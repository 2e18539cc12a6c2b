//! A configured schedule: a mode, and the document that belongs to it.

use serde_json::Value;

use super::cancel::CancelRule;
use super::delay::{Delay, DelayForm};
use super::recurrence::{Recurrence, RecurrenceForm};
use super::{Scheduling, cancel_on};
use crate::delivery_log::named;
use crate::fault::Faults;
use crate::fields::Fields;

named! {
    /// The mode of a schedule.
    ScheduleMode {
        /// As soon as the event arrives.
        Immediate = "IMMEDIATE",
        /// Once, later.
        Delayed = "DELAYED",
        /// Repeatedly.
        Recurring = "RECURRING",
    }
}

/// When an integration makes its deliveries, and what cancels them. It keeps the document as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    mode: ScheduleMode,
    config: Option<Value>,
    when: Scheduling,
    cancel_on: Vec<CancelRule>,
}

impl Default for Schedule {
    /// Immediate.
    fn default() -> Self {
        Self {
            mode: ScheduleMode::Immediate,
            config: None,
            when: Scheduling::Immediate,
            cancel_on: Vec::new(),
        }
    }
}

impl Schedule {
    /// Reads a document and reports every fault by place. An immediate schedule has none.
    pub fn read(mode: ScheduleMode, config: Option<&Value>) -> Result<Self, Faults> {
        let config = config.filter(|config| !config.is_null());
        let (when, cancel_on) = match (mode, config) {
            (ScheduleMode::Immediate, None) => return Ok(Self::default()),
            (ScheduleMode::Immediate, Some(_)) => return Err(Faults::single("", "is for DELAYED and RECURRING alone")),
            (ScheduleMode::Delayed, config) => parse_delayed(document_fields(config)?)?,
            (ScheduleMode::Recurring, config) => parse_recurring(document_fields(config)?)?,
        };
        Ok(Self {
            mode,
            config: config.cloned(),
            when,
            cancel_on,
        })
    }

    /// The mode.
    pub fn mode(&self) -> ScheduleMode {
        self.mode
    }

    /// The document, where the mode has one.
    pub fn config(&self) -> Option<&Value> {
        self.config.as_ref()
    }

    /// When deliveries are made.
    pub fn when(&self) -> &Scheduling {
        &self.when
    }

    /// The later events that cancel pending deliveries.
    pub fn cancel_on(&self) -> &[CancelRule] {
        &self.cancel_on
    }
}

fn document_fields(config: Option<&Value>) -> Result<Fields<'_>, Faults> {
    config
        .and_then(Value::as_object)
        .map(Fields::of)
        .ok_or_else(|| Faults::single("", "must be an object that tells when"))
}

type ParsedSchedule = (Scheduling, Vec<CancelRule>);

fn parse_delayed(mut fields: Fields<'_>) -> Result<ParsedSchedule, Faults> {
    let form = DelayForm {
        delay_seconds: fields.number("delaySeconds"),
        at: fields.text("at"),
        script: fields.text("script"),
        timezone: fields.text("timezone"),
    };
    let rules = cancel_on::read(&mut fields);
    let mut faults = fields.into_faults("DELAYED");
    let delay = Delay::new(form).map_err(|found| faults.add_below("", found)).ok();
    into_parsed(faults, delay.map(Scheduling::Delayed), rules)
}

fn parse_recurring(mut fields: Fields<'_>) -> Result<ParsedSchedule, Faults> {
    let form = RecurrenceForm {
        cron: fields.text("cron"),
        interval_ms: fields.number("intervalMs"),
        timezone: fields.text("timezone"),
        first_at: fields.text("firstAt"),
        max_occurrences: fields.small_number("maxOccurrences"),
        end_date: fields.text("endDate"),
    };
    let rules = cancel_on::read(&mut fields);
    let mut faults = fields.into_faults("RECURRING");
    let recurrence = Recurrence::new(form).map_err(|found| faults.add_below("", found)).ok();
    into_parsed(faults, recurrence.map(Scheduling::Recurring), rules)
}

fn into_parsed(faults: Faults, when: Option<Scheduling>, rules: Vec<CancelRule>) -> Result<ParsedSchedule, Faults> {
    faults.into_result((when.unwrap_or_default(), rules))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(mode: ScheduleMode, config: &Value) -> Vec<String> {
        let faults = Schedule::read(mode, Some(config)).expect_err("faults");
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_schedule_is_parsed_and_kept_as_written() {
        let config = json!({
            "cron": "0 9 * * MON", "timezone": "Europe/Berlin", "maxOccurrences": 3, "endDate": null,
            "cancelOn": [{"eventTypes": ["visit-cancelled"], "matchKeys": ["visit.id"]}],
        });
        let schedule = Schedule::read(ScheduleMode::Recurring, Some(&config)).unwrap();
        assert_eq!(schedule.config(), Some(&config));
        assert!(matches!(schedule.when(), Scheduling::Recurring(rule) if rule.max_occurrences() == Some(3)));
        assert_eq!(schedule.cancel_on()[0].action(), super::super::CancelAction::Cancel);
        let delayed = Schedule::read(ScheduleMode::Delayed, Some(&json!({"delaySeconds": 60})));
        assert!(matches!(delayed.unwrap().when(), Scheduling::Delayed(_)));
        assert_eq!(Schedule::read(ScheduleMode::Immediate, None), Ok(Schedule::default()));
    }

    #[test]
    fn every_fault_of_a_schedule_is_reported_by_its_place() {
        let config = json!({
            "cron": "never", "delaySeconds": 3, "maxOccurrences": "three", "timezone": "Mars/Olympus",
            "cancelOn": [{"eventTypes": [], "matchKeys": ["a", 7], "action": "FORGET", "when": 1}, 5],
        });
        let mut found = places(ScheduleMode::Recurring, &config);
        found.sort();
        assert_eq!(
            found,
            [
                "/cancelOn/0/action",
                "/cancelOn/0/eventTypes",
                "/cancelOn/0/matchKeys/1",
                "/cancelOn/0/when",
                "/cancelOn/1",
                "/cron",
                "/delaySeconds",
                "/maxOccurrences",
                "/timezone"
            ]
        );
        assert_eq!(
            places(ScheduleMode::Delayed, &json!({"at": "a", "cron": "0 9 * * *"})),
            ["/cron"]
        );
        assert_eq!(places(ScheduleMode::Delayed, &json!({})), [""]);
        assert_eq!(places(ScheduleMode::Immediate, &json!({"delaySeconds": 1})), [""]);
        assert!(Schedule::read(ScheduleMode::Recurring, None).is_err());
    }
}
