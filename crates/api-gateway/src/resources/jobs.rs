//! Scheduled jobs.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::IntegrationId;
use ig_core::integration::TargetUrl;
use ig_core::job::{Job, Source};
use ig_transform::script::ScriptKind;

use super::resource::Resource;
use super::{egress, new_id, scripts, tenant_faults};
use crate::document::JobDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
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
        let source = source_address(self).map(|url| ("/dataSource/url".to_owned(), url));
        let addresses = std::iter::once(target)
            .chain(source)
            .chain(egress::token_endpoint(&self.auth));
        let mut faults = egress::faults(gateway.egress(), addresses).await;
        faults.add_below("", tenant_faults(gateway, self.org_id, self.tenant_id).await?);
        let script = self.script.as_ref();
        let located = script.map(|script| ("/transformation/script".to_owned(), script, ScriptKind::Transform));
        let located = located.into_iter().collect();
        faults.add_below("", scripts::faults(gateway.transformer(), self.org_id, located).await?);
        Ok(faults.into_result(())?)
    }
}

/// The address of an API source. Variables stand only behind the host, so their values do not matter to the egress guard.
fn source_address(job: &Job) -> Option<TargetUrl> {
    let Source::Api(api) = job.source.source() else {
        return None;
    };
    let filled = api.url.filled(|_| Ok::<_, Faults>("0".to_owned())).ok()?;
    filled.parse().ok()
}
