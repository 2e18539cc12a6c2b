//! A row as stored.

use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupRow, LookupSide};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::unreadable;
use crate::field::{date, json, long, object_id, timestamp, unsigned};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowDocument {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    pub(super) org_id: i64,
    pub(super) tenant_id: Option<i64>,
    #[serde(rename = "type")]
    pub(super) lookup_type: String,
    pub(super) generation: ObjectId,
    pub(super) source: SideDocument,
    pub(super) target: SideDocument,
    pub(super) is_active: bool,
    pub(super) revision: i64,
    pub(super) created_at: bson::DateTime,
    pub(super) updated_at: bson::DateTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SideDocument {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
}

impl From<&LookupSide> for SideDocument {
    fn from(side: &LookupSide) -> Self {
        let LookupSide { id, fields } = side;
        Self {
            id: id.clone(),
            fields: (!fields.is_empty()).then(|| Value::Object(fields.clone()).to_string()),
        }
    }
}

impl TryFrom<SideDocument> for LookupSide {
    type Error = StoreError;

    fn try_from(document: SideDocument) -> Result<Self, StoreError> {
        let SideDocument { id, fields } = document;
        let fields = match fields.map(|text| json("fields", &text)).transpose()? {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(unreadable("fields")),
        };
        Ok(Self { id, fields })
    }
}

impl RowDocument {
    pub(super) fn new(row: &LookupRow, generation: ObjectId) -> Self {
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
            id: object_id(id.0),
            org_id: org_id.0,
            tenant_id: tenant_id.map(|rid| rid.0),
            lookup_type: lookup_type.to_string(),
            generation,
            source: source.into(),
            target: target.into(),
            is_active: *is_active,
            revision: long(*revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl TryFrom<RowDocument> for LookupRow {
    type Error = StoreError;

    fn try_from(document: RowDocument) -> Result<Self, StoreError> {
        let RowDocument {
            id,
            org_id,
            tenant_id,
            lookup_type,
            generation: _,
            source,
            target,
            is_active,
            revision,
            created_at,
            updated_at,
        } = document;
        Ok(Self {
            id: LookupId(id.bytes()),
            org_id: OrgId(org_id),
            tenant_id: tenant_id.map(Rid),
            lookup_type: LookupType::new(lookup_type),
            source: source.try_into()?,
            target: target.try_into()?,
            is_active,
            revision: unsigned(revision),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        })
    }
}
