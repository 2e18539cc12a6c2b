//! Lookup rows, as clients send and read them.

#![expect(clippy::option_option, reason = "a tenant may be named, named as none, or not named at all")]

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupRow, LookupSide, LookupTable, parse_lookup_type};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Stamp;
use super::listing::listing;
use crate::body::validated;
use ig_documents::text::{self, collect_faults, prefix_faults};

mod batch;
mod import;
mod requests;
mod side;
mod statistics;

pub(crate) use batch::{Batch, BatchAnswer, Deletion, LookupBatch, LookupDeletion, LookupsDeleted};
pub(crate) use import::{FileFault, ImportEntry, ImportList, ImportReport};
pub(crate) use requests::{
    LookupAnswer, LookupAnswers, LookupMatches, LookupMatchesList, LookupQuestions, LookupRequest, LookupRequests,
};
pub(crate) use side::SideDocument;
pub(crate) use statistics::{LookupStatistics, LookupTypes};

/// A lookup row: the counterpart of a value in another system.
#[expect(clippy::struct_field_names, reason = "type is a word of the language")]
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Lookup {
    /// Its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// The unit that the row belongs to; the organisation itself where absent. A unit's row takes precedence over the
    /// organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<i64>,
    /// The type, such as DEPARTMENT; required, except in a batch that names it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub lookup_type: Option<String>,
    /// The value as it occurs in payloads.
    pub source: SideDocument,
    /// Its counterpart in the target system.
    pub target: SideDocument,
    /// Whether the row is used in lookups; true by default.
    pub is_active: Option<bool>,
    /// Increases with every change. In a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}
validated!(Lookup);

listing! {
    /// A page of an organisation's lookup rows.
    LookupList { lookups: Lookup }
}

/// The defaults of a batch's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    /// The type of rows without a type.
    pub lookup_type: Option<LookupType>,
    /// The unit of rows without a unit.
    pub tenant_id: Option<Rid>,
}

impl Lookup {
    /// The domain's row with this identity, or everything that is wrong with the document.
    pub(crate) fn into_row(self, org_id: OrgId, id: LookupId, revision: u64, stamp: Stamp) -> Result<LookupRow, Faults> {
        let mut faults = Faults::default();
        if self.id.as_ref().is_some_and(|given| *given != id.to_string()) {
            faults.add("/id", "cannot be changed");
        }
        if self.org_id.is_some_and(|given| given != org_id.0) {
            faults.add("/orgId", "cannot be changed");
        }
        let draft = collect_faults(&mut faults, "", self.into_draft(org_id, &Defaults::default()));
        let Some(draft) = draft.filter(|_| faults.is_empty()) else {
            return Err(faults);
        };
        let LookupDraft {
            table: LookupTable { lookup_type, tenant_id },
            source,
            target,
            is_active,
        } = draft;
        let Stamp { created_at, updated_at } = stamp;
        Ok(LookupRow {
            id,
            org_id,
            tenant_id,
            lookup_type,
            source,
            target,
            is_active,
            revision,
            created_at,
            updated_at,
        })
    }

    /// The row's content without an identity, or everything that is wrong with the document.
    pub(crate) fn into_draft(self, org: OrgId, defaults: &Defaults) -> Result<LookupDraft, Faults> {
        let Self {
            tenant_id,
            lookup_type: type_name,
            source,
            target,
            is_active,
            ..
        } = self;
        let mut faults = Faults::default();
        let table_type = type_name.map(|text| prefix_faults("/type", parse_lookup_type(&text)));
        let table_type = table_type.or_else(|| defaults.lookup_type.clone().map(Ok));
        let table_type = table_type.unwrap_or_else(|| Err(Faults::single("/type", "is required")));
        let table_type = collect_faults(&mut faults, "", table_type);
        let tenant = tenant_id.map(|rid| prefix_faults("/tenantId", parse_tenant(org, rid)));
        let tenant = tenant.unwrap_or(Ok(defaults.tenant_id));
        let tenant_id = collect_faults(&mut faults, "", tenant).flatten();
        let source = collect_faults(&mut faults, "/source", source.validate());
        let target = collect_faults(&mut faults, "/target", target.validate());
        match (table_type, source, target) {
            (Some(lookup_type), Some(source), Some(target)) if faults.is_empty() => Ok(LookupDraft {
                table: LookupTable { lookup_type, tenant_id },
                source,
                target,
                is_active: is_active.unwrap_or(true),
            }),
            _ => Err(faults),
        }
    }
}

/// A tenant as clients name it: `Some` for a unit, `None` for the organisation itself.
pub(crate) fn parse_tenant(org: OrgId, rid: i64) -> Result<Option<Rid>, Faults> {
    Ok(Some(text::rid(rid)?).filter(|rid| *rid != org.as_entity()))
}

impl From<LookupSide> for SideDocument {
    fn from(side: LookupSide) -> Self {
        let LookupSide { id, fields } = side;
        Self { id, fields }
    }
}

impl From<LookupRow> for Lookup {
    fn from(row: LookupRow) -> Self {
        let LookupRow {
            id,
            org_id,
            tenant_id,
            lookup_type,
            source,
            target,
            is_active,
            revision,
            created_at,
            updated_at,
        } = row;
        Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            tenant_id: tenant_id.map(|rid| rid.0),
            lookup_type: Some(lookup_type.to_string()),
            source: source.into(),
            target: target.into(),
            is_active: Some(is_active),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

/// The fields of a side other than its identifier.
type Fields = Map<String, Value>;
