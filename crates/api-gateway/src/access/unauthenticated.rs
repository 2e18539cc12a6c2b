//! Access without credentials.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Caller;
use crate::gateway::{AppState, Gateway};

/// The gateway for any caller.
#[derive(Debug)]
pub(crate) struct Unauthenticated {
    /// The gateway.
    pub gateway: Gateway,
}

impl FromRequestParts<AppState> for Unauthenticated {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let gateway = app.on_behalf_of(Caller::anonymous());
        Ok(Self { gateway })
    }
}
