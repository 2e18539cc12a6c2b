//! Organisations.

use ig_core::configuration::Change;
use ig_core::id::OrgId;
use ig_core::organization::{Organization, RequestLimits};
use ig_store::Expected;
use serde_json::{Map, Value};

use super::{changed_now, made_now};
use crate::document::{Org, OrgDeletionStatus, console};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;
use crate::scheduling;

/// One organisation.
pub(crate) async fn get(gateway: &Gateway, org: OrgId) -> Result<Organization, ApiError> {
    let found = gateway.store().organizations().get(org).await?;
    found.ok_or_else(|| ApiError::not_found("Organization"))
}

/// Makes an organisation.
pub(crate) async fn create(gateway: &Gateway, document: Org) -> Result<Organization, ApiError> {
    let org = document.named()?;
    let organization = document.into_domain(org, made_now())?;
    put(gateway, organization, Expected::New).await
}

/// Changes an organisation into what the document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: Organization,
    document: Org,
    seen: IfMatch,
) -> Result<Organization, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let organization = document.into_domain(stored.org_id, changed_now(stored.created_at))?;
    put(gateway, organization, expected).await
}

/// Says how many requests an organisation may send.
pub(crate) async fn limit(
    gateway: &Gateway,
    stored: Organization,
    request_limits: RequestLimits,
    seen: IfMatch,
) -> Result<Organization, ApiError> {
    let expected = seen.against(None, stored.revision)?;
    let updated_at = changed_now(stored.created_at).updated_at;
    let organization = Organization {
        request_limits,
        updated_at,
        ..stored
    };
    put(gateway, organization, expected).await
}

/// Keeps what a console says of itself.
pub(crate) async fn furnish(
    gateway: &Gateway,
    stored: Organization,
    ui: Map<String, Value>,
    seen: IfMatch,
) -> Result<Organization, ApiError> {
    let expected = seen.against(None, stored.revision)?;
    let (ui, updated_at) = (console(ui)?, changed_now(stored.created_at).updated_at);
    put(
        gateway,
        Organization {
            ui,
            updated_at,
            ..stored
        },
        expected,
    )
    .await
}

/// Deletes an organisation with all that it has configured; what was recorded of its events is removed from then on.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, seen: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org).await?;
    let expected = seen.against(None, stored.revision)?;
    gateway.commit(Change::DeleteOrganization(org), expected).await?;
    scheduling::cancel_all(gateway, org, None, "The organisation was deleted.").await;
    Ok(())
}

/// What would go with an organisation, or how much of a deleted one is gone.
pub(crate) async fn deletion(gateway: &Gateway, org: OrgId) -> Result<OrgDeletionStatus, ApiError> {
    let (store, deletions) = (gateway.store(), gateway.store().org_deletions());
    if store.organizations().get(org).await?.is_some() {
        return Ok(OrgDeletionStatus::foreseen(org, deletions.remaining(org).await?));
    }
    let deletion = deletions.get(org).await?;
    let deletion = deletion.ok_or_else(|| ApiError::not_found("Organization"))?;
    Ok(OrgDeletionStatus::of(deletion, deletions.remaining(org).await?))
}

async fn put(gateway: &Gateway, organization: Organization, expected: Expected) -> Result<Organization, ApiError> {
    let revision = gateway
        .commit(Change::PutOrganization(organization.clone()), expected)
        .await?;
    Ok(Organization {
        revision,
        ..organization
    })
}
