//! Changing configuration: what is read, asked, written down and answered, by kind of resource.

use chrono::{SubsecRound as _, Utc};
use ig_core::clock::Timestamp;

use crate::document::Stamp;

pub(crate) mod event_types;
pub(crate) mod integrations;
pub(crate) mod organizations;
pub(crate) mod units;

/// Something that is made now; the database keeps milliseconds.
fn made_now() -> Stamp {
    let now = Utc::now().trunc_subsecs(3);
    Stamp {
        created_at: now,
        updated_at: now,
    }
}

/// Something that was made then and changes now.
fn changed_now(created_at: Timestamp) -> Stamp {
    Stamp {
        created_at,
        ..made_now()
    }
}
