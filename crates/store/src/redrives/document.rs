//! A redrive as stored.

use chrono::DateTime;
use ig_core::id::{IntegrationId, OrgId, RedriveId};
use ig_core::ports::StoreError;
use ig_core::redrive::{Redrive, RedriveFilter, RedriveKey, RedriveProgress, RedriveState};
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::delivery_logs::read_category;
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedriveDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    integration_config_id: Option<ObjectId>,
    error_category: Option<String>,
    from: Option<bson::DateTime>,
    until: Option<bson::DateTime>,
    state: String,
    estimated: i64,
    delivered: i64,
    failed: i64,
    /// Whether the dead letters that it covers refer to it.
    pub(super) taken_in: bool,
    /// Whether its counts are final.
    pub(super) settled: bool,
    claim_id: Option<String>,
    claim_until: bson::DateTime,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
    ended_at: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
}

impl RedriveDocument {
    /// A redrive without a claim.
    pub(super) fn begin(redrive: &Redrive) -> Self {
        let Redrive {
            key,
            filter,
            state,
            progress,
            created_at,
            ended_at,
        } = redrive;
        let RedriveFilter {
            integration_id,
            category,
            from,
            until,
        } = filter;
        Self {
            id: object_id(key.id.0),
            org_id: key.org_id.0,
            integration_config_id: integration_id.map(|id| object_id(id.0)),
            error_category: category.map(|category| category.as_str().to_owned()),
            from: from.map(date),
            until: until.map(date),
            state: state.as_str().to_owned(),
            estimated: long(progress.estimated),
            delivered: long(progress.delivered),
            failed: long(progress.failed),
            taken_in: false,
            settled: false,
            claim_id: None,
            claim_until: date(DateTime::UNIX_EPOCH),
            created_at: date(*created_at),
            updated_at: date(*created_at),
            ended_at: ended_at.map(date),
            expires_at: None,
        }
    }

    pub(super) fn id(&self) -> RedriveId {
        RedriveId(self.id.bytes())
    }
}

impl TryFrom<RedriveDocument> for Redrive {
    type Error = StoreError;

    fn try_from(stored: RedriveDocument) -> Result<Self, StoreError> {
        let category = stored.error_category.map(|text| read_category(&text)).transpose()?;
        let waiting = if stored.settled { 0 } else { unsigned(stored.estimated) };
        Ok(Self {
            key: RedriveKey {
                org_id: OrgId(stored.org_id),
                id: RedriveId(stored.id.bytes()),
            },
            filter: RedriveFilter {
                integration_id: stored.integration_config_id.map(|id| IntegrationId(id.bytes())),
                category,
                from: stored.from.map(timestamp),
                until: stored.until.map(timestamp),
            },
            state: RedriveState::parse(&stored.state).ok_or_else(|| unreadable("state"))?,
            progress: RedriveProgress {
                estimated: unsigned(stored.estimated),
                delivered: unsigned(stored.delivered),
                failed: unsigned(stored.failed),
                waiting,
            },
            created_at: timestamp(stored.created_at),
            ended_at: stored.ended_at.map(timestamp),
        })
    }
}
