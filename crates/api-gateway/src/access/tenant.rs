//! Access to one organisation's data.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::RequestScope;
use ig_core::id::OrgId;
use ig_core::organization::RequestLimits;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Caller, RequiredRight};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::{AppState, Gateway};
use crate::query::QueryParams;
use crate::response_extras::ResponseExtras;

/// The organisation of the request.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgQuery {
    /// The number of the organisation that the request is about.
    #[param(required = true, value_type = i64, example = 648)]
    org_id: Option<String>,
}

/// The gateway for a caller that has the right `R` in an existing organisation. Tenant data is reached only through it.
#[derive(Debug)]
pub(crate) struct Tenant<R> {
    /// The organisation.
    pub org: OrgId,
    /// The gateway.
    pub gateway: Gateway,
    right: PhantomData<R>,
}

impl<R: RequiredRight> FromRequestParts<AppState> for Tenant<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::authenticate(parts, app, R::RIGHT).await?;
        let QueryParams(query) = QueryParams::<OrgQuery>::from_request_parts(parts, app).await?;
        let org = query.org()?;
        caller.check_right(R::RIGHT, RequestScope::Org(org))?;
        let gateway = app.on_behalf_of(caller);
        gateway.check_org_exists(org).await?;
        let extras = ResponseExtras::of(parts);
        extras.note_org(org);
        let own_limits = gateway.request_limits(org);
        app.limits().take_for_org(org, own_limits, R::RIGHT, &extras).await?;
        Ok(Self {
            org,
            gateway,
            right: PhantomData,
        })
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
    /// The organisation's own request limits, where it has any.
    fn request_limits(&self, org: OrgId) -> RequestLimits {
        let configuration = self.feed().configuration();
        let organization = configuration.org(org).and_then(|org| org.organization());
        organization
            .map(|organization| organization.request_limits)
            .unwrap_or_default()
    }

    /// Refuses an organisation that does not exist.
    pub(crate) async fn check_org_exists(&self, org: OrgId) -> Result<(), ApiError> {
        if self.feed().configuration().org(org).is_some() {
            return Ok(());
        }
        // Another gateway may have created it a moment ago.
        let exists = self.store().organizations().exists(org, org).await?;
        exists.then_some(()).ok_or_else(|| ApiError::not_found("Organization"))
    }

    /// Refuses a body that names an organisation that does not exist.
    pub(crate) async fn check_named_org(&self, pointer: &str, org: OrgId) -> Result<(), ApiError> {
        let known = self.check_org_exists(org).await;
        known.map_err(|error| match error.code {
            ErrorCode::NotFound => ApiError::fault(pointer, "is no organisation"),
            _ => error,
        })
    }
}
