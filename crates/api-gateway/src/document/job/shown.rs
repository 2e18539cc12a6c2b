//! Converts the domain's job to the document that clients read.

use ig_core::integration::Target;
use ig_core::job::Job;

use super::super::integration::{Secrets, SigningDocument, mask_credentials, shown_authentication};
use super::JobDocument;
use super::source::{DataSourceDocument, JobScheduleDocument, JobTransformation};
use crate::error::ApiError;

impl JobDocument {
    /// The document of a job.
    pub(crate) fn of(job: Job, secrets: Secrets) -> Result<Self, ApiError> {
        let document = Self::shown(job).ok_or_else(ApiError::internal)?;
        Ok(document.masked(secrets))
    }

    /// The same document, with the secrets masked as `secrets` says.
    pub(crate) fn masked(mut self, secrets: Secrets) -> Self {
        if secrets != Secrets::Kept {
            mask_credentials(&mut self.outgoing_auth_config, &mut self.custom_headers);
            self.data_source.mask();
        }
        if let (Secrets::Masked, Some(signing)) = (secrets, &mut self.signing) {
            signing.mask();
        }
        self
    }

    fn shown(job: Job) -> Option<Self> {
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
        Some(Self {
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
