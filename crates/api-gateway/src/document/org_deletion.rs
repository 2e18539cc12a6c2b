//! The deletion of an organisation: what it removes, and its progress.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_store::OrgDeletion;
use serde::Serialize;
use utoipa::ToSchema;

/// The progress of an organisation's deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrgDeletionStatus {
    /// The organisation's number.
    org_id: i64,
    /// The stage of the deletion.
    status: OrgDeletionStage,
    /// When the organisation was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// When the last of its data was removed and its number became free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
    /// The number of remaining documents by kind; null where there are too many to count.
    remaining: BTreeMap<&'static str, Option<u64>>,
    /// The number of removed documents by kind, besides the configuration.
    removed: BTreeMap<String, u64>,
}

/// The stage of an organisation's deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OrgDeletionStage {
    /// The organisation exists; `remaining` counts what a deletion would remove.
    NotDeleted,
    /// Its data is being removed; its number stays reserved.
    Removing,
    /// All of its data is removed; its number is free.
    Done,
}

impl OrgDeletionStatus {
    /// The status of an organisation that is not deleted.
    pub(crate) fn not_deleted(org: OrgId, remaining: BTreeMap<&'static str, Option<u64>>) -> Self {
        Self {
            org_id: org.0,
            status: OrgDeletionStage::NotDeleted,
            deleted_at: None,
            done_at: None,
            remaining,
            removed: BTreeMap::new(),
        }
    }

    /// The status of a deleted organisation.
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
