//! Conversion of the document into the domain, with every fault of a field by pointer, and back.

use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::{DEFAULT_SCRIPT_TIMEOUT, DEFAULT_TIMEOUT, HttpMethod, LogLevel, OutgoingAuth, Target};
use ig_core::job::Job;

use super::JobDocument;
use super::progress::{BatchDocument, WatermarkDocument};
use super::source::{DataSourceDocument, JobScheduleDocument, JobTransformation};
use crate::auth::{AuthType, into_domain as authentication, shown as shown_authentication};
use crate::checks::Checks;
use crate::header;
use crate::identity::{check_direction, check_identity, entity};
use crate::resilience::BreakerDocument;
use crate::resource::Stamp;
use crate::signing::SigningDocument;
use crate::text::{collect_faults, line, name, optional};

const DEFAULT_ATTEMPTS: u8 = 3;

impl JobDocument {
    /// The domain's job, or everything that is wrong with the document by itself.
    ///
    /// The caller checks that the entity belongs to the organisation, that the target is allowed, and that the script compiles.
    pub(crate) fn into_domain(self, org_id: OrgId, id: IntegrationId, stamp: Stamp, checks: &dyn Checks) -> Result<Job, Faults> {
        let Self {
            id: given_id,
            org_id: given_org,
            direction,
            name: shown,
            r#type,
            tenant_id,
            is_active,
            hold: _,
            schedule,
            data_source,
            transformation,
            script_timeout_ms,
            batch,
            watermark,
            max_overdue_seconds,
            target_url,
            http_method,
            outgoing_auth_type,
            outgoing_auth_config,
            signing,
            custom_headers,
            timeout_ms,
            retry_count,
            breaker,
            log_level,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let faults = &mut Faults::default();
        check_identity(faults, (given_id, &id.to_string()), (given_org, org_id));
        check_direction(faults, direction.as_deref(), "SCHEDULED");
        let tenant_id = entity(faults, tenant_id, org_id);
        let outgoing = authentication(outgoing_auth_type.unwrap_or(AuthType::None), outgoing_auth_config, checks);
        let auth = collect_faults(faults, "/outgoingAuthConfig", outgoing).unwrap_or(OutgoingAuth::None);
        let name = collect_faults(faults, "/name", name(&shown, 200)).unwrap_or_default();
        let category = r#type.and_then(|word| collect_faults(faults, "/type", line(&word, 100)));
        let script = transformation.and_then(|said| collect_faults(faults, "/transformation/script", said.into_domain()));
        let signing = optional(faults, "/signing", signing, SigningDocument::into_domain);
        let headers = collect_faults(
            faults,
            "/customHeaders",
            header::headers(&custom_headers.unwrap_or_default(), checks),
        );
        let schedule = collect_faults(faults, "/schedule", schedule.into_domain());
        let source = collect_faults(faults, "/dataSource", data_source.into_domain());
        let url = collect_faults(faults, "/targetUrl", target_url.parse());
        let (Some(schedule), Some(source), Some(url)) = (schedule, source, url) else {
            return Err(std::mem::take(faults));
        };
        let method = http_method.map_or(HttpMethod::Post, HttpMethod::from);
        let job = Job {
            id,
            org_id,
            tenant_id,
            name,
            category,
            is_active: is_active.unwrap_or(true),
            hold: None,
            schedule,
            source,
            script,
            script_timeout: script_timeout_ms.map_or(DEFAULT_SCRIPT_TIMEOUT, Duration::from_millis),
            batch_size: optional(faults, "/batch", batch, BatchDocument::into_domain),
            watermark: optional(faults, "/watermark", watermark, WatermarkDocument::into_domain),
            max_overdue: max_overdue_seconds.map(Duration::from_secs),
            target: Target { url, method },
            auth,
            signing: signing.flatten(),
            headers: headers.unwrap_or_default(),
            timeout: timeout_ms.map_or(DEFAULT_TIMEOUT, Duration::from_millis),
            attempts: retry_count.unwrap_or(DEFAULT_ATTEMPTS),
            breaker: optional(faults, "/breaker", breaker, BreakerDocument::into_domain).unwrap_or_default(),
            log_level: log_level.map_or(LogLevel::Full, LogLevel::from),
            revision: 0,
            created_at: stamp.created_at,
            updated_at: stamp.updated_at,
        };
        std::mem::take(faults).into_result(job)
    }
}

impl JobDocument {
    /// The document of a job, secrets included.
    pub(super) fn of(job: Job) -> Result<Self, Faults> {
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
            target: Target { url, method },
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
        let (outgoing_auth_type, outgoing_auth_config) = shown_authentication(auth);
        Ok(Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            direction: Some("SCHEDULED".to_owned()),
            name,
            r#type: category,
            tenant_id: Some(tenant_id.0),
            is_active: Some(is_active),
            hold: hold.map(Into::into),
            schedule: JobScheduleDocument::shown(&schedule)?,
            data_source: DataSourceDocument::shown(&source)?,
            transformation: script.as_ref().map(JobTransformation::shown),
            script_timeout_ms: u64::try_from(script_timeout.as_millis()).ok(),
            batch: batch_size.map(BatchDocument::shown),
            watermark: watermark.as_ref().map(WatermarkDocument::shown),
            max_overdue_seconds: max_overdue.map(|wait| wait.as_secs()),
            target_url: url.to_string(),
            http_method: Some(method.into()),
            outgoing_auth_type: Some(outgoing_auth_type),
            outgoing_auth_config,
            signing: Some(SigningDocument::shown(signing.as_ref())),
            custom_headers: Some(headers.into_iter().collect()),
            timeout_ms: u64::try_from(timeout.as_millis()).ok(),
            retry_count: Some(attempts),
            breaker: BreakerDocument::shown(breaker),
            log_level: Some(log_level.into()),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        })
    }
}
