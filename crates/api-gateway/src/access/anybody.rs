//! What needs no proof of who calls.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Caller;
use crate::gateway::{Edge, Gateway};

/// The gateway for whoever calls.
#[derive(Debug)]
pub(crate) struct Anybody {
    /// What they work with.
    pub gateway: Gateway,
}

impl FromRequestParts<Edge> for Anybody {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        let gateway = edge.on_behalf_of(Caller::nobody());
        Ok(Self { gateway })
    }
}
