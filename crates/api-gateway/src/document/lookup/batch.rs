//! Batches of lookup rows.

use std::collections::HashMap;

use ig_core::fault::Faults;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupTable, parse_lookup_type};
use ig_store::WriteCounts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Defaults, Lookup, parse_tenant};
use crate::body::validated;
use crate::document::text::{collect_faults, prefix_faults};

/// The most rows in one request.
const MAX_ROWS: usize = 1_000;

/// Rows to create or update in one transaction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LookupBatch {
    /// Whether the rows replace all others of their types. Otherwise each row is created, or updates the row with the same
    /// source.
    pub replace: Option<bool>,
    /// The type of rows without a type.
    #[serde(rename = "type")]
    pub lookup_type: Option<String>,
    /// The unit of rows without a unit. With `replace`, only this tenant's rows are replaced.
    pub tenant_id: Option<i64>,
    /// The rows.
    #[schema(min_items = 1, max_items = 1000)]
    pub lookups: Vec<Lookup>,
}
validated!(LookupBatch);

/// A validated batch.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The rows.
    pub drafts: Vec<LookupDraft>,
    /// Whether the rows replace all others of their types.
    pub replace: bool,
    /// The only tenant whose rows are replaced; `None` for all tenants.
    pub tenant: Option<Option<Rid>>,
}

/// The result of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchAnswer {
    /// The number of created rows.
    pub created: u64,
    /// The number of updated rows.
    pub updated: u64,
    /// The number of rows without a change.
    pub unchanged: u64,
    /// The number of replaced rows.
    pub removed: u64,
}

/// The rows to delete: individual rows, or all of a type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LookupDeletion {
    /// The rows' identifiers.
    #[schema(min_items = 1, max_items = 1000)]
    pub ids: Option<Vec<String>>,
    /// The type.
    #[serde(rename = "type")]
    pub lookup_type: Option<String>,
    /// With `type`: delete only the rows of this unit, or of the organisation itself.
    pub tenant_id: Option<i64>,
}
validated!(LookupDeletion);

/// The result of a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupsDeleted {
    /// The number of deleted rows.
    pub deleted: u64,
}

impl LookupBatch {
    /// The validated batch, or everything that is wrong with it.
    pub(crate) fn validate(self, org: OrgId) -> Result<Batch, Faults> {
        let Self {
            replace,
            lookup_type: table_type,
            tenant_id,
            lookups,
        } = self;
        let mut faults = Faults::default();
        if lookups.is_empty() || lookups.len() > MAX_ROWS {
            faults.add(
                "/lookups",
                format!("must hold 1 to {MAX_ROWS} rows; a file with more can be imported"),
            );
            return Err(faults);
        }
        let table_type = table_type.and_then(|text| collect_faults(&mut faults, "/type", parse_lookup_type(&text)));
        let tenant = tenant_id.and_then(|rid| collect_faults(&mut faults, "/tenantId", parse_tenant(org, rid)));
        let defaults = Defaults {
            lookup_type: table_type,
            tenant_id: tenant.flatten(),
        };
        let replace = replace.unwrap_or(false);
        let mut indices: HashMap<(LookupTable, String), usize> = HashMap::new();
        let mut drafts = Vec::with_capacity(lookups.len());
        for (at, lookup) in lookups.into_iter().enumerate() {
            let pointer = format!("/lookups/{at}");
            let Some(draft) = collect_faults(&mut faults, &pointer, lookup.into_draft(org, &defaults)) else {
                continue;
            };
            if replace && tenant.is_some_and(|tenant| tenant != draft.table.tenant_id) {
                faults.add(format!("{pointer}/tenantId"), "is not the tenant whose rows are replaced");
            }
            let key = (draft.table.clone(), draft.source.id.clone());
            if let Some(first) = indices.insert(key, at) {
                faults.add(format!("{pointer}/source/id"), format!("stands at /lookups/{first} already"));
            }
            drafts.push(draft);
        }
        faults.into_result(Batch { drafts, replace, tenant })
    }
}

/// The rows to delete.
#[derive(Debug)]
pub(crate) enum Deletion {
    /// These rows; unknown identifiers are ignored.
    Rows(Vec<ig_core::id::LookupId>),
    /// All rows of a type, or those of one tenant.
    Type(LookupType, Option<Option<Rid>>),
}

impl LookupDeletion {
    /// The rows to delete, or what is wrong with the request.
    pub(crate) fn validate(self, org: OrgId) -> Result<Deletion, Faults> {
        let Self {
            ids,
            lookup_type: table_type,
            tenant_id,
        } = self;
        match (ids, table_type) {
            (Some(ids), None) if tenant_id.is_none() => {
                if ids.is_empty() || ids.len() > MAX_ROWS {
                    return Err(Faults::single("/ids", format!("must hold 1 to {MAX_ROWS} identifiers")));
                }
                // A malformed identifier cannot name an existing row.
                Ok(Deletion::Rows(ids.iter().filter_map(|id| id.parse().ok()).collect()))
            }
            (None, Some(table_type)) => {
                let table_type = prefix_faults("/type", parse_lookup_type(&table_type))?;
                let tenant = tenant_id
                    .map(|rid| prefix_faults("/tenantId", parse_tenant(org, rid)))
                    .transpose()?;
                Ok(Deletion::Type(table_type, tenant))
            }
            _ => Err(Faults::single(
                "",
                "must name either ids, or a type and where wanted a tenantId",
            )),
        }
    }
}

impl From<WriteCounts> for BatchAnswer {
    fn from(written: WriteCounts) -> Self {
        let WriteCounts {
            created,
            updated,
            unchanged,
        } = written;
        Self {
            created,
            updated,
            unchanged,
            removed: 0,
        }
    }
}
