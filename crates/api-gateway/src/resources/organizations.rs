//! Organisations.

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::organization::{Organization, RequestLimits};
use serde_json::{Map, Value};

use super::resource::{self, Resource, commit};
use super::update_stamp;
use crate::document::{OrgDeletionStatus, OrganizationDocument, console};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::path;
use crate::scheduling;

/// Reads one organisation.
pub(crate) async fn get(gateway: &Gateway, org: OrgId) -> Result<Organization, ApiError> {
    resource::get(gateway, org, &org).await
}

impl Resource for Organization {
    type Document = OrganizationDocument;

    const NAME: &'static str = "Organization";
    const IS_RESTORABLE: bool = false;

    fn parse_id(text: &str) -> Result<OrgId, ApiError> {
        path::org(text)
    }

    fn new_id(document: &OrganizationDocument, _: Timestamp) -> Result<OrgId, ApiError> {
        Ok(document.named()?)
    }

    async fn after_deletion(gateway: &Gateway, org: OrgId, _: &OrgId) {
        scheduling::cancel_all(gateway, org, None, "The organisation was deleted.").await;
    }
}

/// Sets an organisation's request limits.
pub(crate) async fn set_request_limits(
    gateway: &Gateway,
    stored: Organization,
    request_limits: RequestLimits,
    if_match: IfMatch,
) -> Result<Organization, ApiError> {
    let expected = if_match.against(None, stored.revision)?;
    let updated_at = update_stamp(stored.created_at).updated_at;
    let organization = Organization {
        request_limits,
        updated_at,
        ..stored
    };
    commit(gateway, organization, expected).await
}

/// Stores a console's settings.
pub(crate) async fn set_console_settings(
    gateway: &Gateway,
    stored: Organization,
    ui: Map<String, Value>,
    if_match: IfMatch,
) -> Result<Organization, ApiError> {
    let expected = if_match.against(None, stored.revision)?;
    let (ui, updated_at) = (console(ui)?, update_stamp(stored.created_at).updated_at);
    commit(
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

/// What a deletion would remove, or the progress of one.
pub(crate) async fn deletion_status(gateway: &Gateway, org: OrgId) -> Result<OrgDeletionStatus, ApiError> {
    let (store, deletions) = (gateway.store(), gateway.store().org_deletions());
    if store.organizations().exists(org, org).await? {
        return Ok(OrgDeletionStatus::not_deleted(org, deletions.remaining(org).await?));
    }
    let deletion = deletions.get(org).await?;
    let deletion = deletion.ok_or_else(|| ApiError::not_found("Organization"))?;
    Ok(OrgDeletionStatus::of(deletion, deletions.remaining(org).await?))
}
