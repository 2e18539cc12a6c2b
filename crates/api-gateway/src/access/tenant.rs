//! What is one organisation's.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::Place;
use ig_core::id::OrgId;
use ig_core::organization::RequestLimits;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Caller, Needs};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::{AppState, Gateway};
use crate::query::Asked;
use crate::response_extras::ResponseExtras;

/// Names the organisation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgQuery {
    /// The organisation that the request is about.
    #[param(required = true, value_type = i64, example = 648)]
    org_id: Option<String>,
}

/// The gateway for somebody who has the right `R` in an organisation that exists. Nothing of a tenant is reached without one.
#[derive(Debug)]
pub(crate) struct Tenant<R> {
    /// The organisation.
    pub org: OrgId,
    /// What they work with.
    pub gateway: Gateway,
    right: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<AppState> for Tenant<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app, R::RIGHT).await?;
        let Asked(query) = Asked::<OrgQuery>::from_request_parts(parts, app).await?;
        let org = query.org()?;
        caller.may(R::RIGHT, Place::Org(org))?;
        let gateway = app.on_behalf_of(caller);
        gateway.known_org(org).await?;
        let extras = ResponseExtras::of(parts);
        extras.note_org(org);
        let own = gateway.request_limits(org);
        app.limits().of_org(org, own, R::RIGHT, &extras).await?;
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
    /// How many requests an organisation may send, as far as that is said for it alone.
    fn request_limits(&self, org: OrgId) -> RequestLimits {
        let configuration = self.feed().configuration();
        let organization = configuration.org(org).and_then(|org| org.organization());
        organization
            .map(|organization| organization.request_limits)
            .unwrap_or_default()
    }

    /// Refuses an organisation that does not exist.
    pub(crate) async fn known_org(&self, org: OrgId) -> Result<(), ApiError> {
        if self.feed().configuration().org(org).is_some() {
            return Ok(());
        }
        // It may have been made a moment ago, through another gateway.
        let found = self.store().organizations().get(org).await?;
        found.map(drop).ok_or_else(|| ApiError::not_found("Organization"))
    }

    /// Refuses an organisation that a body names and that does not exist.
    pub(crate) async fn named_org(&self, pointer: &str, org: OrgId) -> Result<(), ApiError> {
        let known = self.known_org(org).await;
        known.map_err(|error| match error.code {
            ErrorCode::NotFound => ApiError::fault(pointer, "is no organisation"),
            _ => error,
        })
    }
}
