//! A unit as stored.

use ig_core::id::{OrgId, Rid};
use ig_core::organization::OrgUnit;
use mongodb::bson;
use serde::{Deserialize, Serialize};

use crate::field::{date, long, timestamp, unsigned};
use crate::organizations::ProfileDocument;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrgUnitDocument {
    #[serde(rename = "_id")]
    id: i64,
    org_id: i64,
    rid: i64,
    #[serde(flatten)]
    profile: ProfileDocument,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

impl OrgUnitDocument {
    pub(crate) fn new(unit: &OrgUnit, revision: u64) -> Self {
        let OrgUnit {
            org_id,
            rid,
            profile,
            revision: _,
            created_at,
            updated_at,
        } = unit;
        Self {
            id: rid.0,
            org_id: org_id.0,
            rid: rid.0,
            profile: profile.into(),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl From<OrgUnitDocument> for OrgUnit {
    fn from(document: OrgUnitDocument) -> Self {
        let OrgUnitDocument {
            id: _,
            org_id,
            rid,
            profile,
            revision,
            created_at,
            updated_at,
        } = document;
        Self {
            org_id: OrgId(org_id),
            rid: Rid(rid),
            profile: profile.into(),
            revision: unsigned(revision),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        }
    }
}
