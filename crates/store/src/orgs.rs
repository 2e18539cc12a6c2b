//! Whose things are counted together.

use ig_core::id::OrgId;
use mongodb::bson::{Bson, doc};

/// One organisation, or all of the platform. There is no way to count without saying for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orgs(Bson);

impl Orgs {
    /// What is one organisation's.
    pub fn one(org: OrgId) -> Self {
        Self(org.0.into())
    }

    /// What is the platform's: each organisation's, and what is nobody's. They are named, because all indexes begin with the
    /// organisation.
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
