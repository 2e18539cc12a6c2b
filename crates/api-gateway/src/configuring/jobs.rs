//! Scheduled jobs.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::TargetUrl;
use ig_core::job::{Job, Source};
use ig_store::{Expected, Found, Unreadable};
use ig_transform::script::ScriptKind;

use super::{changed_now, made_now, new_id, reach, scripts, strangers};
use crate::document::JobDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;

/// One of an organisation's jobs.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<Job, ApiError> {
    match find(gateway, org, id).await? {
        Found::Readable(stored) => Ok(stored),
        Found::Unreadable(stored) => Err(ApiError::unreadable("Job", &stored)),
    }
}

/// The same, also where it cannot be read.
pub(crate) async fn find(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<Found<Job>, ApiError> {
    let found = gateway.store().jobs().find(org, id).await?;
    found.ok_or_else(|| ApiError::not_found("Job"))
}

/// Makes a job.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: JobDocument) -> Result<Job, ApiError> {
    let stamp = made_now();
    let id = IntegrationId(new_id(stamp.created_at.timestamp()));
    let job = document.into_domain(org, id, stamp)?;
    check(gateway, &job).await?;
    commit(gateway, job, Expected::New).await
}

/// Changes a job into what the document says.
pub(crate) async fn replace(gateway: &Gateway, stored: Job, document: JobDocument, seen: IfMatch) -> Result<Job, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let job = document.into_domain(stored.org_id, stored.id, changed_now(stored.created_at))?;
    check(gateway, &job).await?;
    commit(gateway, job, expected).await
}

/// Makes a job anew in place of one that cannot be read.
pub(crate) async fn renew(
    gateway: &Gateway,
    org: OrgId,
    stored: &Unreadable,
    document: JobDocument,
    seen: IfMatch,
) -> Result<Job, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let job = document.into_domain(org, stored.id, changed_now(stored.created_at))?;
    check(gateway, &job).await?;
    commit(gateway, job, expected).await
}

/// Makes a job again that was deleted, as it was.
pub(crate) async fn restore(gateway: &Gateway, deleted: Job) -> Result<Job, ApiError> {
    let job = Job {
        updated_at: made_now().updated_at,
        ..deleted
    };
    check(gateway, &job).await?;
    commit(gateway, job, Expected::New).await
}

/// Deletes a job.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, id: IntegrationId, seen: IfMatch) -> Result<(), ApiError> {
    let revision = match find(gateway, org, id).await? {
        Found::Readable(stored) => stored.revision,
        Found::Unreadable(stored) => stored.revision,
    };
    let expected = seen.against(None, revision)?;
    gateway.commit(Change::DeleteJob(org, id), expected).await?;
    Ok(())
}

/// What only others can say about it: the guard, the units, the script engine.
pub(super) async fn check(gateway: &Gateway, job: &Job) -> Result<(), ApiError> {
    let target = ("/targetUrl".to_owned(), job.target.url.clone());
    let source = source_address(job).map(|url| ("/dataSource/url".to_owned(), url));
    let addresses = std::iter::once(target).chain(source).chain(reach::token_endpoint(&job.auth));
    let mut faults = reach::faults(gateway.egress(), addresses).await;
    faults.absorb("", strangers(gateway, job.org_id, job.tenant_id).await?);
    let script = job.script.as_ref();
    let placed = script.map(|script| ("/transformation/script".to_owned(), script, ScriptKind::Transform));
    let placed = placed.into_iter().collect();
    faults.absorb("", scripts::faults(gateway.transformer(), job.org_id, placed).await?);
    Ok(faults.into_result(())?)
}

/// Variables stand behind the host alone, so what they are makes no difference to the guard.
fn source_address(job: &Job) -> Option<TargetUrl> {
    let Source::Api(api) = job.source.source() else {
        return None;
    };
    let filled = api.url.filled(|_| Ok::<_, Faults>("0".to_owned())).ok()?;
    filled.parse().ok()
}

async fn commit(gateway: &Gateway, job: Job, expected: Expected) -> Result<Job, ApiError> {
    let revision = gateway.commit(Change::PutJob(Arc::new(job.clone())), expected).await?;
    Ok(Job { revision, ..job })
}
