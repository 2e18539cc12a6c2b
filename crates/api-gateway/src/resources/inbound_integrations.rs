//! Inbound integrations.

use ig_core::clock::Timestamp;
use ig_core::id::IntegrationId;
use ig_core::inbound::InboundIntegration;

use super::resource::{Resource, commit};
use super::{egress, new_id, scripts, tenant_faults, update_stamp};
use crate::document::InboundDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::path;

impl Resource for InboundIntegration {
    type Document = InboundDocument;

    const NAME: &'static str = "Integration";

    fn parse_id(text: &str) -> Result<IntegrationId, ApiError> {
        path::integration(text)
    }

    fn new_id(_: &InboundDocument, now: Timestamp) -> Result<IntegrationId, ApiError> {
        Ok(IntegrationId(new_id(now.timestamp())))
    }

    async fn check(&self, gateway: &Gateway) -> Result<(), ApiError> {
        let target = ("/targetUrl".to_owned(), self.target.clone());
        let addresses = std::iter::once(target).chain(egress::token_endpoint(&self.auth));
        let mut faults = egress::faults(gateway.egress(), addresses).await;
        faults.add_below("", tenant_faults(gateway, self.org_id, self.tenant_id).await?);
        let request = scripts::transformation_script("/requestTransformScript".to_owned(), self.request.as_ref());
        let response = scripts::transformation_script("/responseTransformScript".to_owned(), self.response.as_ref());
        let located = request.into_iter().chain(response).collect();
        faults.add_below("", scripts::faults(gateway.transformer(), self.org_id, located).await?);
        Ok(faults.into_result(())?)
    }
}

/// Accepts or refuses calls.
pub(crate) async fn set_active(
    gateway: &Gateway,
    stored: InboundIntegration,
    is_active: bool,
    if_match: IfMatch,
) -> Result<InboundIntegration, ApiError> {
    let expected = if_match.against(None, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let switched = InboundIntegration { updated_at, ..stored }.switched(is_active, updated_at);
    commit(gateway, switched, expected).await
}
