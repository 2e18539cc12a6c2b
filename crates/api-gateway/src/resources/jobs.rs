//! Scheduled jobs.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::IntegrationId;
use ig_core::integration::{Hold, TargetUrl};
use ig_core::job::{Job, Source};
use ig_transform::script::ScriptKind;

use super::resource::{Resource, commit};
use super::{egress, new_id, scripts, tenant_faults, update_stamp};
use crate::document::JobDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::path;

impl Resource for Job {
    type Document = JobDocument;

    const NAME: &'static str = "Job";

    fn parse_id(text: &str) -> Result<IntegrationId, ApiError> {
        path::job(text)
    }

    fn new_id(_: &JobDocument, now: Timestamp) -> Result<IntegrationId, ApiError> {
        Ok(IntegrationId(new_id(now.timestamp())))
    }

    async fn check(&self, gateway: &Gateway) -> Result<(), ApiError> {
        let target = ("/targetUrl".to_owned(), self.target.url.clone());
        let addresses = std::iter::once(target).chain(egress::token_endpoint(&self.auth));
        let mut faults = egress::faults(gateway.egress(), addresses).await;
        faults.add_below("", source_faults(gateway, self).await?);
        if let Source::Sql(_) = self.source.source() {
            // Only a runner knows the tables that the connection allows.
            faults.add_below("/dataSource", gateway.jobs().source_faults(self.org_id, &self.source).await);
        }
        let script = self.script.as_ref();
        let located = script.map(|script| ("/transformation/script".to_owned(), script, ScriptKind::Transform));
        let located = located.into_iter().collect();
        faults.add_below("", scripts::faults(gateway.transformer(), self.org_id, located).await?);
        Ok(faults.into_result(())?)
    }
}

/// The faults of what a job fetches from, and of the entity that it fetches for.
pub(crate) async fn source_faults(gateway: &Gateway, job: &Job) -> Result<Faults, ApiError> {
    let address = source_address(job).map(|url| ("/dataSource/url".to_owned(), url));
    let mut faults = egress::faults(gateway.egress(), address).await;
    faults.add_below("", tenant_faults(gateway, job.org_id, job.tenant_id).await?);
    Ok(faults)
}

/// Lets a job run when it is due, or pauses it.
pub(crate) async fn set_active(gateway: &Gateway, stored: Job, is_active: bool, if_match: IfMatch) -> Result<Job, ApiError> {
    let expected = if_match.against(None, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let switched = Job {
        is_active,
        hold: Hold::switched(stored.hold.clone(), stored.is_active, is_active, updated_at),
        updated_at,
        ..stored
    };
    commit(gateway, switched, expected).await
}

/// The address of an API source. Variables stand only behind the host, so their values do not matter to the egress guard.
fn source_address(job: &Job) -> Option<TargetUrl> {
    let Source::Api(api) = job.source.source() else {
        return None;
    };
    let filled = api.url.filled(|_| Ok::<_, Faults>("0".to_owned())).ok()?;
    filled.parse().ok()
}
