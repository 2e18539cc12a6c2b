//! Removal of the states of deleted jobs.

use futures::FutureExt;
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::{JobKey, JobState};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, Result};
use serde::Deserialize;

use super::document::StateDocument;
use super::{JobStates, of, transaction_error};
use crate::names::INTEGRATIONS;
use crate::stored::Stored;

/// States that a sweep reads at once.
const AT_ONCE: i64 = 1_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
}

impl KeyDocument {
    fn key(&self) -> JobKey {
        JobKey {
            org_id: OrgId(self.org_id),
            id: IntegrationId(self.id.bytes()),
        }
    }
}

impl JobStates {
    /// Removes the state of a job that no longer exists, and ends its run as cancelled: its holder finds the claim lost.
    /// Returns false if the job exists, or has no state.
    pub async fn remove_deleted(&self, key: JobKey, now: Timestamp) -> std::result::Result<bool, StoreError> {
        let removed = self.database.transact((self, key, now), |session, (this, key, now)| {
            this.attempt_remove(session, *key, *now).boxed()
        });
        removed.await?.map_err(|error| transaction_error(&error))
    }

    async fn attempt_remove(&self, session: &mut ClientSession, key: JobKey, now: Timestamp) -> Result<bool> {
        let jobs = self.database.collection::<Document>(INTEGRATIONS);
        let exists = jobs.find_one(of(key)).projection(doc! { "_id": 1 });
        if exists.session(&mut *session).await?.is_some() {
            return Ok(false);
        }
        let states = self.states::<StateDocument>();
        let found = states.find_one(of(key)).session(&mut *session).await?;
        let Some(Stored(found)) = found else {
            return Ok(false);
        };
        let state = JobState::try_from(found).map_err(Error::custom)?;
        if let Some(running) = &state.running {
            self.logs.cancel_within(session, key, running, now).await?;
        }
        states.delete_one(of(key)).session(session).await?;
        Ok(true)
    }

    /// Removes the states of all jobs that no longer exist, and returns how many there were.
    pub async fn sweep(&self, now: Timestamp) -> std::result::Result<u64, StoreError> {
        let (mut last, mut removed) = (ObjectId::from_bytes([0; 12]), 0);
        loop {
            let some = self.keys_after(last).await?;
            let Some(end) = some.last() else {
                return Ok(removed);
            };
            last = end.id;
            for orphan in self.without_job(some).await? {
                removed += u64::from(self.remove_deleted(orphan, now).await?);
            }
        }
    }

    async fn keys_after(&self, last: ObjectId) -> std::result::Result<Vec<KeyDocument>, StoreError> {
        let states = self.states::<KeyDocument>();
        let find = states
            .find(doc! { "_id": { "$gt": last } })
            .sort(doc! { "_id": 1 })
            .limit(AT_ONCE)
            .projection(doc! { "orgId": 1 });
        self.database.all(find).await
    }

    async fn without_job(&self, some: Vec<KeyDocument>) -> std::result::Result<Vec<JobKey>, StoreError> {
        let ids: Vec<_> = some.iter().map(|key| key.id).collect();
        let jobs = self.database.collection::<KeyDocument>(INTEGRATIONS);
        let find = jobs.find(doc! { "_id": { "$in": ids } }).projection(doc! { "orgId": 1 });
        let existing: Vec<_> = self.database.all(find).await?.iter().map(KeyDocument::key).collect();
        let orphans = some.iter().map(KeyDocument::key).filter(|key| !existing.contains(key));
        Ok(orphans.collect())
    }
}
