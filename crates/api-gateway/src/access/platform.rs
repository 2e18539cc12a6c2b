//! What is the platform's.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use ig_core::access::{Place, Right};

use super::{Caller, Needs};
use crate::error::ApiError;
use crate::gateway::{Edge, Gateway};

/// The gateway for somebody who reaches everything and has the right `R`.
#[derive(Debug)]
pub(crate) struct Platform<R> {
    /// What they work with.
    pub gateway: Gateway,
    right: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<Edge> for Platform<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, edge, Right::Read).await?;
        caller.may(R::RIGHT, Place::Platform)?;
        Ok(Self {
            gateway: edge.on_behalf_of(caller),
            right: PhantomData,
        })
    }
}
