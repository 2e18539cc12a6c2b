//! A scheduled job as stored.

use std::time::Duration;

use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::integration::Script;
use ig_core::job::{DataSource, Job, JobSchedule};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::DIRECTION;
use crate::error::unreadable;
use crate::field::{date, json, json_text, long, millis, object_id, timestamp, unsigned};
use crate::found::Unreadable;
use crate::integrations::{AuthDocument, HeadersDocument, Sealer, TargetDocument, log_level, read_log_level};
use crate::secret_box::SecretBox;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    direction: String,
    org_id: i64,
    tenant_id: i64,
    r#type: Option<String>,
    name: String,
    is_active: bool,
    /// JSON text as received.
    schedule: String,
    /// JSON text, sealed as a whole: connection strings and headers are secrets.
    data_source: String,
    transform_script: Option<String>,
    script_timeout_ms: i64,
    #[serde(flatten)]
    target: TargetDocument,
    #[serde(flatten)]
    auth: AuthDocument,
    signing_secrets: Option<Vec<String>>,
    #[serde(flatten)]
    headers: HeadersDocument,
    timeout_ms: i64,
    retry_count: i32,
    log_level: String,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

impl JobDocument {
    pub(crate) fn new(job: &Job, revision: u64, secrets: &SecretBox) -> Result<Self, StoreError> {
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
            target,
            auth,
            signing,
            headers,
            timeout,
            attempts,
            log_level: level,
            revision: _,
            created_at,
            updated_at,
        } = job;
        let sealer = Sealer::of(secrets, *id);
        let signing = signing.as_ref().map(|signing| sealer.signing(signing, "signing"));
        Ok(Self {
            id: object_id(id.0),
            direction: DIRECTION.to_owned(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            r#type: category.clone(),
            name: name.clone(),
            is_active: *is_active,
            schedule: json_text(schedule.document()),
            data_source: sealer.seal(&Secret::new(json_text(source.document())), "dataSource")?,
            transform_script: script.as_ref().map(|script| script.source().to_string()),
            script_timeout_ms: millis(*script_timeout),
            target: target.into(),
            auth: sealer.auth(auth)?,
            signing_secrets: signing.transpose()?,
            headers: sealer.headers(headers)?,
            timeout_ms: millis(*timeout),
            retry_count: i32::from(*attempts),
            log_level: log_level(*level).to_owned(),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        })
    }

    /// What is known without decrypting anything.
    pub(crate) fn stands(&self) -> Unreadable {
        Unreadable {
            id: IntegrationId(self.id.bytes()),
            name: self.name.clone(),
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            reason: String::new(),
        }
    }

    pub(crate) fn read(self, secrets: &SecretBox) -> Result<Job, StoreError> {
        let id = IntegrationId(self.id.bytes());
        let sealer = Sealer::of(secrets, id);
        let signing = self.signing_secrets.as_deref();
        let signing = signing.map(|sealed| sealer.read_signing(sealed, "signing"));
        let schedule = json("schedule", &self.schedule)?;
        let source = json("dataSource", sealer.open(&self.data_source, "dataSource")?.expose())?;
        let script = self.transform_script.as_deref().map(Script::new).transpose();
        Ok(Job {
            id,
            org_id: OrgId(self.org_id),
            tenant_id: Rid(self.tenant_id),
            name: self.name,
            category: self.r#type,
            is_active: self.is_active,
            schedule: JobSchedule::read(&schedule).map_err(|_| unreadable("schedule"))?,
            source: DataSource::read(&source).map_err(|_| unreadable("dataSource"))?,
            script: script.map_err(|_| unreadable("transformScript"))?,
            script_timeout: Duration::from_millis(unsigned(self.script_timeout_ms)),
            target: self.target.read()?,
            auth: sealer.read_auth(self.auth)?,
            signing: signing.transpose()?,
            headers: sealer.read_headers(self.headers)?,
            timeout: Duration::from_millis(unsigned(self.timeout_ms)),
            attempts: u8::try_from(self.retry_count).map_err(|_| unreadable("retryCount"))?,
            log_level: read_log_level(&self.log_level)?,
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
        })
    }
}
