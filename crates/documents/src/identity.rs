//! The identity of a resource, which a document may repeat and never change.

use ig_core::fault::Faults;
use ig_core::id::{OrgId, Rid};

use crate::text::{collect_faults, rid};

/// Checks that a document repeats the resource's identifier and organisation, or leaves them out.
pub(crate) fn check_identity(
    faults: &mut Faults,
    (given_id, id): (Option<String>, &str),
    (given_org, org): (Option<i64>, OrgId),
) {
    if given_id.is_some_and(|given| given != id) {
        faults.add("/id", "cannot be changed");
    }
    if given_org.is_some_and(|given| given != org.0) {
        faults.add("/orgId", "cannot be changed");
    }
}

/// Checks that a document's direction is absent or the expected one.
pub(crate) fn check_direction(faults: &mut Faults, given: Option<&str>, direction: &str) {
    if given.is_some_and(|given| given != direction) {
        faults.add("/direction", format!("must be {direction}, or left out"));
    }
}

/// The entity that a document is configured for: the organisation, unless the document names a unit.
pub(crate) fn entity(faults: &mut Faults, tenant_id: Option<i64>, org: OrgId) -> Rid {
    let unit = tenant_id.and_then(|number| collect_faults(faults, "/tenantId", rid(number)));
    unit.unwrap_or(org.as_entity())
}
