//! Decoding one configured item. An item that cannot be decoded is replaced by an inert stand-in, and the reason is logged.
//!
//! An item may be sealed under a lost key, written by a later version, or larger than the bound. That affects this item
//! alone: followers of the configuration continue with all others.

use std::sync::Arc;

use chrono::DateTime;
use ig_core::configuration::{Change, LARGEST_ITEM};
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::organization::{OrgUnit, Organization, Profile, RequestLimits};
use ig_core::ports::StoreError;
use mongodb::bson::RawDocument;
use serde::de::DeserializeOwned;

use crate::error::unreadable;
use crate::event_types::EventTypeDocument;
use crate::field::unsigned;
use crate::inbound_integrations::InboundDocument;
use crate::integrations::IntegrationDocument;
use crate::jobs::JobDocument;
use crate::org_units::OrgUnitDocument;
use crate::organizations::OrganizationDocument;
use crate::secret_box::SecretBox;
use crate::stored;
use crate::templates::TemplateDocument;

/// How many bytes the platform itself may add to an item: a hold, or secrets sealed under another key.
const ALLOWANCE: usize = 64 * 1024;

/// Decodes a stored document.
pub(super) type Read = fn(&RawDocument, &SecretBox) -> Result<Change, StoreError>;

/// An item for followers; `None` if it cannot be decoded and no stand-in is possible.
pub(super) fn followed(read: Read, raw: &RawDocument, secrets: &SecretBox) -> Option<Change> {
    let item = read(raw, secrets);
    item.inspect_err(|error| complain(raw, error)).ok()
}

/// An organisation. One that cannot be decoded still exists, so that its events are still attributed to it and its
/// records are kept for its retention period.
pub(super) fn organization(raw: &RawDocument, _: &SecretBox) -> Result<Change, StoreError> {
    let read = decoded::<OrganizationDocument>(raw).map(Organization::from);
    read.or_else(|error| bare_organization(raw, &error))
        .map(Change::PutOrganization)
}

/// A unit. One that cannot be decoded still exists, so that its events are still attributed to its organisation.
pub(super) fn unit(raw: &RawDocument, _: &SecretBox) -> Result<Change, StoreError> {
    let read = decoded::<OrgUnitDocument>(raw).map(OrgUnit::from);
    read.or_else(|error| bare_unit(raw, &error)).map(Change::PutUnit)
}

fn bare_organization(raw: &RawDocument, error: &StoreError) -> Result<Organization, StoreError> {
    complain(raw, error);
    let retention = raw.get_i64("retentionDays").ok();
    Ok(Organization {
        org_id: OrgId(number(raw, "orgId")?),
        profile: Profile::default(),
        retention_days: retention.and_then(|days| u32::try_from(days).ok()),
        retry_policy: None,
        request_limits: RequestLimits::default(),
        ui: serde_json::Map::new(),
        revision: unsigned(number(raw, "revision")?),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    })
}

fn bare_unit(raw: &RawDocument, error: &StoreError) -> Result<OrgUnit, StoreError> {
    complain(raw, error);
    Ok(OrgUnit {
        org_id: OrgId(number(raw, "orgId")?),
        rid: Rid(number(raw, "rid")?),
        profile: Profile::default(),
        revision: unsigned(number(raw, "revision")?),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    })
}

fn number(raw: &RawDocument, field: &'static str) -> Result<i64, StoreError> {
    raw.get_i64(field).map_err(|_| unreadable(field))
}

fn complain(raw: &RawDocument, error: &StoreError) {
    let id = raw.get("_id").ok().flatten();
    let org = raw.get_i64("orgId").ok();
    tracing::error!(ig.org_id = org, ?id, %error, "a configured item cannot be read and is out of use");
}

/// An event type without its sample, which followers of the configuration do not need.
pub(super) fn event_type(raw: &RawDocument, _: &SecretBox) -> Result<Change, StoreError> {
    let document = decoded::<EventTypeDocument>(raw)?.without_sample();
    EventTypeDefinition::try_from(document).map(|definition| Change::PutEventType(Arc::new(definition)))
}

pub(super) fn template(raw: &RawDocument, _: &SecretBox) -> Result<Change, StoreError> {
    decoded::<TemplateDocument>(raw)?
        .read()
        .map(|template| Change::PutTemplate(Arc::new(template)))
}

/// An outbound integration; one that cannot be decoded is held, so that matching events wait as dead letters.
pub(super) fn outbound(raw: &RawDocument, secrets: &SecretBox) -> Result<Change, StoreError> {
    let read = |document: IntegrationDocument| {
        let integration = document.read(secrets)?;
        Ok(Change::PutIntegration(Arc::new(integration)))
    };
    or_stand_in(
        raw,
        read,
        |document, reason| Some(document.held(reason)),
        Change::DeleteIntegration,
    )
}

/// An inbound integration; one that cannot be decoded is held, so that its calls are refused.
pub(super) fn inbound(raw: &RawDocument, secrets: &SecretBox) -> Result<Change, StoreError> {
    let read = |document: InboundDocument| {
        let inbound = document.read(secrets)?;
        Ok(Change::PutInbound(Arc::new(inbound)))
    };
    or_stand_in(
        raw,
        read,
        |document, reason| Some(document.held(reason)),
        Change::DeleteInbound,
    )
}

/// A job; one that cannot be decoded does not run, as if it did not exist.
pub(super) fn job(raw: &RawDocument, secrets: &SecretBox) -> Result<Change, StoreError> {
    let read = |document: JobDocument| {
        let job = document.read(secrets)?;
        Ok(Change::PutJob(Arc::new(job)))
    };
    or_stand_in(raw, read, |_, _| None, Change::DeleteJob)
}

fn or_stand_in<T: DeserializeOwned>(
    raw: &RawDocument,
    read: impl Fn(T) -> Result<Change, StoreError>,
    held: impl Fn(T, &str) -> Option<T>,
    gone: fn(OrgId, IntegrationId) -> Change,
) -> Result<Change, StoreError> {
    let error = match bounded(raw).and_then(|()| decoded(raw)).and_then(&read) {
        Ok(change) => return Ok(change),
        Err(error) => error,
    };
    let (org, id) = identity(raw).ok_or_else(|| unreadable("_id"))?;
    complain(raw, &error);
    let (StoreError::Refused(reason) | StoreError::Unavailable(reason)) = error;
    let stand_in = decoded(raw).ok().and_then(|document| held(document, &reason));
    let stand_in = stand_in.and_then(|document| read(document).ok());
    Ok(stand_in.unwrap_or_else(|| gone(org, id)))
}

/// An item beyond the bound, stored before there was one, is as unusable as one that cannot be decoded.
fn bounded(raw: &RawDocument) -> Result<(), StoreError> {
    let bytes = raw.as_bytes().len();
    if bytes <= LARGEST_ITEM + ALLOWANCE {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "it has {bytes} bytes, and an item may have {LARGEST_ITEM}: save it with less in it"
    )))
}

fn decoded<T: DeserializeOwned>(raw: &RawDocument) -> Result<T, StoreError> {
    stored::read(raw).map_err(|error| StoreError::Refused(error.to_string()))
}

fn identity(raw: &RawDocument) -> Option<(OrgId, IntegrationId)> {
    let (org, id) = (raw.get_i64("orgId").ok()?, raw.get_object_id("_id").ok()?);
    Some((OrgId(org), IntegrationId(id.bytes())))
}
