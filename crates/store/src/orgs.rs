//! The organisations that a count covers.

use ig_core::id::OrgId;
use mongodb::bson::{Bson, doc};

/// One organisation, or the whole platform: every count has to say for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orgs(Bson);

impl Orgs {
    /// One organisation.
    pub fn one(org: OrgId) -> Self {
        Self(org.0.into())
    }

    /// The whole platform: these organisations, and documents without one. The organisations are listed, because every
    /// index begins with `orgId`.
    pub fn platform(orgs: impl IntoIterator<Item = OrgId>) -> Self {
        let orgs = orgs.into_iter().map(|org| Bson::from(org.0));
        let all: Vec<_> = std::iter::once(Bson::Null).chain(orgs).collect();
        Self(doc! { "$in": all }.into())
    }

    /// Whether it is one organisation.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.0, Bson::Int64(_))
    }

    /// The condition on `orgId`.
    pub(crate) fn condition(&self) -> Bson {
        self.0.clone()
    }
}
