//! Outbound integrations.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::Integration;
use ig_core::ports::StoreError;
use ig_delivery::Template;
use ig_documents::ResourceDocument as _;

use super::resource::{self, Resource, commit};
use super::{creation_stamp, new_id, update_stamp};
use crate::document::{Compilers, OutboundDocument, Secrets, Stamp, fill_masks, to_json};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::path;
use crate::scheduling;

mod addresses;
mod scripts;

impl Resource for Integration {
    type Document = OutboundDocument;

    const NAME: &'static str = "Integration";

    fn parse_id(text: &str) -> Result<IntegrationId, ApiError> {
        path::integration(text)
    }

    fn new_id(_: &OutboundDocument, now: Timestamp) -> Result<IntegrationId, ApiError> {
        Ok(IntegrationId(new_id(now.timestamp())))
    }

    /// Rejects now what the sender could not apply at the first delivery.
    fn from_document(document: OutboundDocument, org: OrgId, id: IntegrationId, stamp: Stamp) -> Result<Self, Faults> {
        let integration = document.into_item(org, id, stamp, &Compilers)?;
        for action in integration.planned_actions() {
            Template::compile(&integration, &action)?;
        }
        Ok(integration)
    }

    async fn check(&self, gateway: &Gateway) -> Result<(), ApiError> {
        let mut faults = super::egress::faults(gateway.egress(), addresses::located(self)).await;
        faults.add_below("", entity_faults(gateway, self).await?);
        faults.add_below(
            "",
            super::scripts::faults(gateway.transformer(), self.org_id, scripts::located(self)).await?,
        );
        Ok(faults.into_result(())?)
    }

    async fn after_deletion(gateway: &Gateway, org: OrgId, id: &IntegrationId) {
        scheduling::cancel_all(gateway, org, Some(*id), "The integration was deleted.").await;
    }
}

/// An integration to try out: a draft, a stored one, or a draft of a stored one.
pub(crate) async fn load_draft(
    gateway: &Gateway,
    org: OrgId,
    draft: Option<OutboundDocument>,
    stored: Option<&str>,
) -> Result<Integration, ApiError> {
    let stored = match stored {
        Some(id) => Some(resource::get::<Integration>(gateway, org, &path::integration(id)?).await?),
        None => None,
    };
    let Some(draft) = draft else {
        return stored.ok_or_else(|| ApiError::fault("/integrationId", "is required, unless integration is given"));
    };
    let stamp = creation_stamp();
    let id = stored
        .as_ref()
        .map_or_else(|| IntegrationId(new_id(stamp.created_at.timestamp())), |stored| stored.id);
    let draft = match stored {
        Some(stored) => fill_masks(&stored.into_document(Secrets::Kept)?, to_json(&draft)?)?,
        None => draft,
    };
    let drafted = Integration::from_document(draft, org, id, stamp);
    let integration = drafted.map_err(|faults| with_prefix("/integration", faults))?;
    super::scripts::faults(gateway.transformer(), org, scripts::located(&integration))
        .await?
        .into_result(integration)
        .map_err(|faults| with_prefix("/integration", faults).into())
}

fn with_prefix(pointer: &str, found: Faults) -> Faults {
    let mut faults = Faults::default();
    faults.add_below(pointer, found);
    faults
}

/// Sends or holds an integration's deliveries.
pub(crate) async fn set_active(
    gateway: &Gateway,
    stored: Integration,
    is_active: bool,
    if_match: IfMatch,
) -> Result<Integration, ApiError> {
    let expected = if_match.against(None, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let switched = Integration { updated_at, ..stored }.switched(is_active, updated_at);
    commit(gateway, switched, expected).await
}

/// Faults for the entities in an integration that do not belong to its organisation.
async fn entity_faults(gateway: &Gateway, integration: &Integration) -> Result<Faults, StoreError> {
    let org = integration.org_id;
    let mut faults = super::tenant_faults(gateway, org, integration.tenant_id).await?;
    for rid in &integration.excluded_entity_rids {
        if !gateway.is_unit(org, *rid).await? {
            faults.add(
                "/excludedEntityRids",
                format!("{rid} is not the rid of one of the organisation's units"),
            );
        }
    }
    Ok(faults)
}
