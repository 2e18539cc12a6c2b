//! Converts the domain's job to the document that clients read.

use ig_core::fault::Faults;
use ig_core::integration::Target;
use ig_core::job::Job;

use super::JobDocument;
use super::source::{DataSourceDocument, JobScheduleDocument, JobTransformation};
use crate::auth::shown as shown_authentication;
use crate::signing::SigningDocument;

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
            schedule,
            source,
            script,
            script_timeout,
            target: Target { url, method },
            auth,
            signing,
            headers,
            timeout,
            attempts,
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
            schedule: JobScheduleDocument::shown(&schedule)?,
            data_source: DataSourceDocument::shown(&source)?,
            transformation: script.as_ref().map(JobTransformation::shown),
            script_timeout_ms: u64::try_from(script_timeout.as_millis()).ok(),
            target_url: url.to_string(),
            http_method: Some(method.into()),
            outgoing_auth_type: Some(outgoing_auth_type),
            outgoing_auth_config,
            signing: Some(SigningDocument::shown(signing.as_ref())),
            custom_headers: Some(headers.into_iter().collect()),
            timeout_ms: u64::try_from(timeout.as_millis()).ok(),
            retry_count: Some(attempts),
            log_level: Some(log_level.into()),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        })
    }
}
