//! Units of organisations.

use ig_core::configuration::Change;
use ig_core::id::{OrgId, Rid};
use ig_core::integration::Integration;
use ig_core::organization::OrgUnit;
use ig_core::ports::StoreError;
use ig_store::Expected;

use super::{changed_now, made_now};
use crate::document::Unit;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::guard::IfMatch;

/// One unit of an organisation.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, rid: Rid) -> Result<OrgUnit, ApiError> {
    let found = gateway.store().org_units().get(org, rid).await?;
    found.ok_or_else(|| ApiError::not_found("Unit"))
}

/// Makes a unit; nobody else's number is given away.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: Unit) -> Result<OrgUnit, ApiError> {
    let rid = document.named()?;
    let unit = document.into_domain(org, rid, made_now())?;
    put(gateway, unit, Expected::New).await
}

/// Changes a unit into what the document says.
pub(crate) async fn replace(gateway: &Gateway, stored: OrgUnit, document: Unit, seen: IfMatch) -> Result<OrgUnit, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let unit = document.into_domain(stored.org_id, stored.rid, changed_now(stored.created_at))?;
    put(gateway, unit, expected).await
}

/// Deletes a unit that no integration names.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, rid: Rid, seen: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org, rid).await?;
    let expected = seen.against(None, stored.revision)?;
    gateway.feed().caught_up().await?;
    let configuration = gateway.feed().configuration();
    if let Some(user) = configuration.integrations().find(|integration| names(integration, org, rid)) {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!("Integration {} names this unit", user.id),
        ));
    }
    gateway.commit(Change::DeleteUnit(org, rid), expected).await.map(drop)
}

fn names(integration: &Integration, org: OrgId, rid: Rid) -> bool {
    integration.org_id == org && (integration.tenant_id == rid || integration.excluded_entity_rids.contains(&rid))
}

async fn put(gateway: &Gateway, unit: OrgUnit, expected: Expected) -> Result<OrgUnit, ApiError> {
    let revision = gateway.commit(Change::PutUnit(unit.clone()), expected).await?;
    Ok(OrgUnit { revision, ..unit })
}

impl Gateway {
    /// Whether an entity is a unit of the organisation.
    pub(crate) async fn is_unit(&self, org: OrgId, rid: Rid) -> Result<bool, StoreError> {
        if rid != org.as_entity() && self.feed().configuration().org_of_entity(rid) == Some(org) {
            return Ok(true);
        }
        // It may have been made a moment ago, through another gateway.
        Ok(self.store().org_units().get(org, rid).await?.is_some())
    }
}
