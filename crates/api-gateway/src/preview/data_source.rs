//! Tests of data sources: what a job would fetch.

use std::time::Duration;

use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::Job;
use ig_peers::SourceTest;
use serde_json::{Value, json};

use crate::body::document;
use crate::document::{DataSourceTest, DataSourceTested, JobDocument, Secrets, Stamp, restore_secrets, to_json};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::path;
use crate::resources::resource::{self, Resource as _};
use crate::resources::{creation_stamp, jobs};

/// How long a test may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The time reserved for the response, before the request times out.
const RESPONSE_MARGIN: Duration = Duration::from_secs(1);

/// Has a job-runner read a few records. When the client leaves, the call is dropped, and its query is killed.
pub(crate) async fn test(gateway: &Gateway, org: OrgId, request: DataSourceTest) -> Result<DataSourceTested, ApiError> {
    let watermark = request.watermark.clone();
    let job = drafted(gateway, org, request).await?;
    jobs::source_faults(gateway, &job).await?.into_result(())?;
    let watermark = watermark.or_else(|| job.watermark.as_ref().map(|configured| configured.initial().to_owned()));
    let test = SourceTest {
        org_id: org,
        tenant_id: job.tenant_id,
        source: &job.source,
        watermark: watermark.as_deref(),
        timeout: TIMEOUT.min(gateway.http().request_timeout().saturating_sub(RESPONSE_MARGIN)),
    };
    gateway.jobs().test_source(&test).await?.try_into()
}

/// A job with the given data source: a stored one, or one made up around it.
async fn drafted(gateway: &Gateway, org: OrgId, request: DataSourceTest) -> Result<Job, ApiError> {
    let DataSourceTest {
        data_source,
        id,
        tenant_id,
        watermark: _,
    } = request;
    let stored = match &id {
        Some(id) => Some(resource::get::<Job>(gateway, org, &path::job(id)?).await?),
        None => None,
    };
    let (job_id, stamp) = stored.as_ref().map_or_else(made_up, |stored| {
        let (created_at, updated_at) = (stored.created_at, stored.updated_at);
        (stored.id, Stamp { created_at, updated_at })
    });
    let data_source = to_json(&data_source)?;
    let whole = match stored {
        Some(stored) => {
            let stored = to_json(&stored.into_document(Secrets::Kept)?)?;
            let asked = with_source(stored.clone(), data_source, tenant_id);
            restore_secrets::<JobDocument>(&stored, asked)?
        }
        None => with_source(frame(), data_source, tenant_id),
    };
    Ok(Job::from_document(document::<JobDocument>(whole)?, org, job_id, stamp)?)
}

fn made_up() -> (IntegrationId, Stamp) {
    (IntegrationId([0; 12]), creation_stamp())
}

/// A job in which nothing but the data source matters.
fn frame() -> Value {
    json!({
        "name": "Test",
        "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
        "targetUrl": "https://receiver.invalid/",
    })
}

fn with_source(mut job: Value, data_source: Value, tenant_id: Option<i64>) -> Value {
    job["dataSource"] = data_source;
    if let Some(tenant) = tenant_id {
        job["tenantId"] = tenant.into();
    }
    job
}
