//! What needs no proof of who calls.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Caller;
use crate::gateway::{AppState, Gateway};

/// The gateway for whoever calls.
#[derive(Debug)]
pub(crate) struct Unauthenticated {
    /// What they work with.
    pub gateway: Gateway,
}

impl FromRequestParts<AppState> for Unauthenticated {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let gateway = app.on_behalf_of(Caller::nobody());
        Ok(Self { gateway })
    }
}
