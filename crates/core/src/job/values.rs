//! The values of a job's variables when it runs.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta};

use super::variable::Variable;
use crate::clock::Timestamp;
use crate::id::{IntegrationId, Rid};
use crate::schedule::Zone;

/// How moments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentForm {
    /// In ISO 8601 with the zone's offset: `2026-02-04T09:00:00+05:30`.
    Iso,
    /// As a SQL server takes it, in the zone's clock: `2026-02-04 09:00:00`.
    Sql,
}

/// A variable has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// The environment variable is not one that jobs may use.
    #[error("{{{{env.{0}}}}} is not among the variables that the platform lists for jobs (jobs.environment)")]
    NotListed(String),
    /// The environment variable is listed and not set.
    #[error("{{{{env.{0}}}}} has no value in the environment of job-runner")]
    NotSet(String),
    /// The job has no watermark.
    #[error("{{{{job.watermark}}}} has no value: the job has no `watermark`")]
    NoWatermark,
    /// The clock or the zone has no such moment.
    #[error("the current time has no such day")]
    NoMoment,
}

/// What the variables of one run stand for.
#[derive(Debug, Clone)]
pub struct VariableValues<'a> {
    /// The entity that the job acts for.
    pub tenant_id: Rid,
    /// The job.
    pub job: IntegrationId,
    /// When the run began: the same in all of its queries.
    pub now: Timestamp,
    /// The tenant's zone.
    pub zone: Zone,
    /// How far an incremental job is; `None` for others.
    pub watermark: Option<&'a str>,
    /// The listed environment variables; `None` for one that is not set.
    pub environment: &'a HashMap<String, Option<String>>,
    /// How moments are written.
    pub form: MomentForm,
}

impl VariableValues<'_> {
    /// The value of a variable, as text.
    pub fn value(&self, variable: &Variable) -> Result<String, NoValue> {
        let today = self.zone.local(self.now).date();
        match variable {
            Variable::TenantId => Ok(self.tenant_id.to_string()),
            Variable::IntegrationId => Ok(self.job.to_string()),
            Variable::Today => Ok(today.to_string()),
            Variable::Yesterday => Ok(before(today, 1)?.to_string()),
            Variable::TodayStart => self.start_of(today).map(|start| self.moment(start)),
            Variable::TodayEnd => self.end_of(today).map(|end| self.moment(end)),
            Variable::Now => Ok(self.moment(self.now)),
            Variable::Watermark => self.watermark.map(str::to_owned).ok_or(NoValue::NoWatermark),
            Variable::Env(name) => match self.environment.get(name.as_str()) {
                None => Err(NoValue::NotListed(name.to_string())),
                Some(None) => Err(NoValue::NotSet(name.to_string())),
                Some(Some(value)) => Ok(value.clone()),
            },
        }
    }

    fn start_of(&self, day: NaiveDate) -> Result<Timestamp, NoValue> {
        self.zone.instant(day.and_time(NaiveTime::MIN)).ok_or(NoValue::NoMoment)
    }

    /// The second before the next day: a day on which clocks change has 23 or 25 hours.
    fn end_of(&self, day: NaiveDate) -> Result<Timestamp, NoValue> {
        let next = day.checked_add_days(Days::new(1)).ok_or(NoValue::NoMoment)?;
        Ok(self.start_of(next)? - TimeDelta::seconds(1))
    }

    fn moment(&self, at: Timestamp) -> String {
        match self.form {
            MomentForm::Iso => at
                .with_timezone(&self.zone.clocks())
                .to_rfc3339_opts(SecondsFormat::Secs, true),
            MomentForm::Sql => self.zone.local(at).format("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}

fn before(day: NaiveDate, days: u64) -> Result<NaiveDate, NoValue> {
    day.checked_sub_days(Days::new(days)).ok_or(NoValue::NoMoment)
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    fn values(now: Timestamp, zone: &str, environment: &HashMap<String, Option<String>>, form: MomentForm) -> Vec<String> {
        let values = VariableValues {
            tenant_id: Rid(70),
            job: IntegrationId([7; 12]),
            now,
            zone: zone.parse().unwrap(),
            watermark: Some("41"),
            environment,
            form,
        };
        let variables = [
            "config.tenantId",
            "config.integrationId",
            "date.today()",
            "date.yesterday()",
            "date.todayStart()",
            "date.todayEnd()",
            "date.now()",
            "job.watermark",
        ];
        variables
            .iter()
            .map(|name| values.value(&name.parse().unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn job_variables_follow_the_tenants_clock() {
        let late = Utc.with_ymd_and_hms(2026, 2, 3, 20, 0, 5).unwrap();
        let expected = [
            "70",
            "070707070707070707070707",
            "2026-02-04",
            "2026-02-03",
            "2026-02-04T00:00:00+05:30",
            "2026-02-04T23:59:59+05:30",
            "2026-02-04T01:30:05+05:30",
            "41",
        ];
        assert_eq!(values(late, "Asia/Kolkata", &HashMap::new(), MomentForm::Iso), expected);
        let sql = values(late, "Asia/Kolkata", &HashMap::new(), MomentForm::Sql);
        assert_eq!(
            sql[4..7],
            ["2026-02-04 00:00:00", "2026-02-04 23:59:59", "2026-02-04 01:30:05"]
        );
    }

    #[test]
    fn job_variables_of_a_day_on_which_clocks_change_cover_the_whole_day() {
        let noon = Utc.with_ymd_and_hms(2026, 10, 25, 12, 0, 0).unwrap();
        let berlin = values(noon, "Europe/Berlin", &HashMap::new(), MomentForm::Iso);
        assert_eq!(berlin[4..6], ["2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"]);
        // Clocks go forward at midnight, so the day begins at one.
        let noon = Utc.with_ymd_and_hms(2026, 4, 24, 12, 0, 0).unwrap();
        let cairo = values(noon, "Africa/Cairo", &HashMap::new(), MomentForm::Iso);
        assert_eq!(cairo[4], "2026-04-24T01:00:00+03:00");
    }

    #[test]
    fn job_variable_of_the_environment_needs_to_be_listed_and_set() {
        let environment = HashMap::from([("SHIFT".to_owned(), Some("night".to_owned())), ("WARD".to_owned(), None)]);
        let values = VariableValues {
            tenant_id: Rid(7),
            job: IntegrationId([7; 12]),
            now: Timestamp::UNIX_EPOCH,
            zone: Zone::default(),
            watermark: None,
            environment: &environment,
            form: MomentForm::Iso,
        };
        let of = |name: &str| values.value(&Variable::Env(name.into()));
        assert_eq!(of("SHIFT"), Ok("night".to_owned()));
        assert_eq!(of("WARD"), Err(NoValue::NotSet("WARD".to_owned())));
        assert_eq!(of("PATH"), Err(NoValue::NotListed("PATH".to_owned())));
        assert_eq!(values.value(&Variable::Watermark), Err(NoValue::NoWatermark));
    }

    proptest! {
        #[test]
        fn job_variables_of_today_enclose_now(second in 0_i64..4_000_000_000) {
            let now = chrono::DateTime::from_timestamp(second, 0).unwrap();
            for zone in ["Asia/Kolkata", "Europe/Berlin", "Africa/Cairo", "Pacific/Apia", "America/St_Johns"] {
                let values = values(now, zone, &HashMap::new(), MomentForm::Iso);
                let moment = |at: usize| chrono::DateTime::parse_from_rfc3339(&values[at]).unwrap();
                prop_assert!(moment(4) <= now && now <= moment(5), "{values:?}");
            }
        }
    }
}
