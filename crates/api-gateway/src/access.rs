//! Who calls, and on which organisation's behalf.

use axum::extract::FromRequestParts;
use http::header::HeaderName;
use http::request::Parts;
use ig_core::id::OrgId;

use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;

mod keys;
mod scope;

pub(crate) use keys::Keys;
pub(crate) use scope::{OrgQuery, OrgScope};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How far a caller reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every organisation, and what belongs to none.
    Everything,
    /// One organisation.
    Org(OrgId),
}

/// Somebody who proved who they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// How far they reach.
    pub reach: Reach,
}

impl Caller {
    /// Refuses what is another organisation's.
    pub(crate) fn may_enter(self, org: OrgId) -> Result<(), ApiError> {
        match self.reach {
            Reach::Everything => Ok(()),
            Reach::Org(own) if own == org => Ok(()),
            Reach::Org(_) => Err(ApiError::new(ErrorCode::Forbidden, "This key is for another organisation")),
        }
    }
}

impl FromRequestParts<Gateway> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Some(key) = parts.headers.get(API_KEY) else {
            return Err(ApiError::new(ErrorCode::Unauthorized, "Send an API key as X-API-Key"));
        };
        let caller = gateway.keys().caller(key.as_bytes()).await?;
        caller.ok_or_else(|| ApiError::new(ErrorCode::Unauthorized, "The API key is not known, or no longer valid"))
    }
}

/// An administrator: whoever reaches everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admin;

impl FromRequestParts<Gateway> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, gateway).await?;
        match caller.reach {
            Reach::Everything => Ok(Self),
            Reach::Org(_) => Err(ApiError::new(ErrorCode::Forbidden, "This is for administrators")),
        }
    }
}
