//! Changing configuration: what is read, asked, written down and answered, by kind of resource.

use chrono::{SubsecRound as _, Utc};
use ig_core::clock::Timestamp;

use crate::document::Stamp;

pub(crate) mod api_keys;
pub(crate) mod event_types;
pub(crate) mod history;
pub(crate) mod integrations;
pub(crate) mod lookups;
pub(crate) mod organizations;
pub(crate) mod units;
pub(crate) mod users;

/// Something that is made now; the database keeps milliseconds.
fn made_now() -> Stamp {
    let now = Utc::now().trunc_subsecs(3);
    Stamp {
        created_at: now,
        updated_at: now,
    }
}

/// The second of its making and 64 random bits, so that ids sort by age.
fn new_id(second: i64) -> [u8; 12] {
    let mut id = [0; 12];
    id[..4].copy_from_slice(&u32::try_from(second).unwrap_or(u32::MAX).to_be_bytes());
    id[4..].copy_from_slice(&rand::random::<[u8; 8]>());
    id
}

/// Something that was made then and changes now.
fn changed_now(created_at: Timestamp) -> Stamp {
    Stamp {
        created_at,
        ..made_now()
    }
}
