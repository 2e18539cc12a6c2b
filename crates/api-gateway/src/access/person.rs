//! What is a person's own.

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::Right;
use ig_core::id::{SessionId, UserId};

use super::caller::{Caller, Proof, unauthorized};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};

/// The gateway for somebody who logged in, for what concerns themselves.
#[derive(Debug)]
pub(crate) struct Person {
    /// What they work with.
    pub gateway: Gateway,
    /// Who they are.
    pub user: UserId,
    /// The session that they came with.
    pub session: SessionId,
}

impl FromRequestParts<AppState> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let Proof::Token(token) = Proof::of(parts, Right::Read)? else {
            return Err(unauthorized(
                "This is for people who logged in: send their token as Authorization: Bearer",
            ));
        };
        let person = Caller::logged_in(parts, app, token).await?;
        Ok(Self {
            gateway: app.on_behalf_of(person.caller),
            user: person.user,
            session: person.session,
        })
    }
}

/// The gateway for whoever proved who they are, for what concerns themselves.
#[derive(Debug)]
pub(crate) struct Authenticated {
    /// What they work with.
    pub gateway: Gateway,
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app, Right::Read).await?;
        let gateway = app.on_behalf_of(caller);
        Ok(Self { gateway })
    }
}
