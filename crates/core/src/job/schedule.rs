//! The schedule of a job.

use std::time::Duration;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::fault::Faults;
use crate::fields::Fields;
use crate::schedule::{MIN_INTERVAL, Recurrence, RecurrenceForm, Rule, Zone};

/// The schedule of a job. It keeps the document as written.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSchedule {
    document: Value,
    recurrence: Recurrence,
}

impl JobSchedule {
    /// Reads `{type: CRON, expression, timezone?}` or `{type: INTERVAL, intervalMs}`, and reports every fault by place.
    pub fn read(document: &Value) -> Result<Self, Faults> {
        let object = document
            .as_object()
            .ok_or_else(|| Faults::single("", "must be an object that tells when"))?;
        let mut fields = Fields::of(object);
        let kind = fields.text("type");
        let form = match kind {
            Some("CRON") => RecurrenceForm {
                cron: fields.text("expression"),
                timezone: fields.text("timezone"),
                ..RecurrenceForm::default()
            },
            Some("INTERVAL") => RecurrenceForm {
                interval_ms: fields.number("intervalMs"),
                ..RecurrenceForm::default()
            },
            _ => return Err(Faults::single("/type", "must be CRON or INTERVAL")),
        };
        let of = kind.unwrap_or_default();
        let mut faults = fields.into_faults(of);
        match (of, form.cron, form.interval_ms) {
            ("CRON", None, _) if faults.is_empty() => faults.add("/expression", "is required with the type CRON"),
            ("INTERVAL", _, None) if faults.is_empty() => faults.add("/intervalMs", "is required with the type INTERVAL"),
            ("CRON", None, _) | ("INTERVAL", _, None) => {}
            _ => return Self::checked(document, form, faults),
        }
        Err(faults)
    }

    fn checked(document: &Value, form: RecurrenceForm<'_>, mut faults: Faults) -> Result<Self, Faults> {
        let recurrence = match Recurrence::new(form) {
            Ok(recurrence) => recurrence,
            Err(found) => {
                for fault in found.list() {
                    let place = if fault.pointer == "/cron" {
                        "/expression"
                    } else {
                        &fault.pointer
                    };
                    faults.add(place, fault.message.clone());
                }
                return Err(faults);
            }
        };
        let document = document.clone();
        faults.into_result(Self { document, recurrence })
    }

    /// The document as written.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The next run after a moment: a cron rule in its own zone or else the tenant's, an interval counted from the last run.
    pub fn next(&self, after: Timestamp, tenant: Zone) -> Option<Timestamp> {
        let next = self.recurrence.first(after, tenant)?;
        Some(next.at)
    }

    /// The interval between runs, unless the schedule is a cron rule.
    pub fn interval(&self) -> Option<Duration> {
        match self.recurrence.rule() {
            Rule::Interval(interval) => Some((*interval).max(MIN_INTERVAL)),
            Rule::Cron(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use serde_json::json;

    use super::*;

    fn places(document: &Value) -> Vec<String> {
        let faults = JobSchedule::read(document).expect_err("faults");
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_jobs_cron_rule_follows_its_zone_or_else_the_tenants() {
        let noon = Utc.with_ymd_and_hms(2026, 2, 4, 12, 0, 0).unwrap();
        let kolkata: Zone = "Asia/Kolkata".parse().unwrap();
        let own = JobSchedule::read(&json!({"type": "CRON", "expression": "0 9 * * *", "timezone": "Europe/Berlin"})).unwrap();
        let nine_in_berlin = Utc.with_ymd_and_hms(2026, 2, 5, 8, 0, 0).unwrap();
        assert_eq!(own.next(noon, kolkata), Some(nine_in_berlin));
        let tenants = JobSchedule::read(&json!({"type": "CRON", "expression": "0 9 * * *"})).unwrap();
        let nine_in_kolkata = Utc.with_ymd_and_hms(2026, 2, 5, 3, 30, 0).unwrap();
        assert_eq!(tenants.next(noon, kolkata), Some(nine_in_kolkata));
        assert_eq!(tenants.interval(), None);
    }

    #[test]
    fn a_jobs_interval_counts_from_the_last_run() {
        let noon = Utc.with_ymd_and_hms(2026, 2, 4, 12, 0, 0).unwrap();
        let hourly = JobSchedule::read(&json!({"type": "INTERVAL", "intervalMs": 3_600_000})).unwrap();
        assert_eq!(hourly.next(noon, Zone::default()), Some(noon + chrono::TimeDelta::hours(1)));
        assert_eq!(hourly.interval(), Some(Duration::from_hours(1)));
    }

    #[test]
    fn every_fault_of_a_job_schedule_is_reported_by_its_place() {
        assert_eq!(places(&json!({})), ["/type"]);
        assert_eq!(places(&json!({"type": "HOURLY"})), ["/type"]);
        assert_eq!(places(&json!({"type": "CRON"})), ["/expression"]);
        assert_eq!(places(&json!({"type": "CRON", "expression": "never"})), ["/expression"]);
        assert_eq!(places(&json!({"type": "INTERVAL"})), ["/intervalMs"]);
        assert_eq!(places(&json!({"type": "INTERVAL", "intervalMs": 10})), ["/intervalMs"]);
        assert_eq!(
            places(&json!({"type": "INTERVAL", "intervalMs": 1000, "timezone": "UTC"})),
            ["/timezone"]
        );
        assert_eq!(places(&json!("0 9 * * *")), [""]);
        let document = json!({"type": "CRON", "expression": "0 9 * * *", "timezone": "Mars/Olympus"});
        assert_eq!(places(&document), ["/timezone"]);
    }
}
