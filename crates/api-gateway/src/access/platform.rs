//! Access to the platform's own data.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::{RequestScope, Right};

use super::{Caller, RequiredRight};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};

/// The gateway for a caller that reaches all organisations and has the right `R`.
#[derive(Debug)]
pub(crate) struct Platform<R> {
    /// The gateway.
    pub gateway: Gateway,
    right: PhantomData<R>,
}

impl<R: RequiredRight> FromRequestParts<AppState> for Platform<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::authenticate(parts, app, Right::Read).await?;
        caller.check_right(R::RIGHT, RequestScope::Platform)?;
        Ok(Self {
            gateway: app.on_behalf_of(caller),
            right: PhantomData,
        })
    }
}
