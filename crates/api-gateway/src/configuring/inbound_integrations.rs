//! Inbound integrations.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::inbound::InboundIntegration;
use ig_store::{Expected, Found, Unreadable};

use super::{changed_now, made_now, new_id, reach, scripts, strangers};
use crate::document::InboundDocument;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;

/// One of an organisation's inbound integrations.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<InboundIntegration, ApiError> {
    match find(gateway, org, id).await? {
        Found::Readable(stored) => Ok(stored),
        Found::Unreadable(stored) => Err(ApiError::unreadable("Integration", &stored)),
    }
}

/// The same, also where it cannot be read.
pub(crate) async fn find(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<Found<InboundIntegration>, ApiError> {
    let found = gateway.store().inbound_integrations().find(org, id).await?;
    found.ok_or_else(|| ApiError::not_found("Integration"))
}

/// Makes an inbound integration.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: InboundDocument) -> Result<InboundIntegration, ApiError> {
    let stamp = made_now();
    let id = IntegrationId(new_id(stamp.created_at.timestamp()));
    let inbound = document.into_domain(org, id, stamp)?;
    check(gateway, &inbound).await?;
    commit(gateway, inbound, Expected::New).await
}

/// Changes an inbound integration into what the document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: InboundIntegration,
    document: InboundDocument,
    seen: IfMatch,
) -> Result<InboundIntegration, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let stamp = changed_now(stored.created_at);
    let now = stamp.updated_at;
    let written = document.into_domain(stored.org_id, stored.id, stamp)?;
    let (is_active, was_active) = (written.is_active, stored.is_active);
    let as_it_was = InboundIntegration {
        is_active: was_active,
        hold: stored.hold,
        ..written
    };
    let inbound = as_it_was.switched(is_active, now);
    check(gateway, &inbound).await?;
    commit(gateway, inbound, expected).await
}

/// Makes an inbound integration anew in place of one that cannot be read.
pub(crate) async fn renew(
    gateway: &Gateway,
    org: OrgId,
    stored: &Unreadable,
    document: InboundDocument,
    seen: IfMatch,
) -> Result<InboundIntegration, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let inbound = document.into_domain(org, stored.id, changed_now(stored.created_at))?;
    check(gateway, &inbound).await?;
    commit(gateway, inbound, expected).await
}

/// Lets calls through, or refuses them.
pub(crate) async fn set_active(
    gateway: &Gateway,
    stored: InboundIntegration,
    is_active: bool,
    seen: IfMatch,
) -> Result<InboundIntegration, ApiError> {
    let expected = seen.against(None, stored.revision)?;
    let updated_at = changed_now(stored.created_at).updated_at;
    let switched = InboundIntegration { updated_at, ..stored }.switched(is_active, updated_at);
    commit(gateway, switched, expected).await
}

/// Makes an inbound integration again that was deleted, as it was.
pub(crate) async fn restore(gateway: &Gateway, deleted: InboundIntegration) -> Result<InboundIntegration, ApiError> {
    let inbound = InboundIntegration {
        updated_at: made_now().updated_at,
        ..deleted
    };
    check(gateway, &inbound).await?;
    commit(gateway, inbound, Expected::New).await
}

/// Deletes an inbound integration.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, id: IntegrationId, seen: IfMatch) -> Result<(), ApiError> {
    let revision = match find(gateway, org, id).await? {
        Found::Readable(stored) => stored.revision,
        Found::Unreadable(stored) => stored.revision,
    };
    let expected = seen.against(None, revision)?;
    gateway.commit(Change::DeleteInbound(org, id), expected).await?;
    Ok(())
}

/// What only others can say about it: the guard, the units, the script engine.
pub(super) async fn check(gateway: &Gateway, inbound: &InboundIntegration) -> Result<(), ApiError> {
    let target = ("/targetUrl".to_owned(), inbound.target.clone());
    let addresses = std::iter::once(target).chain(reach::token_endpoint(&inbound.auth));
    let mut faults = reach::faults(gateway.egress(), addresses).await;
    faults.absorb("", strangers(gateway, inbound.org_id, inbound.tenant_id).await?);
    let request = scripts::transformed("/requestTransformScript".to_owned(), inbound.request.as_ref());
    let response = scripts::transformed("/responseTransformScript".to_owned(), inbound.response.as_ref());
    let placed = request.into_iter().chain(response).collect();
    faults.absorb("", scripts::faults(gateway.transformer(), inbound.org_id, placed).await?);
    Ok(faults.into_result(())?)
}

async fn commit(gateway: &Gateway, inbound: InboundIntegration, expected: Expected) -> Result<InboundIntegration, ApiError> {
    let change = Change::PutInbound(Arc::new(inbound.clone()));
    let revision = gateway.commit(change, expected).await?;
    Ok(InboundIntegration { revision, ..inbound })
}
