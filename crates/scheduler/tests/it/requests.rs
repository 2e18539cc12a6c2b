//! Requests of users: cancel, reschedule, preview.

use chrono::TimeDelta;
use ig_core::id::OrgId;
use ig_core::schedule::{Schedule, ScheduleMode};
use ig_core::scheduled::{CancelDelivery, PreviewSchedule, RescheduleDelivery, ScheduledStatus};
use ig_proto::v1;
use ig_testkit::mongo;
use serde_json::{Value, json};
use tonic::Code;

use crate::fixture::{Fixture, RunningScheduler, noon};
use crate::rows::{ORG, every_minute, id_of, row};

#[tokio::test]
async fn scheduler_starts_without_its_database_and_is_not_ready() {
    let unreachable = format!(
        "mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=100",
        ig_testkit::free_port()
    );
    let mut config = ig_scheduler::Config::default();
    config.mongodb.uri = unreachable;
    config.mongodb.database = mongo::database().name.clone();
    config.grpc.listen.set_port(0);
    let context = ig_service::Context::new("scheduler", &ig_service::Stop::new());
    ig_scheduler::run(config, context.clone()).await.unwrap();
    assert_eq!(context.readiness().reasons(), ["mongodb does not answer"]);
    context.drain(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn series_that_is_cancelled_does_not_recur() {
    let fixture = Fixture::fresh().await;
    let scheduler = fixture.scheduler().await;
    let first = every_minute(1, noon() + TimeDelta::minutes(1), 9);
    fixture.plan(std::slice::from_ref(&first)).await;
    let cancel = |org_id| CancelDelivery {
        org_id,
        id: id_of(&first),
        reason: "No longer wanted".to_owned(),
    };
    let refused = scheduler.client().cancel(v1::CancelRequest::from(&cancel(OrgId(8)))).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound, "another's is not found");
    scheduler
        .client()
        .cancel(v1::CancelRequest::from(&cancel(ORG)))
        .await
        .unwrap();
    let again = scheduler
        .client()
        .cancel(v1::CancelRequest::from(&cancel(ORG)))
        .await
        .unwrap_err();
    assert_eq!(
        (again.code(), again.message()),
        (Code::Aborted, "It is pending no more: it is CANCELLED")
    );
    fixture.clock.advance(std::time::Duration::from_mins(5));
    scheduler.nudge(noon()).await;
    fixture.has_statuses(&[ScheduledStatus::Cancelled]).await;
    assert!(fixture.worker.script.orders().is_empty());
}

#[tokio::test]
async fn rescheduled_delivery_is_made_at_its_new_time() {
    let fixture = Fixture::fresh().await;
    let scheduler = fixture.scheduler().await;
    let far = row(1, noon() + TimeDelta::days(3));
    fixture.plan(std::slice::from_ref(&far)).await;
    let reschedule = |org_id| RescheduleDelivery {
        org_id,
        id: far.id,
        at: noon(),
    };
    let refused = scheduler
        .client()
        .reschedule(v1::RescheduleRequest::from(&reschedule(OrgId(8))))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    scheduler
        .client()
        .reschedule(v1::RescheduleRequest::from(&reschedule(ORG)))
        .await
        .unwrap();
    fixture.has_statuses(&[ScheduledStatus::Completed]).await;
    assert_eq!(fixture.all().await[0].scheduled_for, noon());
}

async fn times(scheduler: &RunningScheduler, mode: ScheduleMode, config: Value, payload: Value) -> Result<Vec<String>, String> {
    let preview = PreviewSchedule {
        schedule: Schedule::read(mode, Some(&config)).unwrap(),
        payload,
        count: 5,
        zone: "Europe/Berlin".parse().unwrap(),
        event_at: Some("2026-03-28T12:00:00Z".parse().unwrap()),
    };
    let reply = scheduler.client().preview(v1::PreviewRequest::from(&preview)).await;
    let reply = reply.map_err(|status| status.message().to_owned())?;
    let times: Vec<ig_core::clock::Timestamp> = reply.into_inner().try_into().unwrap();
    Ok(times.iter().map(|at| at.format("%dT%H:%M").to_string()).collect())
}

#[tokio::test]
async fn preview_lists_the_next_times_across_a_clock_change() {
    let fixture = Fixture::fresh().await;
    let scheduler = fixture.scheduler().await;
    let nightly = json!({"cron": "30 2 * * *"});
    let listed = times(&scheduler, ScheduleMode::Recurring, nightly, Value::Null).await;
    // At 02:00 of the 29th clocks go to 03:00: there is no 02:30, and the first moment after it counts.
    assert_eq!(listed.unwrap(), ["29T01:00", "30T00:30", "31T00:30", "01T00:30", "02T00:30"]);
    let at = json!({"at": "visit.at"});
    let payload = json!({"visit": {"at": "2026-03-30T09:00"}});
    let listed = times(&scheduler, ScheduleMode::Delayed, at.clone(), payload).await;
    assert_eq!(listed.unwrap(), ["30T07:00"]);
    let listed = times(&scheduler, ScheduleMode::Delayed, at, json!({})).await;
    assert_eq!(listed.unwrap_err(), "The payload has nothing at visit.at.");
    let request = v1::PreviewRequest {
        scheduling_mode: "SOMETIME".to_owned(),
        ..v1::PreviewRequest::default()
    };
    let refused = scheduler.client().preview(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("scheduling_mode: "), "{refused}");
}
