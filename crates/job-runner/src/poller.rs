//! Finds what is due: firings to run or to skip, and runs that lost their process.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::integration::HoldCause;
use ig_core::job::{
    DueFiring, Firing, Job, JobKey, JobRun, JobState, Resumption, RunSubject, RunningRun, SkipReason, Timetable, plan,
};
use ig_core::ports::StoreError;
use ig_core::schedule::MaxOverdue;
use ig_service::{TaskKind, Tasks};
use ig_store::{ClaimOutcome, DueLimits, RunTakenOver};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::run_executor::{HeldRun, RunExecutor};
use crate::run_slots::{RunSlot, RunSlots};

/// How far ahead the next due time is looked for.
const LOOKAHEAD: TimeDelta = TimeDelta::minutes(1);
/// How many lost runs are taken over at once.
const MAX_TAKEN_OVER: usize = 16;

/// Begins runs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Poller {
    pub(crate) executor: Arc<RunExecutor>,
    pub(crate) slots: RunSlots,
    pub(crate) tasks: Tasks,
}

impl Poller {
    /// Looks for due firings until `stop`; calls `alive` on every turn.
    pub(crate) async fn run(self, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            let pause = match self.look().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "due jobs cannot be looked for; trying again");
                    self.poll_interval()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.executor.live.changed() => self.plan_all().await,
                () = self.slots.freed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn poll_interval(&self) -> Duration {
        self.executor.config.poll_interval()
    }

    /// Begins or skips what is due; returns how long to wait.
    async fn look(&self) -> Result<Duration, StoreError> {
        let now = self.executor.clock.now();
        if !self.executor.live.is_in_force() {
            return Ok(self.poll_interval());
        }
        let limits = DueLimits {
            per_org: self.slots.max_per_org(),
            total: self.slots.free(),
        };
        let due = self.executor.states.due(now, limits, &self.slots.full_orgs()).await?;
        let is_full = due.len() >= limits.total;
        for state in due {
            if let Err(error) = self.begin(&state).await {
                tracing::warn!(%error, ig.job.id = %state.key.id, "a due job cannot be begun; trying again");
            }
        }
        if is_full {
            return Ok(self.poll_interval());
        }
        let next = self.executor.states.next_due(now, now + LOOKAHEAD).await?;
        Ok(next.map_or(self.poll_interval(), |next| self.until(next)))
    }

    fn until(&self, next: Timestamp) -> Duration {
        let wait = next.signed_duration_since(self.executor.clock.now());
        wait.to_std().unwrap_or_default().min(self.poll_interval())
    }

    async fn begin(&self, state: &JobState) -> Result<(), StoreError> {
        let JobKey { org_id, id } = state.key;
        let Some(job) = self.executor.live.job(org_id, id) else {
            // The configuration may be a moment old, so the store decides whether the job is deleted.
            self.executor
                .states
                .remove_deleted(state.key, self.executor.clock.now())
                .await?;
            return Ok(());
        };
        let timetable = self.timetable(&job);
        let now = self.executor.clock.now();
        match plan(&timetable, state, now, max_overdue(&job)) {
            Firing::Due(firing) => self.begin_firing(&job, state, &firing).await,
            Firing::Skipped(firing, reason) => self.skip(&job, state, &firing, reason).await,
            Firing::Never | Firing::Planned(_) => self.executor.states.ensure(&[timetable], now).await,
            Firing::AfterRun | Firing::Stale => Ok(()),
        }
    }

    async fn begin_firing(&self, job: &Arc<Job>, state: &JobState, firing: &DueFiring) -> Result<(), StoreError> {
        let Some(slot) = self.slots.take(job.org_id) else {
            return Ok(());
        };
        let now = self.executor.clock.now();
        let run = JobRun::scheduled(subject(job), firing, self.expires_at(job.org_id, now), now);
        let claim = claim_id();
        let claimed = self
            .executor
            .states
            .claim(state, firing, &run, self.executor.claim(&claim))
            .await?;
        if let ClaimOutcome::Claimed(state) = claimed {
            metrics::record_begun(&run);
            self.execute(slot, state, run, claim, Resumption::Restart);
        }
        Ok(())
    }

    async fn skip(&self, job: &Job, state: &JobState, firing: &DueFiring, reason: SkipReason) -> Result<(), StoreError> {
        let now = self.executor.clock.now();
        let run = JobRun::skipped(subject(job), firing, reason, self.expires_at(job.org_id, now), now);
        if self.executor.states.skip(state, firing, &run).await? {
            metrics::record_ended(&run);
        }
        Ok(())
    }

    /// Begins a run that a person requested, and returns it.
    pub(crate) async fn run_now(&self, job: &Arc<Job>, by: &str, key: &str) -> Result<RequestedRun, StoreError> {
        let Some(slot) = self.slots.take(job.org_id) else {
            return Ok(RequestedRun::NoSlot);
        };
        let now = self.executor.clock.now();
        self.executor.states.ensure(&[self.timetable(job)], now).await?;
        let run = JobRun::manual(subject(job), by, key, self.expires_at(job.org_id, now), now);
        let claim = claim_id();
        let outcome = self.executor.states.claim_manual(&run, self.executor.claim(&claim)).await?;
        let begun = run.clone();
        Ok(match outcome {
            ClaimOutcome::Claimed(state) => {
                self.execute(slot, state, run, claim, Resumption::Restart);
                RequestedRun::Begun(Box::new(begun))
            }
            ClaimOutcome::AlreadyRan(_) => RequestedRun::Begun(Box::new(begun)),
            ClaimOutcome::Running(_) | ClaimOutcome::Lost => RequestedRun::StillRunning,
            ClaimOutcome::NotFound => RequestedRun::NotFound,
        })
    }

    /// Continues runs that lost their process.
    pub(crate) async fn take_over_lost(&self) -> Result<(), StoreError> {
        if !self.executor.live.is_in_force() {
            return Ok(());
        }
        let lost = self
            .executor
            .states
            .expired(self.executor.clock.now(), MAX_TAKEN_OVER, &self.slots.full_orgs())
            .await?;
        for state in lost {
            let Some(slot) = self.slots.take(state.key.org_id) else {
                continue;
            };
            let claim = claim_id();
            let taken = self.executor.states.take_over(&state, self.executor.claim(&claim)).await?;
            let Some(RunTakenOver { state, run }) = taken else {
                continue;
            };
            let resumption = state.running.as_ref().map_or(Resumption::Restart, RunningRun::resumption);
            tracing::info!(ig.job.run = %run.id, ?resumption, "a run lost its process and is taken over");
            self.execute(slot, Box::new(state), run, claim, resumption);
        }
        Ok(())
    }

    fn execute(&self, slot: RunSlot, state: Box<JobState>, run: JobRun, claim: String, resumption: Resumption) {
        let executor = Arc::clone(&self.executor);
        let held = HeldRun {
            state: *state,
            run,
            claim,
            resumption,
        };
        self.tasks.spawn("a run of a job", TaskKind::OneShot, async move {
            executor.execute(held).await;
            drop(slot);
        });
    }

    /// Plans every job whose schedule, zone or activity has changed.
    pub(crate) async fn plan_all(&self) {
        if !self.executor.live.is_in_force() {
            return;
        }
        let jobs = self.executor.live.all();
        let timetables: Vec<_> = jobs.iter().map(|job| self.timetable(job)).collect();
        let planned = self.executor.states.ensure(&timetables, self.executor.clock.now()).await;
        if let Err(error) = planned {
            tracing::warn!(%error, "jobs cannot be planned; trying again");
        }
    }

    fn timetable<'a>(&self, job: &'a Job) -> Timetable<'a> {
        let live = &self.executor.live;
        Timetable {
            key: key(job),
            schedule: (job.is_active || self.may_probe(job)).then_some(&job.schedule),
            zone: live.zone(job.org_id, job.tenant_id),
            revision: job.revision.max(live.zone_revision(job.org_id, job.tenant_id)),
        }
    }

    /// Whether a job that its breaker holds may run, to find out whether its target works again: the worker lets one delivery through.
    fn may_probe(&self, job: &Job) -> bool {
        let Some(hold) = job.hold.as_ref().filter(|hold| hold.cause == HoldCause::CircuitOpen) else {
            return false;
        };
        let held = self
            .executor
            .clock
            .now()
            .signed_duration_since(hold.since)
            .to_std()
            .unwrap_or_default();
        job.breaker.probe_after().is_some_and(|wait| held >= wait)
    }

    fn expires_at(&self, org: OrgId, now: Timestamp) -> Timestamp {
        let days = self
            .executor
            .live
            .retention_days(org)
            .unwrap_or(self.executor.config.retention_days);
        now + TimeDelta::days(i64::from(days))
    }
}

/// What became of a request to run a job.
#[derive(Debug)]
pub(crate) enum RequestedRun {
    /// It runs, or ran before for the same request.
    Begun(Box<JobRun>),
    /// Another run of the job is under way.
    StillRunning,
    /// The job does not exist.
    NotFound,
    /// As many runs are under way as there may be.
    NoSlot,
}

fn key(job: &Job) -> JobKey {
    JobKey {
        org_id: job.org_id,
        id: job.id,
    }
}

fn subject(job: &Job) -> RunSubject {
    RunSubject {
        key: key(job),
        tenant_id: job.tenant_id,
        name: job.name.clone(),
    }
}

fn max_overdue(job: &Job) -> MaxOverdue {
    MaxOverdue(job.max_overdue.unwrap_or(Duration::MAX))
}

fn claim_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
