//! Many rows at once.

use std::collections::HashMap;

use ig_core::fault::Faults;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupTable, lookup_type};
use ig_store::Written;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Defaults, Lookup, tenant};
use crate::body::shaped;
use crate::document::text::{noted, within};

/// Rows of one request.
const MOST: usize = 1_000;

/// Rows to be made or changed together: all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LookupBatch {
    /// Whether the rows take the place of all others of their types; otherwise each is made, or changes the row that its
    /// table has for the same source.
    pub replace: Option<bool>,
    /// The type of rows that name none.
    #[serde(rename = "type")]
    pub lookup_type: Option<String>,
    /// The unit of rows that name none; with `replace` the only tenant whose rows are replaced.
    pub tenant_id: Option<i64>,
    /// The rows.
    #[schema(min_items = 1, max_items = 1000)]
    pub lookups: Vec<Lookup>,
}
shaped!(LookupBatch);

/// A batch that keeps the laws.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The rows.
    pub drafts: Vec<LookupDraft>,
    /// Whether they replace all others of their types.
    pub replace: bool,
    /// The only tenant whose rows are replaced, where there is one.
    pub tenant: Option<Option<Rid>>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchAnswer {
    /// Rows that were made.
    pub created: u64,
    /// Rows that were changed.
    pub updated: u64,
    /// Rows that were so already.
    pub unchanged: u64,
    /// Rows that were replaced.
    pub removed: u64,
}

/// Which rows to delete: these, or all of a type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LookupDeletion {
    /// The rows' identifiers.
    #[schema(min_items = 1, max_items = 1000)]
    pub ids: Option<Vec<String>>,
    /// The type.
    #[serde(rename = "type")]
    pub lookup_type: Option<String>,
    /// With `type`: the one tenant, a unit or the organisation itself, whose rows are deleted.
    pub tenant_id: Option<i64>,
}
shaped!(LookupDeletion);

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupsDeleted {
    /// How many rows there were.
    pub deleted: u64,
}

impl LookupBatch {
    /// The drafts, or everything that is wrong by place.
    pub(crate) fn checked(self, org: OrgId) -> Result<Batch, Faults> {
        let Self {
            replace,
            lookup_type: named,
            tenant_id,
            lookups,
        } = self;
        let mut faults = Faults::default();
        if lookups.is_empty() || lookups.len() > MOST {
            faults.add(
                "/lookups",
                format!("must hold 1 to {MOST} rows; a file with more can be imported"),
            );
            return Err(faults);
        }
        let named = named.and_then(|text| noted(&mut faults, "/type", lookup_type(&text)));
        let tenant = tenant_id.and_then(|rid| noted(&mut faults, "/tenantId", tenant(org, rid)));
        let defaults = Defaults {
            lookup_type: named,
            tenant_id: tenant.flatten(),
        };
        let replace = replace.unwrap_or(false);
        let mut places: HashMap<(LookupTable, String), usize> = HashMap::new();
        let mut drafts = Vec::with_capacity(lookups.len());
        for (at, lookup) in lookups.into_iter().enumerate() {
            let place = format!("/lookups/{at}");
            let Some(draft) = noted(&mut faults, &place, lookup.into_draft(org, &defaults)) else {
                continue;
            };
            if replace && tenant.is_some_and(|tenant| tenant != draft.table.tenant_id) {
                faults.add(format!("{place}/tenantId"), "is not the tenant whose rows are replaced");
            }
            let key = (draft.table.clone(), draft.source.id.clone());
            if let Some(first) = places.insert(key, at) {
                faults.add(format!("{place}/source/id"), format!("stands at /lookups/{first} already"));
            }
            drafts.push(draft);
        }
        faults.into_result(Batch { drafts, replace, tenant })
    }
}

/// What is to be deleted.
#[derive(Debug)]
pub(crate) enum Deletion {
    /// These rows; those that are none are nobody's.
    Rows(Vec<ig_core::id::LookupId>),
    /// A type's, or one tenant's within it.
    Type(LookupType, Option<Option<Rid>>),
}

impl LookupDeletion {
    /// What is to be deleted, or what is wrong.
    pub(crate) fn checked(self, org: OrgId) -> Result<Deletion, Faults> {
        let Self {
            ids,
            lookup_type: named,
            tenant_id,
        } = self;
        match (ids, named) {
            (Some(ids), None) if tenant_id.is_none() => {
                if ids.is_empty() || ids.len() > MOST {
                    return Err(Faults::one("/ids", format!("must hold 1 to {MOST} identifiers")));
                }
                // What has not even the form of an identifier does not exist.
                Ok(Deletion::Rows(ids.iter().filter_map(|id| id.parse().ok()).collect()))
            }
            (None, Some(named)) => {
                let named = within("/type", lookup_type(&named))?;
                let tenant = tenant_id.map(|rid| within("/tenantId", tenant(org, rid))).transpose()?;
                Ok(Deletion::Type(named, tenant))
            }
            _ => Err(Faults::one("", "must name either ids, or a type and where wanted a tenantId")),
        }
    }
}

impl From<Written> for BatchAnswer {
    fn from(written: Written) -> Self {
        let Written {
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
