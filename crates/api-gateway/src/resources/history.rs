//! Versions of configuration: reading them, and rolling back to one.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::history::{Item, ItemKind, Version};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_documents::remove_field;
use ig_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;

use super::resource::{self, Resource};
use crate::document::{AuditLogDetail, Renderings, Secrets, VersionDetail, to_json};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::if_match::IfMatch;

/// An organisation's item, by the kind and identifier in a path.
pub(crate) fn item(org: OrgId, kind: &str, id: &str) -> Result<Item, ApiError> {
    let kind = match kind {
        "outbound-integrations" => ItemKind::OutboundIntegration,
        "inbound-integrations" => ItemKind::InboundIntegration,
        "scheduled-jobs" => ItemKind::ScheduledJob,
        "templates" => ItemKind::Template,
        "event-types" => ItemKind::EventType,
        "units" => ItemKind::Unit,
        "orgs" => ItemKind::Organization,
        _ => return Err(ApiError::not_found("Kind of resource")),
    };
    let id = id.to_owned();
    Ok(Item {
        org: Some(org),
        kind,
        id,
    })
}

/// A version of an item with its differences from revision `with`, or from the previous one.
pub(crate) async fn version(gateway: &Gateway, item: &Item, revision: u64, with: Option<u64>) -> Result<VersionDetail, ApiError> {
    let version = exact_version(gateway, item, revision).await?;
    let other = match with {
        Some(with) => Some(exact_version(gateway, item, with).await?),
        None => previous_version(gateway, item, revision).await?,
    };
    let renderings = renderings(version.content.clone())?;
    let other = match other {
        Some(other) => Some((other.revision, self::renderings(other.content)?)),
        None => None,
    };
    Ok(VersionDetail::new(version, renderings, other))
}

/// Rolls an item back to a version. Returns the new revision and the document.
pub(crate) async fn roll_back(
    gateway: &Gateway,
    item: &Item,
    revision: u64,
    if_match: IfMatch,
) -> Result<VersionDetail, ApiError> {
    let version = exact_version(gateway, item, revision).await?;
    let Some(content) = version.content else {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "It was deleted by that revision: there is nothing to go back to",
        ));
    };
    let revision = restore(gateway, content, if_match).await?;
    self::version(gateway, item, revision, None).await
}

async fn restore(gateway: &Gateway, content: Change, if_match: IfMatch) -> Result<u64, ApiError> {
    match content {
        Change::PutIntegration(version) => resource::roll_back(gateway, Arc::unwrap_or_clone(version), if_match).await,
        Change::PutInbound(version) => resource::roll_back(gateway, Arc::unwrap_or_clone(version), if_match).await,
        Change::PutJob(version) => resource::roll_back(gateway, Arc::unwrap_or_clone(version), if_match).await,
        Change::PutTemplate(version) => resource::roll_back(gateway, Arc::unwrap_or_clone(version), if_match).await,
        Change::PutEventType(version) => resource::roll_back(gateway, Arc::unwrap_or_clone(version), if_match).await,
        Change::PutUnit(version) => resource::roll_back(gateway, version, if_match).await,
        Change::PutOrganization(version) => resource::roll_back(gateway, version, if_match).await,
        Change::DeleteOrganization(_)
        | Change::DeleteUnit(..)
        | Change::DeleteIntegration(..)
        | Change::DeleteInbound(..)
        | Change::DeleteJob(..)
        | Change::DeleteTemplate(..)
        | Change::DeleteEventType(..)
        | Change::LookupsChanged(..) => Err(ApiError::internal()),
    }
}

/// An entry of the audit log with the documents before and after, which the history of configuration holds.
pub(crate) async fn audit_detail(gateway: &Gateway, entry: AuditEntry) -> Result<AuditLogDetail, ApiError> {
    let Some(revision) = entry.revision else {
        let as_is = |value: Value| Renderings {
            full: value.clone(),
            masked: value,
        };
        let (before, after) = (entry.before.clone().map(as_is), entry.after.clone().map(as_is));
        return Ok(AuditLogDetail::new(entry, before, after));
    };
    let configurations = gateway.store().configuration();
    let version = configurations.version_at(&entry.item, revision).await?;
    let version = version.filter(|version| version.revision == revision);
    let before = previous_version(gateway, &entry.item, revision).await?;
    let before = before.filter(|_| version.is_some()).and_then(|version| version.content);
    let after = version.and_then(|version| version.content);
    Ok(AuditLogDetail::new(entry, renderings(before)?, renderings(after)?))
}

async fn exact_version(gateway: &Gateway, item: &Item, revision: u64) -> Result<Version, ApiError> {
    let found = gateway.store().configuration().version_at(item, revision).await?;
    let found = found.filter(|version| version.revision == revision);
    found.ok_or_else(|| ApiError::not_found("Version"))
}

async fn previous_version(gateway: &Gateway, item: &Item, revision: u64) -> Result<Option<Version>, ApiError> {
    let Some(earlier) = revision.checked_sub(1) else {
        return Ok(None);
    };
    match gateway.store().configuration().version_at(item, earlier).await {
        // A version whose key is missing has nothing that the next one could be compared with.
        Err(StoreError::Refused(reason)) => {
            tracing::warn!(reason, "the version before cannot be read");
            Ok(None)
        }
        found => Ok(found?),
    }
}

fn renderings(content: Option<Change>) -> Result<Option<Renderings>, ApiError> {
    let Some(content) = content else { return Ok(None) };
    let renderings = match content {
        Change::PutOrganization(organization) => render(organization)?,
        Change::PutUnit(unit) => render(unit)?,
        Change::PutEventType(definition) => render(Arc::unwrap_or_clone(definition))?,
        Change::PutInbound(inbound) => render(Arc::unwrap_or_clone(inbound))?,
        Change::PutJob(job) => render(Arc::unwrap_or_clone(job))?,
        Change::PutTemplate(template) => render(Arc::unwrap_or_clone(template))?,
        Change::PutIntegration(integration) => render(Arc::unwrap_or_clone(integration))?,
        Change::DeleteOrganization(_)
        | Change::DeleteUnit(..)
        | Change::DeleteIntegration(..)
        | Change::DeleteInbound(..)
        | Change::DeleteJob(..)
        | Change::DeleteTemplate(..)
        | Change::DeleteEventType(..)
        | Change::LookupsChanged(..) => return Ok(None),
    };
    Ok(Some(renderings))
}

fn render<R: Resource>(resource: R) -> Result<Renderings, ApiError> {
    Ok(Renderings {
        full: comparable(&resource.clone().into_document(Secrets::Kept)?)?,
        masked: comparable(&resource.into_document(Secrets::Masked)?)?,
    })
}

/// An item's document, with secrets masked.
pub(super) fn masked(content: Change) -> Result<Value, ApiError> {
    Ok(renderings(Some(content))?.map_or(Value::Null, |renderings| renderings.masked))
}

/// A document without the fields that differ in every version.
fn comparable<T: Serialize>(document: &T) -> Result<Value, ApiError> {
    let mut value = to_json(document)?;
    for field in ["revision", "updatedAt"] {
        remove_field(&mut value, field);
    }
    Ok(value)
}
