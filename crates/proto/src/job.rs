//! Scheduled jobs.

use ig_core::clock::Timestamp;
use ig_core::id::{OrgId, Rid};
use ig_core::integration::{OutgoingAuth, Script};
use ig_core::job::{BatchSize, DataSource, Job, JobSchedule, RunId, WatermarkField};

use crate::integration::{
    attempts_from_wire, auth_to_wire, breaker_from_wire, headers_from_wire, headers_to_wire, log_level_from_wire,
    log_level_to_wire, secrets_from_wire, secrets_to_wire,
};
use crate::invalid::{InvalidMessage, Within as _, optional, required};
use crate::json;
use crate::time::{duration_from_wire, duration_to_wire, timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Job> for v1::Job {
    fn from(job: &Job) -> Self {
        let Job {
            id,
            org_id,
            tenant_id,
            name,
            category,
            is_active,
            hold,
            schedule,
            source,
            script,
            script_timeout,
            batch_size,
            watermark,
            max_overdue,
            target,
            auth,
            signing,
            headers,
            timeout,
            attempts,
            breaker,
            log_level,
            revision,
            created_at,
            updated_at,
        } = job;
        Self {
            id: id.to_string(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            name: name.clone(),
            category: category.clone(),
            is_active: *is_active,
            schedule: schedule.document().to_string(),
            data_source: source.document().to_string(),
            script: script.as_ref().map(|script| script.source().to_string()),
            script_timeout: Some(duration_to_wire(*script_timeout)),
            target: Some(target.into()),
            auth: auth_to_wire(auth),
            signing_secrets: signing.as_ref().map(secrets_to_wire).unwrap_or_default(),
            headers: headers_to_wire(headers),
            timeout: Some(duration_to_wire(*timeout)),
            attempts: u32::from(*attempts),
            log_level: log_level_to_wire(*log_level).into(),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
            hold: hold.as_ref().map(Into::into),
            probe_after_seconds: breaker.probe_after().map(|wait| wait.as_secs()),
            batch_size: batch_size.map(BatchSize::get),
            watermark: watermark.as_ref().map(Into::into),
            max_overdue: max_overdue.map(duration_to_wire),
        }
    }
}

impl TryFrom<v1::Job> for Job {
    type Error = InvalidMessage;

    fn try_from(message: v1::Job) -> Result<Self, InvalidMessage> {
        let v1::Job {
            id,
            org_id,
            tenant_id,
            name,
            category,
            is_active,
            schedule,
            data_source,
            script,
            script_timeout,
            target,
            auth,
            signing_secrets,
            headers,
            timeout,
            attempts,
            log_level,
            revision,
            created_at,
            updated_at,
            hold,
            probe_after_seconds,
            batch_size,
            watermark,
            max_overdue,
        } = message;
        let schedule = json::from_wire(&schedule).within("schedule")?;
        let source = json::from_wire(&data_source).within("data_source")?;
        Ok(Self {
            id: id.parse().within("id")?,
            org_id: OrgId(org_id),
            tenant_id: Rid(tenant_id),
            name,
            category,
            is_active,
            hold: optional(hold, "hold")?,
            schedule: JobSchedule::read(&schedule).within("schedule")?,
            source: DataSource::read(&source).within("data_source")?,
            script: script.as_deref().map(Script::new).transpose().within("script")?,
            script_timeout: duration_from_wire(script_timeout, "script_timeout")?,
            batch_size: batch_size.map(BatchSize::new).transpose().within("batch_size")?,
            watermark: optional(watermark, "watermark")?,
            max_overdue: max_overdue
                .map(|wait| duration_from_wire(Some(wait), "max_overdue"))
                .transpose()?,
            target: required(target, "target")?,
            auth: auth.map_or(Ok(OutgoingAuth::None), OutgoingAuth::try_from).within("auth")?,
            signing: secrets_from_wire(&signing_secrets).within("signing_secrets")?,
            headers: headers_from_wire(headers),
            timeout: duration_from_wire(timeout, "timeout")?,
            attempts: attempts_from_wire(attempts).within("attempts")?,
            breaker: breaker_from_wire(probe_after_seconds).within("probe_after_seconds")?,
            log_level: log_level_from_wire(log_level).within("log_level")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}

impl From<&WatermarkField> for v1::Watermark {
    fn from(watermark: &WatermarkField) -> Self {
        Self {
            field: watermark.field().to_owned(),
            initial: watermark.initial().to_owned(),
        }
    }
}

impl TryFrom<v1::Watermark> for WatermarkField {
    type Error = InvalidMessage;

    fn try_from(message: v1::Watermark) -> Result<Self, InvalidMessage> {
        let v1::Watermark { field, initial } = message;
        Ok(Self::new(&field, &initial)?)
    }
}

impl v1::RunNowResponse {
    /// The answer that names a run.
    pub fn new(run: RunId, started_at: &Timestamp) -> Self {
        Self {
            job_log_id: run.to_string(),
            started_at: Some(timestamp_to_wire(started_at)),
        }
    }
}
