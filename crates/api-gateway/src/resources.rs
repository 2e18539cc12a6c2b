//! The configuration resources: reading and changing each kind of them.

use chrono::{SubsecRound as _, Utc};
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{OrgId, Rid};
use ig_core::ports::StoreError;

use crate::document::Stamp;
use crate::gateway::Gateway;

pub(crate) mod api_keys;
pub(crate) mod bundle;
pub(crate) mod data_connections;
mod egress;
pub(crate) mod event_types;
pub(crate) mod history;
pub(crate) mod inbound_integrations;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod lookups;
pub(crate) mod organizations;
pub(crate) mod resource;
mod scripts;
pub(crate) mod size;
pub(crate) mod templates;
pub(crate) mod units;
pub(crate) mod users;

/// Faults where the entity that a resource acts for does not belong to its organisation.
pub(crate) async fn tenant_faults(gateway: &Gateway, org: OrgId, tenant: Rid) -> Result<Faults, StoreError> {
    let mut faults = Faults::default();
    let is_ours = tenant == org.as_entity() || gateway.is_unit(org, tenant).await?;
    if !is_ours {
        faults.add("/tenantId", "must be the organisation, or the rid of one of its units");
    }
    Ok(faults)
}

/// The stamp of a resource created now, in the milliseconds that the database keeps.
pub(crate) fn creation_stamp() -> Stamp {
    let now = Utc::now().trunc_subsecs(3);
    Stamp {
        created_at: now,
        updated_at: now,
    }
}

/// A new identifier: its second of creation and 64 random bits, so that identifiers sort by age.
fn new_id(second: i64) -> [u8; 12] {
    let mut id = [0; 12];
    id[..4].copy_from_slice(&u32::try_from(second).unwrap_or(u32::MAX).to_be_bytes());
    id[4..].copy_from_slice(&rand::random::<[u8; 8]>());
    id
}

/// The stamp of a resource created at `created_at` and changed now.
fn update_stamp(created_at: Timestamp) -> Stamp {
    Stamp {
        created_at,
        ..creation_stamp()
    }
}
