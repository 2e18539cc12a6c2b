//! What goes with an organisation that is deleted, and how much of it is gone.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_store::OrgDeletion;
use serde::Serialize;
use utoipa::ToSchema;

/// What goes with an organisation that is deleted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrgDeletionStatus {
    /// The organisation's number.
    org_id: i64,
    /// How far it is.
    status: OrgDeletionStage,
    /// When it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// When nothing was left any more, which set the number free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
    /// How much there is, by kind; null where that is more than can be counted.
    remaining: BTreeMap<&'static str, Option<u64>>,
    /// How much is gone, by kind, beside what was configured.
    removed: BTreeMap<String, u64>,
}

/// How far the deletion of an organisation is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OrgDeletionStage {
    /// It is not deleted: `remaining` is what would go.
    NotDeleted,
    /// What it had is being removed, or the last of it is waited for; its number is held.
    Removing,
    /// Nothing of it is left; its number is free.
    Done,
}

impl OrgDeletionStatus {
    /// Of an organisation that is there.
    pub(crate) fn foreseen(org: OrgId, remaining: BTreeMap<&'static str, Option<u64>>) -> Self {
        Self {
            org_id: org.0,
            status: OrgDeletionStage::NotDeleted,
            deleted_at: None,
            done_at: None,
            remaining,
            removed: BTreeMap::new(),
        }
    }

    /// Of one that was deleted.
    pub(crate) fn of(deletion: OrgDeletion, remaining: BTreeMap<&'static str, Option<u64>>) -> Self {
        let OrgDeletion {
            org_id,
            deleted_at,
            removed,
            done_at,
        } = deletion;
        Self {
            org_id: org_id.0,
            status: match done_at {
                Some(_) => OrgDeletionStage::Done,
                None => OrgDeletionStage::Removing,
            },
            deleted_at: Some(deleted_at),
            done_at,
            remaining,
            removed,
        }
    }
}
