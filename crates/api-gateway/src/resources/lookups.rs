//! Lookup rows.

#![expect(clippy::option_option, reason = "a tenant may be named, named as none, or not named at all")]

use std::collections::{BTreeSet, HashMap};

use chrono::Utc;
use ig_core::fault::Faults;
use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupRow};
use ig_core::ports::StoreError;
use ig_store::{Expected, LookupError, ReverseKey, WriteCounts};

use super::{creation_stamp, update_stamp};
use crate::document::{Batch, BatchAnswer, Deletion, Lookup, LookupBatch, LookupDeletion, LookupRequest, LookupRequests};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::if_match::IfMatch;

mod cell;
mod checking;
mod columns;
mod csv;
pub(crate) mod exporting;
mod file;
pub(crate) mod importing;
mod sweeping;
mod upload;
mod xlsx;

pub(crate) use cell::encode_text;
pub(crate) use exporting::csv_line;
pub(crate) use file::Format;
pub(crate) use sweeping::sweep;

/// Reads one row of an organisation.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, id: LookupId) -> Result<LookupRow, ApiError> {
    let found = gateway.store().lookups().get(org, id).await?;
    found.ok_or_else(|| ApiError::not_found("Lookup"))
}

/// Creates a row.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: Lookup) -> Result<LookupRow, ApiError> {
    let stamp = creation_stamp();
    let id = LookupId(super::new_id(stamp.created_at.timestamp()));
    let row = document.into_row(org, id, 1, stamp)?;
    check_tenant(gateway, &row).await?;
    gateway.store().lookups().insert(&row).await.map_err(to_api_error)?;
    gateway.feed().poll_now();
    Ok(row)
}

/// Replaces a row with what a document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: LookupRow,
    document: Lookup,
    if_match: IfMatch,
) -> Result<LookupRow, ApiError> {
    if_match.against(document.revision, stored.revision)?;
    let stamp = update_stamp(stored.created_at);
    let row = document.into_row(stored.org_id, stored.id, stored.revision + 1, stamp)?;
    check_tenant(gateway, &row).await?;
    gateway
        .store()
        .lookups()
        .replace(&row, stored.revision)
        .await
        .map_err(to_api_error)?;
    gateway.feed().poll_now();
    Ok(row)
}

/// Deletes a row.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, id: LookupId, if_match: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org, id).await?;
    let Expected::Revision(revision) = if_match.against(None, stored.revision)? else {
        return Err(ApiError::internal());
    };
    gateway
        .store()
        .lookups()
        .delete(org, id, revision)
        .await
        .map_err(to_api_error)?;
    gateway.feed().poll_now();
    Ok(())
}

/// Creates or updates rows in one transaction, or replaces all others of their types.
pub(crate) async fn put_batch(gateway: &Gateway, org: OrgId, document: LookupBatch) -> Result<BatchAnswer, ApiError> {
    let Batch { drafts, replace, tenant } = document.validate(org)?;
    let tenants = drafts.iter().map(|draft| draft.table.tenant_id).collect();
    check_tenants(gateway, org, tenants, |at| format!("/lookups/{at}/tenantId")).await?;
    let result = if replace {
        replace_types(gateway, org, &drafts, tenant).await
    } else {
        let written = gateway.store().lookups().put_many(org, &drafts, Utc::now()).await;
        written.map(BatchAnswer::from)
    };
    gateway.feed().poll_now();
    result.map_err(to_api_error)
}

async fn replace_types(
    gateway: &Gateway,
    org: OrgId,
    drafts: &[LookupDraft],
    tenant: Option<Option<Rid>>,
) -> Result<BatchAnswer, LookupError> {
    let types: BTreeSet<LookupType> = drafts.iter().map(|draft| draft.table.lookup_type.clone()).collect();
    let mut staged = gateway.store().lookups().stage(org);
    staged.add(drafts, Utc::now()).await?;
    let replaced = staged.activate_in_place_of(&types, tenant).await?;
    let written = WriteCounts {
        created: replaced.created,
        ..WriteCounts::default()
    };
    Ok(BatchAnswer {
        removed: replaced.removed,
        ..written.into()
    })
}

/// Deletes several rows and returns how many existed.
pub(crate) async fn delete_batch(gateway: &Gateway, org: OrgId, document: LookupDeletion) -> Result<u64, ApiError> {
    let lookups = gateway.store().lookups();
    let deleted = match document.validate(org)? {
        Deletion::Rows(ids) => lookups.delete_many(org, &ids).await,
        Deletion::Type(lookup_type, tenant) => lookups.delete_type(org, &lookup_type, tenant).await,
    };
    gateway.feed().poll_now();
    deleted.map_err(to_api_error)
}

/// The row for each lookup, in the order of the lookups.
pub(crate) async fn resolve(
    gateway: &Gateway,
    org: OrgId,
    requests: &LookupRequests,
) -> Result<Vec<(LookupRequest, Option<LookupRow>)>, ApiError> {
    check_request_tenants(gateway, org, requests).await?;
    let mut found = HashMap::new();
    for (tenant, group) in by_tenant(requests) {
        let keys: Vec<_> = group.iter().map(|request| request.key.clone()).collect();
        found.insert(tenant, gateway.store().lookups().rows(org, tenant, &keys).await?);
    }
    let results = requests.requests.iter().map(|request| {
        let row = found.get(&request.tenant).and_then(|rows| rows.get(&request.key));
        (request.clone(), row.cloned())
    });
    Ok(results.collect())
}

/// The rows that map to each target, in the order of the lookups.
pub(crate) async fn reverse(
    gateway: &Gateway,
    org: OrgId,
    requests: &LookupRequests,
) -> Result<Vec<(LookupRequest, Vec<LookupRow>)>, ApiError> {
    check_request_tenants(gateway, org, requests).await?;
    let mut found = HashMap::new();
    for (tenant, group) in by_tenant(requests) {
        let keys: Vec<_> = group.into_iter().map(reverse_key).collect();
        found.insert(tenant, gateway.store().lookups().reverse(org, tenant, &keys).await?);
    }
    let results = requests.requests.iter().map(|request| {
        let rows = found.get(&request.tenant).and_then(|rows| rows.get(&reverse_key(request)));
        (request.clone(), rows.cloned().unwrap_or_default())
    });
    Ok(results.collect())
}

fn reverse_key(request: &LookupRequest) -> ReverseKey {
    ReverseKey {
        lookup_type: request.lookup_type.clone(),
        target_id: request.key.source_id.clone(),
    }
}

fn by_tenant(requests: &LookupRequests) -> HashMap<Option<Rid>, Vec<&LookupRequest>> {
    let mut by_tenant: HashMap<_, Vec<_>> = HashMap::new();
    for request in &requests.requests {
        by_tenant.entry(request.tenant).or_default().push(request);
    }
    by_tenant
}

async fn check_request_tenants(gateway: &Gateway, org: OrgId, requests: &LookupRequests) -> Result<(), ApiError> {
    let tenants = requests.requests.iter().map(|request| request.tenant).collect();
    let pointer = |at: usize| {
        if requests.is_list {
            format!("/{at}/tenantId")
        } else {
            "/tenantId".to_owned()
        }
    };
    check_tenants(gateway, org, tenants, pointer).await
}

async fn check_tenant(gateway: &Gateway, row: &LookupRow) -> Result<(), ApiError> {
    check_tenants(gateway, row.org_id, vec![row.tenant_id], |_| "/tenantId".to_owned()).await
}

/// Refuses tenants that are not units of the organisation.
async fn check_tenants(
    gateway: &Gateway,
    org: OrgId,
    tenants: Vec<Option<Rid>>,
    pointer: impl Fn(usize) -> String,
) -> Result<(), ApiError> {
    let mut known: HashMap<Rid, bool> = HashMap::new();
    let mut faults = Faults::default();
    for (at, tenant) in tenants.into_iter().enumerate() {
        let Some(rid) = tenant else { continue };
        let is_unit = match known.get(&rid) {
            Some(is_unit) => *is_unit,
            None => gateway.is_unit(org, rid).await?,
        };
        known.insert(rid, is_unit);
        if !is_unit {
            faults.add(pointer(at), "must be the organisation, or the rid of one of its units");
        }
    }
    Ok(faults.into_result(())?)
}

/// The client's error for a change that failed.
fn to_api_error(error: LookupError) -> ApiError {
    match error {
        LookupError::NotFound => ApiError::not_found("Lookup"),
        LookupError::Stale { current } => ApiError::new(
            ErrorCode::PreconditionFailed,
            format!("It has changed since it was read: it is at revision {current}"),
        ),
        LookupError::Taken(row) => ApiError::new(
            ErrorCode::Conflict,
            format!("The active row {row} maps this source already; change that row or make it inactive first"),
        ),
        LookupError::Conflict => ApiError::new(ErrorCode::Conflict, "The rows were changed meanwhile, please try again"),
        LookupError::Store(error) => error.into(),
    }
}

/// The message that a failed import shows to its owner.
fn failure_message(error: &LookupError) -> String {
    match error {
        LookupError::NotFound => "The organisation, or a unit that the file names, was deleted meanwhile".to_owned(),
        LookupError::Conflict | LookupError::Taken(_) | LookupError::Stale { .. } => {
            "The rows were replaced or deleted meanwhile; send the file again".to_owned()
        }
        LookupError::Store(StoreError::Unavailable(cause)) => {
            tracing::warn!(cause, "an import ends because the database is away");
            "The database is unavailable; send the file again".to_owned()
        }
        LookupError::Store(StoreError::Refused(cause)) => {
            tracing::error!(cause, "an import ends because the database refused");
            "Something went wrong on our side".to_owned()
        }
    }
}
