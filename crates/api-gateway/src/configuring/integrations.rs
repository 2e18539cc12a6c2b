//! Outbound integrations.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::Integration;
use ig_core::ports::StoreError;
use ig_store::{Expected, Found, Unreadable};

use super::{changed_now, made_now, new_id};
use crate::document::{OutboundIntegration, Secrets, filled_in, in_json};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;
use crate::path;
use crate::scheduling;

mod reach;
mod scripts;

/// One of an organisation's integrations.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<Integration, ApiError> {
    match find(gateway, org, id).await? {
        Found::Readable(stored) => Ok(stored),
        Found::Unreadable(stored) => Err(ApiError::unreadable("Integration", &stored)),
    }
}

/// The same, also where it cannot be read.
pub(crate) async fn find(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<Found<Integration>, ApiError> {
    let found = gateway.store().integrations().find(org, id).await?;
    found.ok_or_else(|| ApiError::not_found("Integration"))
}

/// Makes an integration.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: OutboundIntegration) -> Result<Integration, ApiError> {
    let stamp = made_now();
    let id = IntegrationId(new_id(stamp.created_at.timestamp()));
    let integration = document.into_domain(org, id, stamp)?;
    check(gateway, &integration).await?;
    commit(gateway, integration, Expected::New).await
}

/// Changes an integration into what the document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: Integration,
    document: OutboundIntegration,
    seen: IfMatch,
) -> Result<Integration, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let stamp = changed_now(stored.created_at);
    let now = stamp.updated_at;
    let written = document.into_domain(stored.org_id, stored.id, stamp)?;
    let (is_active, was_active) = (written.is_active, stored.is_active);
    let as_it_was = Integration {
        is_active: was_active,
        hold: stored.hold,
        ..written
    };
    let integration = as_it_was.switched(is_active, now);
    check(gateway, &integration).await?;
    commit(gateway, integration, expected).await
}

/// Makes an integration anew in place of one that cannot be read.
pub(crate) async fn renew(
    gateway: &Gateway,
    org: OrgId,
    stored: &Unreadable,
    document: OutboundIntegration,
    seen: IfMatch,
) -> Result<Integration, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let integration = document.into_domain(org, stored.id, changed_now(stored.created_at))?;
    check(gateway, &integration).await?;
    commit(gateway, integration, expected).await
}

/// An integration that is not stored as it is: a draft, a stored one, or a draft of a stored one.
pub(crate) async fn draft(
    gateway: &Gateway,
    org: OrgId,
    draft: Option<OutboundIntegration>,
    stored: Option<&str>,
) -> Result<Integration, ApiError> {
    let stored = match stored {
        Some(id) => Some(get(gateway, org, path::integration(id)?).await?),
        None => None,
    };
    let Some(draft) = draft else {
        return stored.ok_or_else(|| ApiError::fault("/integrationId", "is required, unless integration is given"));
    };
    let stamp = made_now();
    let id = stored
        .as_ref()
        .map_or_else(|| IntegrationId(new_id(stamp.created_at.timestamp())), |stored| stored.id);
    let draft = match stored {
        Some(stored) => filled_in(&OutboundIntegration::of(stored, Secrets::Kept), in_json(&draft)?)?,
        None => draft,
    };
    let drafted = draft.into_domain(org, id, stamp);
    let integration = drafted.map_err(|faults| below("/integration", faults))?;
    super::scripts::faults(gateway.transformer(), org, scripts::placed(&integration))
        .await?
        .into_result(integration)
        .map_err(|faults| below("/integration", faults).into())
}

fn below(place: &str, found: Faults) -> Faults {
    let mut faults = Faults::default();
    faults.absorb(place, found);
    faults
}

/// Has an integration's deliveries sent, or held.
pub(crate) async fn set_active(
    gateway: &Gateway,
    stored: Integration,
    is_active: bool,
    seen: IfMatch,
) -> Result<Integration, ApiError> {
    let expected = seen.against(None, stored.revision)?;
    let updated_at = changed_now(stored.created_at).updated_at;
    let switched = Integration { updated_at, ..stored }.switched(is_active, updated_at);
    commit(gateway, switched, expected).await
}

/// Makes an integration again that was deleted, as it was.
pub(crate) async fn restore(gateway: &Gateway, deleted: Integration) -> Result<Integration, ApiError> {
    let integration = Integration {
        updated_at: made_now().updated_at,
        ..deleted
    };
    check(gateway, &integration).await?;
    commit(gateway, integration, Expected::New).await
}

/// Deletes an integration.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, id: IntegrationId, seen: IfMatch) -> Result<(), ApiError> {
    let revision = match find(gateway, org, id).await? {
        Found::Readable(stored) => stored.revision,
        Found::Unreadable(stored) => stored.revision,
    };
    let expected = seen.against(None, revision)?;
    gateway.commit(Change::DeleteIntegration(org, id), expected).await?;
    scheduling::cancel_all(gateway, org, Some(id), "The integration was deleted.").await;
    Ok(())
}

/// What only others can say about it: the guard, the units, the script engine.
pub(super) async fn check(gateway: &Gateway, integration: &Integration) -> Result<(), ApiError> {
    let mut faults = super::reach::faults(gateway.egress(), reach::addresses(integration)).await;
    faults.absorb("", strangers(gateway, integration).await?);
    faults.absorb(
        "",
        super::scripts::faults(gateway.transformer(), integration.org_id, scripts::placed(integration)).await?,
    );
    Ok(faults.into_result(())?)
}

async fn commit(gateway: &Gateway, integration: Integration, expected: Expected) -> Result<Integration, ApiError> {
    let change = Change::PutIntegration(Arc::new(integration.clone()));
    let revision = gateway.commit(change, expected).await?;
    Ok(Integration { revision, ..integration })
}

/// The entities that it names and that are not its organisation's.
async fn strangers(gateway: &Gateway, integration: &Integration) -> Result<Faults, StoreError> {
    let org = integration.org_id;
    let mut faults = super::strangers(gateway, org, integration.tenant_id).await?;
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
