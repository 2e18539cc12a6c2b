//! Access to the caller's own data.

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::Right;
use ig_core::id::{SessionId, UserId};

use super::caller::{Caller, Credential, unauthorized};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};

/// The gateway for a logged-in person, for their own data.
#[derive(Debug)]
pub(crate) struct CurrentUser {
    /// The gateway.
    pub gateway: Gateway,
    /// The person's identifier.
    pub user: UserId,
    /// The session of this request.
    pub session: SessionId,
}

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let Credential::Token(token) = Credential::of(parts, Right::Read)? else {
            return Err(unauthorized(
                "This is for people who logged in: send their token as Authorization: Bearer",
            ));
        };
        let person = Caller::authenticate_token(parts, app, token).await?;
        Ok(Self {
            gateway: app.on_behalf_of(person.caller),
            user: person.user,
            session: person.session,
        })
    }
}

/// The gateway for any authenticated caller, for its own data.
#[derive(Debug)]
pub(crate) struct Authenticated {
    /// The gateway.
    pub gateway: Gateway,
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::authenticate(parts, app, Right::Read).await?;
        let gateway = app.on_behalf_of(caller);
        Ok(Self { gateway })
    }
}
