//! Decoding one configured item. An item that cannot be decoded is replaced by an inert stand-in, and the reason is logged.
//!
//! An item may be sealed under a lost key, written by a later version, or larger than the bound. That affects this item
//! alone: followers of the configuration continue with all others.

use chrono::DateTime;
use ig_core::configuration::{Change, MAX_ITEM_BYTES};
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::organization::{OrgUnit, Organization, Profile, RequestLimits};
use ig_core::ports::StoreError;
use ig_documents::{
    ConfigurationItem, EventTypeDocument, InboundDocument, JobDocument, OrganizationDocument, OutboundDocument, TemplateDocument,
    UnitDocument,
};
use mongodb::bson::{Document, RawDocument};

use super::stored_document::{StoredDocument, decode, stand_in};
use crate::error::unreadable;
use crate::field::unsigned;
use crate::secret_sealer::SecretSealer;

/// How many bytes the platform itself may add to an item: a hold, or secrets sealed under another key.
const SIZE_ALLOWANCE: usize = 64 * 1024;

/// Decodes a stored document.
pub(super) type ReadItem = fn(&RawDocument, &SecretSealer) -> Result<Change, StoreError>;

/// An item for followers; `None` if it cannot be decoded and no stand-in is possible.
pub(super) fn read_or_log(read: ReadItem, raw: &RawDocument, secrets: &SecretSealer) -> Option<Change> {
    let item = read(raw, secrets);
    item.inspect_err(|error| log_unreadable(raw, error)).ok()
}

/// An organisation. One that cannot be decoded still exists for followers, with its number alone: its events are attributed to
/// it, and its records are kept for its retention period.
pub(super) fn organization(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    let stored = to_document(raw)?;
    let organization = decode::<OrganizationDocument>(stored.clone(), secrets);
    organization
        .or_else(|error| bare_organization(&stored, &error))
        .map(Change::PutOrganization)
}

/// A unit. One that cannot be decoded still exists for followers, for the same reason.
pub(super) fn unit(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    let stored = to_document(raw)?;
    let unit = decode::<UnitDocument>(stored.clone(), secrets);
    unit.or_else(|error| bare_unit(&stored, &error)).map(Change::PutUnit)
}

fn bare_organization(stored: &Document, error: &StoreError) -> Result<Organization, StoreError> {
    log_bare(stored, error);
    let retention = stored.get_i64("retentionDays").ok();
    Ok(Organization {
        org_id: OrgId(number(stored, "orgId")?),
        profile: Profile::default(),
        retention_days: retention.and_then(|days| u32::try_from(days).ok()),
        retry_policy: None,
        request_limits: RequestLimits::default(),
        ui: serde_json::Map::new(),
        revision: unsigned(number(stored, "revision")?),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    })
}

fn bare_unit(stored: &Document, error: &StoreError) -> Result<OrgUnit, StoreError> {
    log_bare(stored, error);
    Ok(OrgUnit {
        org_id: OrgId(number(stored, "orgId")?),
        rid: Rid(number(stored, "rid")?),
        profile: Profile::default(),
        revision: unsigned(number(stored, "revision")?),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    })
}

fn number(stored: &Document, field: &'static str) -> Result<i64, StoreError> {
    stored.get_i64(field).map_err(|_| unreadable(field))
}

fn log_bare(stored: &Document, error: &StoreError) {
    let (org, id) = (stored.get_i64("orgId").ok(), stored.get("_id"));
    tracing::error!(ig.org_id = org, ?id, %error, "a configured item cannot be read: its number alone is in use");
}

fn log_unreadable(raw: &RawDocument, error: &StoreError) {
    let id = raw.get("_id").ok().flatten();
    let org = raw.get_i64("orgId").ok();
    tracing::error!(ig.org_id = org, ?id, %error, "a configured item cannot be read and is out of use");
}

/// An event type without its sample, which followers of the configuration do not need.
pub(super) fn event_type(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    let mut stored = to_document(raw)?;
    stored.remove("samplePayload");
    decode::<EventTypeDocument>(stored, secrets).map(ConfigurationItem::put)
}

pub(super) fn template(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    item::<TemplateDocument>(raw, secrets)
}

/// An outbound integration; one that cannot be decoded is held, so that matching events wait as dead letters.
pub(super) fn outbound(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    or_stand_in::<OutboundDocument>(raw, secrets, Change::DeleteIntegration)
}

/// An inbound integration; one that cannot be decoded is held, so that its calls are refused.
pub(super) fn inbound(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    or_stand_in::<InboundDocument>(raw, secrets, Change::DeleteInbound)
}

/// A job; one that cannot be decoded does not run, as if it did not exist.
pub(super) fn job(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    or_stand_in::<JobDocument>(raw, secrets, Change::DeleteJob)
}

fn or_stand_in<D: StoredDocument>(
    raw: &RawDocument,
    secrets: &SecretSealer,
    gone: fn(OrgId, IntegrationId) -> Change,
) -> Result<Change, StoreError> {
    let error = match check_size(raw).and_then(|()| item::<D>(raw, secrets)) {
        Ok(change) => return Ok(change),
        Err(error) => error,
    };
    let (org, id) = identity(raw).ok_or_else(|| unreadable("_id"))?;
    log_unreadable(raw, &error);
    let (StoreError::Refused(reason) | StoreError::Unavailable(reason)) = error;
    let stand_in = to_document(raw)
        .ok()
        .and_then(|stored| stand_in::<D>(stored, secrets, &reason));
    Ok(stand_in.map_or_else(|| gone(org, id), ConfigurationItem::put))
}

fn item<D: StoredDocument>(raw: &RawDocument, secrets: &SecretSealer) -> Result<Change, StoreError> {
    decode::<D>(to_document(raw)?, secrets).map(ConfigurationItem::put)
}

fn to_document(raw: &RawDocument) -> Result<Document, StoreError> {
    Document::try_from(raw).map_err(|error| StoreError::Refused(error.to_string()))
}

/// An item beyond the bound, stored before there was one, is as unusable as one that cannot be decoded.
fn check_size(raw: &RawDocument) -> Result<(), StoreError> {
    let bytes = raw.as_bytes().len();
    if bytes <= MAX_ITEM_BYTES + SIZE_ALLOWANCE {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "it has {bytes} bytes, and an item may have {MAX_ITEM_BYTES}: save it with less in it"
    )))
}

fn identity(raw: &RawDocument) -> Option<(OrgId, IntegrationId)> {
    let (org, id) = (raw.get_i64("orgId").ok()?, raw.get_object_id("_id").ok()?);
    Some((OrgId(org), IntegrationId(id.bytes())))
}
