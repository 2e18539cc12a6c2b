//! Units of an organisation, as clients send and read them.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{OrgId, Rid};
use ig_core::organization::{OrgUnit, Profile};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::profile::ProfileFields;
use crate::resource::{ResourceDocument, Stamp};
use crate::text;
use crate::text::{collect_faults, prefix_faults};

/// A unit of an organisation: a clinic, a department.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Unit)]
pub struct UnitDocument {
    /// The unit's number, as `rid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<i64>,
    /// The organisation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// The unit's globally unique number; required to create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<i64>,
    /// Display name.
    pub name: String,
    /// Short code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Contact address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Contact telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Free labels.
    pub tags: Option<Vec<String>>,
    /// Region, such as `eu-west`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// IANA timezone name, such as `Asia/Kolkata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The revision of the last change. In a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

impl ResourceDocument for UnitDocument {
    type Item = OrgUnit;

    fn from_item(item: OrgUnit) -> Result<Self, Faults> {
        Ok(item.into())
    }

    fn into_item(self, org: OrgId, id: Rid, stamp: Stamp, _: &dyn Checks) -> Result<OrgUnit, Faults> {
        self.into_domain(org, id, stamp)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }
}

impl UnitDocument {
    /// The number, which a document must give on creation.
    pub fn named(&self) -> Result<Rid, Faults> {
        let number = self.rid.ok_or_else(|| Faults::single("/rid", "is required"))?;
        prefix_faults("/rid", text::rid(number))
    }

    /// The domain's unit with this number, or everything that is wrong with the document.
    fn into_domain(self, org_id: OrgId, rid: Rid, stamp: Stamp) -> Result<OrgUnit, Faults> {
        let Self {
            id,
            org_id: org,
            rid: given,
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
            ..
        } = self;
        let mut faults = Faults::default();
        for (place, number, fixed) in [("/id", id, rid.0), ("/rid", given, rid.0), ("/orgId", org, org_id.0)] {
            if number.is_some_and(|number| number != fixed) {
                faults.add(place, "cannot be changed");
            }
        }
        let claims = ProfileFields {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        };
        let profile = collect_faults(&mut faults, "", Profile::try_from(claims)).unwrap_or_default();
        let Stamp { created_at, updated_at } = stamp;
        faults.into_result(OrgUnit {
            org_id,
            rid,
            profile,
            revision: 0,
            created_at,
            updated_at,
        })
    }
}

impl From<OrgUnit> for UnitDocument {
    fn from(unit: OrgUnit) -> Self {
        let OrgUnit {
            org_id,
            rid,
            profile,
            revision,
            created_at,
            updated_at,
        } = unit;
        let Profile {
            name,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = profile;
        Self {
            id: Some(rid.0),
            org_id: Some(org_id.0),
            rid: Some(rid.0),
            name,
            code,
            email,
            phone,
            address,
            tags: Some(tags),
            region,
            timezone,
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}
