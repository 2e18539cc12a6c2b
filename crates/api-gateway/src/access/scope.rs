//! The organisation that a request is about.

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::id::OrgId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Caller;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::query::Asked;

/// Names the organisation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgQuery {
    /// The organisation that the request is about.
    #[param(required = true, value_type = i64, example = 648)]
    org_id: Option<String>,
}

/// An organisation that exists and that the caller may act for. Nothing of a tenant is reached without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrgScope(pub OrgId);

impl FromRequestParts<Gateway> for OrgScope {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, gateway).await?;
        let Asked(query) = Asked::<OrgQuery>::from_request_parts(parts, gateway).await?;
        let org = query.org()?;
        caller.may_enter(org)?;
        gateway.known_org(org).await?;
        Ok(Self(org))
    }
}

impl OrgQuery {
    fn org(self) -> Result<OrgId, ApiError> {
        let text = self.org_id.ok_or_else(|| ApiError::parameter("orgId", "is required"))?;
        let number = text.parse().ok().filter(|number| *number > 0);
        number
            .map(OrgId)
            .ok_or_else(|| ApiError::parameter("orgId", "must be a positive integer"))
    }
}

impl Gateway {
    /// Refuses an organisation that does not exist.
    pub(crate) async fn known_org(&self, org: OrgId) -> Result<(), ApiError> {
        if self.feed().configuration().org(org).is_some() {
            return Ok(());
        }
        // It may have been made a moment ago, through another gateway.
        let found = self.store().organizations().get(org).await?;
        found.map(drop).ok_or_else(|| ApiError::not_found("Organization"))
    }
}
