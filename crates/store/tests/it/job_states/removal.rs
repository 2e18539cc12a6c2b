//! Jobs and organisations that are deleted.

use std::sync::Arc;

use chrono::Utc;
use ig_core::configuration::Change;
use ig_core::id::OrgId;
use ig_core::job::{Job, JobKey, RunStatus};
use ig_store::{Expected, FinishOutcome, HoldOutcome, JobLogFilter, Page, PurgePass, Store};
use ig_testkit::builders;

use super::{begun, claim, every, planned, state};
use crate::stored::{Stored, moment};

async fn commit(store: &Store, change: Change, expected: Expected) {
    store.configuration().commit(change, expected).await.unwrap();
}

/// Creates jobs of organisation 7.
async fn configured(store: &Store, count: usize) -> Vec<JobKey> {
    commit(store, Change::PutOrganization(builders::organization(7)), Expected::New).await;
    let mut keys = Vec::new();
    for _ in 0..count {
        let job = builders::job(7, "https://a.example/hook");
        let Job { org_id, id, .. } = job;
        commit(store, Change::PutJob(Arc::new(job)), Expected::New).await;
        keys.push(JobKey { org_id, id });
    }
    keys
}

#[tokio::test]
async fn job_state_of_a_deleted_job_is_removed_and_its_run_ends_as_cancelled() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let keys = configured(&store, 3).await;
    let schedule = every(60);
    let states = planned(&store, &keys, &schedule).await;
    let hold = claim("a", moment(60));
    let mut run = begun(&states, keys[0], &schedule, hold).await;
    assert_eq!(states.remove_deleted(keys[0], moment(61)).await, Ok(false), "it exists");
    for key in &keys[..2] {
        commit(&store, Change::DeleteJob(OrgId(7), key.id), Expected::Any).await;
    }
    assert_eq!(states.remove_deleted(keys[0], moment(61)).await, Ok(true));
    assert_eq!(states.get(keys[0]).await, Ok(None));
    assert_eq!(states.renew(keys[0], run.id, hold).await, Ok(HoldOutcome::Lost));
    run.succeed(moment(62));
    assert_eq!(states.finish(&run, None, hold).await, Ok(FinishOutcome::Lost));
    let log = store
        .job_logs()
        .get(OrgId(7), run.id)
        .await
        .unwrap()
        .expect("the log is kept");
    assert_eq!((log.status, log.completed_at), (RunStatus::Cancelled, Some(moment(61))));
    assert_eq!(log.error.expect("a reason").message, "The job was deleted.");
    assert_eq!(states.sweep(moment(63)).await, Ok(1));
    assert_eq!(states.sweep(moment(63)).await, Ok(0));
    assert_eq!(
        state(&states, keys[2]).await.next_run,
        Some(moment(60)),
        "the other job's is kept"
    );
}

#[tokio::test]
async fn job_states_and_logs_of_a_deleted_organisation_are_removed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let keys = configured(&store, 2).await;
    let schedule = every(60);
    let states = planned(&store, &keys, &schedule).await;
    let foreign = super::key(8, 900);
    planned(&store, &[foreign], &schedule).await;
    for key in [keys[0], foreign] {
        begun(&states, key, &schedule, claim("a", moment(60))).await;
    }
    commit(&store, Change::DeleteOrganization(OrgId(7)), Expected::Any).await;
    let deletions = store.org_deletions();
    let now = Utc::now() + chrono::TimeDelta::hours(1);
    assert!(deletions.claim("purge", now).await.unwrap().is_some());
    assert!(matches!(deletions.pass(OrgId(7), "purge").await, Ok(PurgePass::Whole(removed)) if removed >= 3));
    for key in keys {
        assert_eq!(states.get(key).await, Ok(None));
    }
    for (org, left) in [(7, 0), (8, 1)] {
        let (logs, all) = (store.job_logs(), JobLogFilter::default());
        let listed = logs.list(OrgId(org), &all, Page::first(10)).await.unwrap();
        assert_eq!(listed.total, left);
    }
    assert!(state(&states, foreign).await.running.is_some());
}
