//! Redrives: bulk retries of dead letters, and the leases under which processes execute them.

mod document;

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::ClaimId;
use ig_core::id::{OrgId, RedriveId};
use ig_core::ports::StoreError;
use ig_core::redrive::{Redrive, RedriveKey, RedriveState};
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use document::RedriveDocument;

use crate::database::{Database, Documents};
use crate::dead_letters::{DeadLetters, covering};
use crate::field::{date, long, object_id};
use crate::names::REDRIVES;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch};

/// How long a claim on a redrive lasts without a renewal.
pub const REDRIVE_LEASE: Duration = Duration::from_secs(15);

/// The retention of a finished redrive.
const RETENTION: Duration = Duration::from_hours(90 * 24);

/// The redrives of all organisations.
#[derive(Debug, Clone)]
pub struct Redrives {
    letters: DeadLetters,
    database: Database,
}

impl Redrives {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            letters: DeadLetters::new(database.clone()),
            database,
        }
    }

    /// Stores a new redrive with an estimate of its size.
    pub async fn start(&self, mut redrive: Redrive) -> Result<Redrive, StoreError> {
        let covered = covering(redrive.key.org_id, &redrive.filter, redrive.created_at, &[]);
        let estimated = self.letters.count_coverable(&covered).await?;
        redrive.progress.estimated = estimated;
        redrive.progress.waiting = estimated;
        let redrives = self.redrives::<RedriveDocument>();
        let begun = redrives.insert_one(RedriveDocument::begin(&redrive));
        self.database.within(begun).await?;
        Ok(redrive)
    }

    /// Reads one of an organisation's redrives with its progress.
    pub async fn get(&self, key: RedriveKey) -> Result<Option<Redrive>, StoreError> {
        let redrives = self.redrives::<RedriveDocument>();
        let found = self.database.within(redrives.find_one(identity(key))).await?;
        match found {
            Some(found) => self.with_progress(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// Lists an organisation's redrives, newest first, optionally by state.
    pub async fn list(&self, org: OrgId, state: Option<RedriveState>, page: Page) -> Result<Listed<Redrive>, StoreError> {
        let mut query = doc! { "orgId": org.0 };
        if let Some(state) = state {
            query.insert("state", state.as_str());
        }
        let search = TimedSearch {
            collection: REDRIVES,
            query,
            keys: &["orgId"],
            time: SortTime::CREATED,
            period: Period::default(),
            without: None,
        };
        let Listed { items, total, is_exact } = self.database.latest::<RedriveDocument>(search, page).await?;
        let mut counted = Vec::with_capacity(items.len());
        for found in items {
            counted.push(self.with_progress(found).await?);
        }
        Ok(Listed {
            items: counted,
            total,
            is_exact,
        })
    }

    async fn with_progress(&self, found: RedriveDocument) -> Result<Redrive, StoreError> {
        let counting = !found.settled && found.taken_in;
        let mut redrive = Redrive::try_from(found)?;
        if counting {
            let estimated = redrive.progress.estimated;
            redrive.progress = self.letters.progress(redrive.key).await?;
            redrive.progress.estimated = estimated;
        }
        Ok(redrive)
    }

    /// Cancels a running redrive; returns its current state, or `None` if it does not exist.
    pub async fn cancel(&self, key: RedriveKey, now: Timestamp) -> Result<Option<Redrive>, StoreError> {
        let mut running = identity(key);
        running.insert("state", RedriveState::Running.as_str());
        let cancelled = doc! { "$set": {
            "state": RedriveState::Cancelled.as_str(),
            "endedAt": date(now),
            "updatedAt": date(now),
        } };
        let redrives = self.redrives::<Document>();
        self.database.within(redrives.update_one(running, cancelled)).await?;
        self.get(key).await
    }

    /// Claims the oldest running redrive that is free; skips the organisations of the redrives in `busy`.
    pub async fn claim(&self, claim: &ClaimId, busy: &[RedriveKey], now: Timestamp) -> Result<Option<Redrive>, StoreError> {
        let busy: Vec<_> = busy.iter().map(|key| key.org_id.0).collect();
        let free = doc! {
            "settled": false,
            "orgId": { "$nin": busy },
            "claimUntil": { "$lte": date(now) },
        };
        let ours = doc! { "$set": { "claimId": &claim.0, "claimUntil": date(now + REDRIVE_LEASE) } };
        let redrives = self.redrives::<RedriveDocument>();
        let claimed = redrives
            .find_one_and_update(free, ours)
            .sort(doc! { "createdAt": 1 })
            .return_document(ReturnDocument::After);
        self.database.within(claimed).await?.map(Redrive::try_from).transpose()
    }

    /// Extends the lease on a redrive and returns its state; `None` if another process has claimed it.
    pub async fn renew(&self, key: RedriveKey, claim: &ClaimId, now: Timestamp) -> Result<Option<RedriveState>, StoreError> {
        let longer = doc! { "$set": { "claimUntil": date(now + REDRIVE_LEASE) } };
        let redrives = self.redrives::<RedriveDocument>();
        let renewed = redrives
            .find_one_and_update(claimed_by(key, claim), longer)
            .return_document(ReturnDocument::After);
        let renewed = self.database.within(renewed).await?;
        renewed
            .map(Redrive::try_from)
            .transpose()
            .map(|redrive| redrive.map(|redrive| redrive.state))
    }

    /// Releases a redrive, so that another process may claim it at once.
    pub async fn give_back(&self, key: RedriveKey, claim: &ClaimId, now: Timestamp) -> Result<(), StoreError> {
        let free = doc! { "$set": { "claimUntil": date(now) } };
        let redrives = self.redrives::<Document>();
        self.database
            .within(redrives.update_one(claimed_by(key, claim), free))
            .await?;
        Ok(())
    }

    /// Adds the dead letters that a redrive covers, once; letters created later are not covered.
    pub async fn add_letters(&self, redrive: &Redrive, claim: &ClaimId) -> Result<(), StoreError> {
        let redrives = self.redrives::<RedriveDocument>();
        let found = self
            .database
            .within(redrives.find_one(claimed_by(redrive.key, claim)))
            .await?;
        if found.is_none_or(|found| found.taken_in) {
            return Ok(());
        }
        let others = self.others(redrive.key).await?;
        let covered = covering(redrive.key.org_id, &redrive.filter, redrive.created_at, &others);
        self.letters.add_to_redrive(redrive.key, &covered).await?;
        let done = doc! { "$set": { "takenIn": true } };
        self.database
            .within(redrives.update_one(claimed_by(redrive.key, claim), done))
            .await?;
        Ok(())
    }

    /// The organisation's other unsettled redrives, whose letters this one must not take.
    async fn others(&self, key: RedriveKey) -> Result<Vec<RedriveId>, StoreError> {
        let others = doc! { "orgId": key.org_id.0, "settled": false, "_id": { "$ne": object_id(key.id.0) } };
        let redrives = self.redrives::<RedriveDocument>();
        let found = self.database.all(redrives.find(others)).await?;
        Ok(found.iter().map(RedriveDocument::id).collect())
    }

    /// Ends a redrive that is through its dead letters or was cancelled, and freezes its counts. Returns false while
    /// one of its dead letters is still being retried.
    pub async fn settle(&self, key: RedriveKey, claim: &ClaimId, now: Timestamp) -> Result<bool, StoreError> {
        if self.letters.remove_untried(key, now).await? > 0 {
            return Ok(false);
        }
        let progress = self.letters.progress(key).await?;
        let mut running = claimed_by(key, claim);
        running.insert("state", RedriveState::Running.as_str());
        let completed = doc! { "$set": { "state": RedriveState::Completed.as_str(), "endedAt": date(now) } };
        let redrives = self.redrives::<Document>();
        self.database.within(redrives.update_one(running, completed)).await?;
        let settled = doc! { "$set": {
            "settled": true,
            "delivered": long(progress.delivered),
            "failed": long(progress.failed),
            "updatedAt": date(now),
            "expiresAt": date(now + RETENTION),
        } };
        self.database
            .within(redrives.update_one(claimed_by(key, claim), settled))
            .await?;
        Ok(true)
    }

    fn redrives<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(REDRIVES)
    }
}

fn identity(key: RedriveKey) -> Document {
    doc! { "_id": object_id(key.id.0), "orgId": key.org_id.0 }
}

fn claimed_by(key: RedriveKey, claim: &ClaimId) -> Document {
    doc! { "_id": object_id(key.id.0), "orgId": key.org_id.0, "claimId": &claim.0, "settled": false }
}
