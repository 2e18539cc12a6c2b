//! Logs of runs: what they keep, how they are listed, and how large they get.

use ig_core::clock::Timestamp;
use ig_core::header_lines::HeaderLines;
use ig_core::id::OrgId;
use ig_core::integration::HttpMethod;
use ig_core::job::{
    Excerpt, JobKey, JobRun, MAX_EXCERPT_BYTES, RunCounts, RunError, RunId, RunProgress, RunRequest, RunResponse, RunStage,
    RunStatus, StageResult,
};
use ig_store::{ClaimOutcome, FinishOutcome, JobLogFilter, JobStates, Page, Store};
use mongodb::bson::{Document, doc};

use crate::job_states::{claim, every, kept, key, planned, subject};
use crate::stored::{Stored, moment};

/// Begins a run that a person requested.
async fn begin(states: &JobStates, job: JobKey, second: i64) -> JobRun {
    let now = moment(second);
    let run = JobRun::manual(subject(job), "Ada", &second.to_string(), kept(now), now);
    let outcome = states.claim_manual(&run, claim("a", now)).await.unwrap();
    assert!(matches!(outcome, ClaimOutcome::Claimed(_)), "{outcome:?}");
    run
}

async fn end(states: &JobStates, run: &JobRun, now: Timestamp) {
    let finished = states.finish(run, None, claim("a", now)).await;
    assert_eq!(finished, Ok(FinishOutcome::Stored(None)));
}

/// A failed run with as much in every field as there can be.
fn filled(begun: &JobRun, text: &str, now: Timestamp) -> JobRun {
    let headers: HeaderLines = [("content-type", "application/json"), ("x-note", text)].into_iter().collect();
    let url = "https://a.example/hook?token=***".parse().unwrap();
    let body = Some(text.as_bytes());
    let mut run = JobRun {
        counts: RunCounts {
            records_fetched: 10_000,
            batches: 3,
            delivered: 1,
            skipped: 1,
        },
        data_fetched: Some(Excerpt::of(text.as_bytes())),
        transformed_payload: Some(Excerpt::of(text.as_bytes())),
        request: Some(RunRequest::new(HttpMethod::Put, url, &headers, body, Some(text))),
        response: Some(RunResponse::new(500, &headers, body)),
        ..begun.clone()
    };
    run.stages.record(RunStage::DataFetch, StageResult::Success);
    run.stages.record(RunStage::Transformation, StageResult::Success);
    run.fail(RunError::new(RunStage::Delivery, text, Some(text)), now);
    run
}

#[tokio::test]
async fn job_log_keeps_all_of_a_run_at_every_stage() {
    let stored = Stored::fresh().await;
    let (job, logs) = (key(7, 1), stored.store.job_logs());
    let states = planned(&stored.store, &[job], &every(600)).await;
    let mut run = begin(&states, job, 1).await;
    assert_eq!(logs.get(OrgId(7), run.id).await, Ok(Some(run.clone())));
    run.stages.record(RunStage::DataFetch, StageResult::Success);
    run.data_fetched = Some(Excerpt::of(br#"[{"amount": 1.10, "name": "\u0000 $a.b"}]"#));
    states
        .advance(&run, &RunProgress::Transformation, claim("a", moment(2)))
        .await
        .unwrap();
    assert_eq!(logs.get(OrgId(7), run.id).await, Ok(Some(run.clone())));
    let ended = filled(&run, "{\"é\": \"$x.y\0\"}", moment(3));
    end(&states, &ended, moment(3)).await;
    assert_eq!(logs.get(OrgId(7), run.id).await, Ok(Some(ended)));
    assert_eq!(logs.get(OrgId(8), run.id).await, Ok(None), "another's");
}

#[tokio::test]
async fn job_log_stays_small_whatever_a_run_reports() {
    let stored = Stored::fresh().await;
    let job = key(7, 1);
    let states = planned(&stored.store, &[job], &every(600)).await;
    let run = begin(&states, job, 1).await;
    let ended = filled(&run, &"é".repeat(3_000_000), moment(3));
    end(&states, &ended, moment(3)).await;
    let read = stored.store.job_logs().get(OrgId(7), run.id).await.unwrap().unwrap();
    assert_eq!(read, ended);
    let fetched = read.data_fetched.unwrap();
    assert_eq!((fetched.as_str().len(), fetched.is_cut()), (MAX_EXCERPT_BYTES, true));
    let rows = stored.database.open().await.collection::<Document>("scheduled_job_logs");
    let row = rows.find_one(doc! {}).await.unwrap().unwrap();
    let bytes = row.to_vec().unwrap().len();
    assert!(bytes < 500_000, "{bytes} bytes");
    assert_eq!(
        row.get_datetime("expiresAt").unwrap().timestamp_millis(),
        ended.expires_at.timestamp_millis()
    );
    let names: Vec<_> = row
        .get_array("truncated")
        .unwrap()
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    let cut = [
        "dataFetched",
        "transformedPayload",
        "httpRequest.body",
        "curlCommand",
        "responseBody",
    ];
    assert_eq!(names, cut);
}

async fn listed(store: &Store, org: i64, filter: &JobLogFilter) -> Vec<RunId> {
    let listed = store.job_logs().list(OrgId(org), filter, Page::first(50)).await.unwrap();
    assert_eq!(listed.total, listed.items.len() as u64);
    listed.items.iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn job_logs_are_listed_newest_first_by_every_filter() {
    let stored = Stored::fresh().await;
    let jobs = [key(7, 1), key(7, 2), key(8, 3)];
    let states = planned(&stored.store, &jobs, &every(600)).await;
    let mut ids = Vec::new();
    for second in 1..=8_u8 {
        let (job, at) = (jobs[usize::from(second) % 3], moment(i64::from(second)));
        let mut run = begin(&states, job, i64::from(second)).await;
        match second {
            7 | 8 => {}
            2 | 4 => end(&states, &filled(&run, "text", at), at).await,
            _ => {
                run.succeed(at);
                end(&states, &run, at).await;
            }
        }
        ids.push(run.id);
    }
    let of = |seconds: &[usize]| seconds.iter().map(|second| ids[second - 1]).collect::<Vec<_>>();
    let by = |narrow: fn(&mut JobLogFilter)| {
        let mut filter = JobLogFilter::default();
        narrow(&mut filter);
        filter
    };
    // Organisation 8 has the runs of the seconds 2, 5 and 8.
    let table = [
        (7, JobLogFilter::default(), of(&[7, 6, 4, 3, 1])),
        (8, JobLogFilter::default(), of(&[8, 5, 2])),
        (7, by(|filter| filter.job = Some(key(7, 2).id)), of(&[7, 4, 1])),
        (8, by(|filter| filter.job = Some(key(7, 2).id)), of(&[])),
        (7, by(|filter| filter.status = Some(RunStatus::Failed)), of(&[4])),
        (7, by(|filter| filter.status = Some(RunStatus::Success)), of(&[6, 3, 1])),
        (7, by(|filter| filter.status = Some(RunStatus::Running)), of(&[7])),
        (
            7,
            by(|filter| (filter.start, filter.end) = (Some(moment(3)), Some(moment(7)))),
            of(&[6, 4, 3]),
        ),
        (
            7,
            by(|filter| (filter.job, filter.status) = (Some(key(7, 2).id), Some(RunStatus::Success))),
            of(&[1]),
        ),
    ];
    for (org, filter, expected) in table {
        assert_eq!(listed(&stored.store, org, &filter).await, expected, "{org} {filter:?}");
    }
    let second = Page { number: 2, limit: 2 };
    let page = stored
        .store
        .job_logs()
        .list(OrgId(7), &JobLogFilter::default(), second)
        .await
        .unwrap();
    assert_eq!((page.total, page.items.len()), (5, 2));
    let failed = &page.items[0];
    assert_eq!((failed.id, failed.status), (ids[3], RunStatus::Failed));
    let left_out = (&failed.data_fetched, &failed.response.as_ref().unwrap().body);
    assert_eq!(left_out, (&None, &None), "lists leave out data");
    assert_eq!(failed.error.as_ref().map(|error| error.stack.clone()), Some(None));
}
