//! Jobs that a process has to look at: those whose firing is due, and those whose run lost its holder.
//!
//! Every query has both ends bounded, and what lies between is little: jobs that are due now, or runs that a process left.

use std::collections::HashMap;

use chrono::DateTime;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::job::{JobState, in_turns};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::JobStates;
use super::document::StateDocument;
use crate::field::{date, timestamp};

/// How many due jobs to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLimits {
    /// At most this many of one organisation.
    pub per_org: usize,
    /// At most this many in all.
    pub total: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NextDue {
    due_at: bson::DateTime,
}

impl JobStates {
    /// The jobs that are due, in the order of their turns: the longest due of each organisation, then each one's second, and
    /// so on. Organisations in `without` are left out, such as those that have as many runs as they may.
    pub async fn due(&self, now: Timestamp, limits: DueLimits, without: &[OrgId]) -> Result<Vec<JobState>, StoreError> {
        let DueLimits { per_org, total } = limits;
        if total == 0 {
            // For a server, 0 means no limit.
            return Ok(Vec::new());
        }
        let (mut found, mut done) = (Vec::new(), without.to_vec());
        loop {
            let batch = self.longest_due(now, &done, total).await?;
            let full = orgs_with(&batch, per_org);
            let is_last = batch.len() < total || full.is_empty();
            let (of_full, others): (Vec<_>, Vec<_>) = batch.into_iter().partition(|state| full.contains(&state.key.org_id));
            found.extend(in_turns(of_full, per_org, usize::MAX));
            if is_last || found.len() >= total {
                found.extend(others);
                return Ok(in_turns(found, per_org, total));
            }
            // What is left out of the next batch makes room for organisations that these have hidden.
            done.extend(full);
        }
    }

    async fn longest_due(&self, now: Timestamp, without: &[OrgId], limit: usize) -> Result<Vec<JobState>, StoreError> {
        let mut filter = doc! { "dueAt": since_ever(now) };
        if !without.is_empty() {
            let without: Vec<_> = without.iter().map(|org| org.0).collect();
            filter.insert("orgId", doc! { "$nin": without });
        }
        self.find(filter, doc! { "dueAt": 1 }, limit).await
    }

    /// The first time after one time and up to another at which a job comes due.
    pub async fn next_due(&self, after: Timestamp, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let states = self.states::<NextDue>();
        let find = states
            .find_one(doc! { "dueAt": { "$gt": date(after), "$lte": date(until) } })
            .sort(doc! { "dueAt": 1 })
            .projection(doc! { "dueAt": 1 });
        let found = self.database.within(find).await?;
        Ok(found.map(|next| timestamp(next.due_at)))
    }

    /// Jobs whose run has lost its holder, longest lost first: [`JobStates::take_over`] claims such a run. Organisations in `without`
    /// are left out.
    pub async fn expired(&self, now: Timestamp, limit: usize, without: &[OrgId]) -> Result<Vec<JobState>, StoreError> {
        let mut filter = doc! { "running.until": since_ever(now) };
        if !without.is_empty() {
            let without: Vec<_> = without.iter().map(|org| org.0).collect();
            filter.insert("orgId", doc! { "$nin": without });
        }
        self.find(filter, doc! { "running.until": 1 }, limit).await
    }

    async fn find(&self, filter: Document, order: Document, limit: usize) -> Result<Vec<JobState>, StoreError> {
        let states = self.states::<StateDocument>();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.database.all(states.find(filter).sort(order).limit(limit)).await?;
        found.into_iter().map(JobState::try_from).collect()
    }
}

fn since_ever(now: Timestamp) -> Document {
    doc! { "$gt": date(DateTime::UNIX_EPOCH), "$lte": date(now) }
}

/// The organisations that have at least this many of the states.
fn orgs_with(states: &[JobState], at_least: usize) -> Vec<OrgId> {
    let mut counts: HashMap<OrgId, usize> = HashMap::new();
    for state in states {
        *counts.entry(state.key.org_id).or_default() += 1;
    }
    let full = counts.into_iter().filter(|(_, count)| *count >= at_least);
    full.map(|(org, _)| org).collect()
}
