//! Planning: the next run of every job, and firings that are skipped.

use std::collections::HashMap;

use futures::FutureExt;
use ig_core::clock::Timestamp;
use ig_core::id::IntegrationId;
use ig_core::job::{DueFiring, Firing, JobRun, JobState, SkipReason, Timetable, plan};
use ig_core::ports::StoreError;
use ig_core::schedule::MaxOverdue;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;

use super::document::StateDocument;
use super::{JobStates, planned_as, transaction_error, with_next_run};
use crate::field::{long, object_id};
use crate::names::JOB_STATES;

/// Jobs that are planned with one read.
const AT_ONCE: usize = 1_000;
/// How often a job is planned anew because another process changed its state meanwhile.
const MAX_ROUNDS: usize = 5;

impl JobStates {
    /// Creates the states of new jobs and plans those anew whose schedule, zone or activity has changed. Any number of
    /// processes may do so at once; one whose configuration is older changes nothing.
    pub async fn ensure(&self, timetables: &[Timetable<'_>], now: Timestamp) -> std::result::Result<(), StoreError> {
        for some in timetables.chunks(AT_ONCE) {
            let mut open: Vec<_> = some.iter().collect();
            for _ in 0..MAX_ROUNDS {
                open = self.ensure_round(&open, now).await?;
                if open.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Returns the timetables of jobs whose states another process has changed meanwhile.
    async fn ensure_round<'a>(
        &self,
        timetables: &[&'a Timetable<'a>],
        now: Timestamp,
    ) -> std::result::Result<Vec<&'a Timetable<'a>>, StoreError> {
        let states = self.states_of(timetables).await?;
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for timetable in timetables {
            let stored = states.get(&timetable.key.id);
            let fresh = JobState::new(timetable.key);
            let Some(planned) = planned(timetable, stored.unwrap_or(&fresh), now) else {
                continue;
            };
            match stored {
                None => new.push(StateDocument::planned(&planned)),
                Some(stored) if self.replan(stored, &planned).await? => {}
                Some(_) => changed.push(*timetable),
            }
        }
        self.database.insert_once(JOB_STATES, new).await?;
        Ok(changed)
    }

    async fn states_of(
        &self,
        timetables: &[&Timetable<'_>],
    ) -> std::result::Result<HashMap<IntegrationId, JobState>, StoreError> {
        let ids: Vec<_> = timetables.iter().map(|timetable| object_id(timetable.key.id.0)).collect();
        let states = self.states::<StateDocument>();
        let found = self.database.all(states.find(doc! { "_id": { "$in": ids } })).await?;
        let states = found
            .into_iter()
            .map(|found| Ok((found.key().id, JobState::try_from(found)?)));
        states.collect()
    }

    /// Stores a new plan, unless the state has changed since it was read.
    async fn replan(&self, stored: &JobState, planned: &JobState) -> std::result::Result<bool, StoreError> {
        let mut unchanged = planned_as(stored);
        unchanged.insert("revision", doc! { "$lte": long(planned.revision) });
        let mut set = doc! { "revision": long(planned.revision) };
        let mut unset = Document::new();
        match &planned.rule {
            Some(rule) => drop(set.insert("plannedBy", &rule.0)),
            None => drop(unset.insert("plannedBy", "")),
        }
        let update = with_next_run(planned.next_run, set, unset);
        let states = self.states::<Document>();
        let updated = self.database.within(states.update_one(unchanged, update)).await?;
        Ok(updated.matched_count > 0)
    }

    /// Notes a due firing as skipped and moves on to the next run. Returns false if the state has changed since it was read:
    /// another process has dealt with the firing, or the run that it overlapped has ended.
    pub async fn skip(&self, state: &JobState, firing: &DueFiring, run: &JobRun) -> std::result::Result<bool, StoreError> {
        let skipped = self
            .database
            .transact((self, state, firing, run), |session, (this, state, firing, run)| {
                this.attempt_skip(session, state, firing, run).boxed()
            });
        skipped.await?.map_err(|error| transaction_error(&error))
    }

    async fn attempt_skip(
        &self,
        session: &mut ClientSession,
        state: &JobState,
        firing: &DueFiring,
        run: &JobRun,
    ) -> Result<bool> {
        let mut unchanged = planned_as(state);
        if let Some(skip) = &run.skip
            && let SkipReason::StillRunning(run) = &skip.reason
        {
            unchanged.insert("running.runId", object_id(run.0));
        }
        let update = with_next_run(firing.next_run, Document::new(), Document::new());
        let states = self.states::<Document>();
        let updated = states.update_one(unchanged, update).session(&mut *session).await?;
        if updated.matched_count == 0 {
            return Ok(false);
        }
        self.logs.skip_within(session, run).await?;
        Ok(true)
    }
}

/// The state with the plan that the timetable makes; `None` if the stored one is right, or not this process's to change.
fn planned(timetable: &Timetable<'_>, stored: &JobState, now: Timestamp) -> Option<JobState> {
    // How late a firing may be decides about due firings alone, and those are claimed or skipped.
    let next_run = match plan(timetable, stored, now, MaxOverdue::default()) {
        Firing::Never => None,
        Firing::Planned(next) => Some(next),
        Firing::Due(_) | Firing::Skipped(..) | Firing::AfterRun | Firing::Stale => return None,
    };
    let rule = timetable.rule();
    let is_new = stored.revision == 0;
    let is_planned = stored.rule == rule && stored.next_run == next_run;
    (is_new || !is_planned).then(|| JobState {
        rule,
        next_run,
        revision: timetable.revision,
        ..stored.clone()
    })
}
