//! Units of organisations.

use ig_core::clock::Timestamp;
use ig_core::id::{OrgId, Rid};
use ig_core::integration::Integration;
use ig_core::organization::OrgUnit;
use ig_core::ports::StoreError;

use super::resource::Resource;
use crate::document::UnitDocument;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::path;

impl Resource for OrgUnit {
    type Document = UnitDocument;

    const NAME: &'static str = "Unit";

    fn parse_id(text: &str) -> Result<Rid, ApiError> {
        path::rid(text)
    }

    fn new_id(document: &UnitDocument, _: Timestamp) -> Result<Rid, ApiError> {
        Ok(document.named()?)
    }

    async fn check_unused(gateway: &Gateway, org: OrgId, rid: &Rid) -> Result<(), ApiError> {
        gateway.feed().wait_until_current().await?;
        let configuration = gateway.feed().configuration();
        let user = configuration
            .integrations()
            .find(|integration| refers_to_unit(integration, org, *rid));
        user.map_or(Ok(()), |user| {
            let message = format!("Integration {} names this unit", user.id);
            Err(ApiError::new(ErrorCode::Conflict, message))
        })
    }
}

fn refers_to_unit(integration: &Integration, org: OrgId, rid: Rid) -> bool {
    integration.org_id == org && (integration.tenant_id == rid || integration.excluded_entity_rids.contains(&rid))
}

impl Gateway {
    /// Whether an entity is a unit of the organisation.
    pub(crate) async fn is_unit(&self, org: OrgId, rid: Rid) -> Result<bool, StoreError> {
        if rid != org.as_entity() && self.feed().configuration().org_of_entity(rid) == Some(org) {
            return Ok(true);
        }
        // Another gateway may have created it a moment ago.
        self.store().org_units().exists(org, rid).await
    }
}
