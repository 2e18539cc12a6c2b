//! Due rows are delivered in time, and once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ig_core::delivery_log::TriggerType;
use ig_core::scheduled::{ScheduledDelivery, ScheduledStatus};
use ig_scheduler::Config;
use ig_testkit::eventually;
use serde_json::json;
use tokio::sync::Notify;

use crate::fixture::{Fixture, noon};
use crate::rows::{every_minute, row, series};
use crate::worker::{FakeWorker, Reply};

use ScheduledStatus::{Cancelled, Completed, Failed, Pending};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn delivery_is_ordered_when_due_and_not_before() {
    let fixture = Fixture::fresh().await;
    let scheduler = fixture.scheduler().await;
    let later = row(1, noon() + TimeDelta::seconds(30));
    fixture.plan(&[later.clone(), row(2, noon())]).await;
    scheduler.nudge(noon()).await;
    fixture.has_statuses(&[Completed, Pending]).await;
    fixture.clock.advance(Duration::from_secs(30));
    scheduler.nudge(noon() + TimeDelta::seconds(30)).await;
    fixture.has_statuses(&[Completed, Completed]).await;
    let orders = fixture.worker.script.orders();
    assert_eq!(orders.len(), 2);
    assert_eq!(
        (orders[1].message_id, orders[1].trigger),
        (later.message_id(0), TriggerType::Scheduled)
    );
    assert_eq!(
        (orders[1].org_id, &orders[1].event_type),
        (later.org_id, &later.event.event_type)
    );
}

#[tokio::test]
async fn poll_finds_a_row_without_a_nudge() {
    let fixture = Fixture::fresh().await;
    let mut config = fixture.config();
    config.scheduler.poll_seconds = 1;
    fixture.scheduler_with(config).await;
    fixture.plan(&[row(1, noon())]).await;
    fixture.has_statuses(&[Completed]).await;
}

#[tokio::test]
async fn series_makes_every_occurrence_once_even_after_a_failure() {
    let fixture = Fixture::fresh().await;
    fixture.worker.script.reply(1, [Reply::Delivered(None), Reply::Failed]);
    fixture.plan(&[every_minute(1, noon(), 3)]).await;
    let scheduler = fixture.scheduler().await;
    fixture.has_statuses(&[Completed, Pending]).await;
    for expected in [[Completed, Failed, Pending].as_slice(), &[Completed, Failed, Completed]] {
        fixture.clock.advance(MINUTE);
        scheduler.nudge(noon()).await;
        fixture.has_statuses(expected).await;
    }
    fixture.clock.advance(MINUTE * 5);
    scheduler.nudge(noon()).await;
    let rows = fixture.all().await;
    let numbers: Vec<_> = rows.iter().filter_map(ScheduledDelivery::number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(rows[1].error.as_deref(), Some("it answered 500"));
    assert_eq!(rows[2].scheduled_for, noon() + TimeDelta::minutes(2));
    let messages: BTreeSet<_> = fixture.worker.script.orders().iter().map(|order| order.message_id).collect();
    assert_eq!(messages.len(), 3, "each is a message of its own");
}

#[tokio::test]
async fn series_makes_up_for_missed_occurrences_and_cancels_overdue_ones() {
    let fixture = Fixture::fresh().await;
    let mut config = fixture.config();
    config.scheduler.max_overdue_seconds = 150;
    fixture.plan(&[every_minute(1, noon(), 4)]).await;
    fixture.clock.advance(MINUTE * 4);
    let scheduler = fixture.scheduler_with(config).await;
    fixture.has_statuses(&[Cancelled, Completed, Completed]).await;
    let reason = fixture.all().await[0].cancellation.clone().unwrap().reason;
    assert!(reason.starts_with("It was due 240 s ago"), "{reason}");
    assert!(reason.ends_with("One occurrence after it was missed as well."), "{reason}");
    assert_eq!(fixture.worker.script.orders().len(), 2);
    scheduler.context.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn actions_are_ordered_one_after_the_other_until_the_last() {
    let fixture = Fixture::fresh().await;
    let soon = Some(Duration::from_millis(1));
    fixture.worker.script.reply(1, [Reply::Delivered(soon), Reply::Failed]);
    fixture.worker.script.reply(2, [Reply::Delivered(soon), Reply::Unknown]);
    fixture.plan(&[row(1, noon()), row(2, noon())]).await;
    fixture.scheduler().await;
    fixture.has_statuses(&[Failed, Completed]).await;
    let rows = fixture.all().await;
    let orders = fixture.worker.script.orders();
    let of = |row: &ScheduledDelivery| -> Vec<_> {
        let of_row = orders.iter().filter(|order| order.event_id == row.event.id);
        of_row.map(|order| (order.action_index, order.message_id)).collect()
    };
    assert_eq!(of(&rows[0]), [(0, rows[0].message_id(0)), (1, rows[0].message_id(1))]);
    assert_eq!(rows[0].error.as_deref(), Some("Action 2: it answered 500"));
}

#[tokio::test]
async fn series_of_two_years_ago_is_one_cancelled_row_and_goes_on_now() {
    let fixture = Fixture::fresh().await;
    let mut config = fixture.config();
    config.scheduler.max_overdue_seconds = 3;
    let begin = noon() - TimeDelta::days(730);
    let every_second = series(1, begin, &json!({"intervalMs": 1000}));
    fixture.plan(&[every_second]).await;
    fixture.scheduler_with(config).await;
    fixture
        .has_statuses(&[Cancelled, Completed, Completed, Completed, Completed, Pending])
        .await;
    let rows = fixture.all().await;
    let reason = rows[0].cancellation.clone().unwrap().reason;
    assert!(
        reason.ends_with("63071996 occurrences after it were missed as well."),
        "{reason}"
    );
    assert_eq!(rows[1].scheduled_for, noon() - TimeDelta::seconds(3));
}

#[tokio::test]
async fn delivery_waits_for_an_integration_that_the_worker_does_not_know_yet() {
    let fixture = Fixture::fresh().await;
    fixture.worker.script.reply(1, [Reply::Unknown, Reply::Unknown]);
    let planned_long_ago = ScheduledDelivery {
        created_at: noon() - TimeDelta::days(1),
        ..row(1, noon())
    };
    fixture.plan(&[planned_long_ago]).await;
    let scheduler = fixture.scheduler().await;
    eventually("the third order", async || {
        fixture.clock.advance(Duration::from_secs(2));
        scheduler.nudge(noon()).await;
        fixture.worker.script.orders().len() >= 3
    })
    .await;
    fixture.has_statuses(&[Completed]).await;
}

#[tokio::test]
async fn series_of_a_deleted_integration_ends() {
    let fixture = Fixture::fresh().await;
    fixture.worker.script.reply(1, [Reply::Unknown]);
    fixture.delete_integration().await;
    fixture.plan(&[every_minute(1, noon(), 9), every_minute(2, noon(), 9)]).await;
    fixture.scheduler().await;
    fixture.ordered(2).await;
    eventually("two rows that have ended", async || {
        fixture.all().await.iter().all(|row| row.status != Pending)
    })
    .await;
    let mut rows = fixture.all().await;
    rows.sort_by_key(|row| row.position);
    assert_eq!(rows.len(), 2, "neither has a successor");
    let reason = rows[0].cancellation.clone().unwrap().reason;
    assert_eq!((reason.as_str(), rows[1].status), ("The integration was deleted.", Completed));
}

#[tokio::test]
async fn deliveries_wait_for_a_worker_and_resume_with_it() {
    let mut fixture = Fixture::fresh().await;
    let port = fixture.worker.address.port();
    fixture.worker.script.always(Reply::Unavailable);
    fixture.plan(&[row(1, noon()), row(2, noon())]).await;
    let scheduler = fixture.scheduler().await;
    fixture.ordered(1).await;
    let gone = std::mem::replace(&mut fixture.worker, FakeWorker::start().await);
    gone.stop().await;
    fixture.has_statuses(&[Pending, Pending]).await;
    fixture.worker = FakeWorker::start_on(port).await;
    let back = std::time::Instant::now();
    while fixture.all().await.iter().any(|row| row.status == Pending) {
        assert!(back.elapsed() < Duration::from_mins(1), "it goes on");
        // A released row is due again after a delay, through which the test moves the held clock.
        fixture.clock.advance(Duration::from_secs(1));
        scheduler.nudge(noon()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    fixture.has_statuses(&[Completed, Completed]).await;
    assert_eq!(fixture.worker.script.orders().len(), 2);
}

#[tokio::test]
async fn claim_of_a_dead_scheduler_is_taken_over_with_the_same_message() {
    let fixture = Fixture::fresh().await;
    fixture.worker.script.reply(1, [Reply::Hang]);
    fixture.plan(&[every_minute(1, noon(), 2)]).await;
    let frozen = fixture.scheduler().await;
    fixture.ordered(1).await;
    // The drain cuts the scheduler off, so that it no longer renews its claim.
    frozen.context.drain(Duration::from_millis(10)).await.unwrap_err();
    let heir = fixture.scheduler().await;
    fixture.clock.advance(Duration::from_secs(11));
    heir.nudge(noon()).await;
    fixture.has_statuses(&[Completed, Pending]).await;
    let orders = fixture.worker.script.orders();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0].message_id, orders[1].message_id);
    assert_ne!(orders[0].claim_id, orders[1].claim_id);
}

#[tokio::test]
async fn delivery_whose_claim_expired_is_claimed_again_at_once() {
    for of_a_series in [false, true] {
        let fixture = Fixture::fresh().await;
        let mut config = fixture.config();
        config.scheduler.poll_seconds = 3_600;
        let late = Arc::new(Notify::new());
        fixture.worker.script.reply(1, [Reply::DeliveredOnNotify(Arc::clone(&late))]);
        let held = if of_a_series {
            every_minute(1, noon(), 1)
        } else {
            row(1, noon())
        };
        let after_its_claim = noon() + TimeDelta::seconds(11);
        fixture.plan(&[held, row(2, after_its_claim)]).await;
        let scheduler = fixture.scheduler_with(config).await;
        fixture.ordered(1).await;
        fixture.clock.advance(Duration::from_secs(11));
        scheduler.nudge(after_its_claim).await;
        // The poller has read all rows due up to here, and skipped the first, which was claimed.
        fixture.has_statuses(&[Pending, Completed]).await;
        late.notify_one();
        fixture.has_statuses(&[Completed, Completed]).await;
        let orders = fixture.worker.script.orders();
        let of_the_first: Vec<_> = orders.iter().filter(|order| order.event_id.as_str() == "1").collect();
        assert_eq!(of_the_first.len(), 2);
        assert_eq!(of_the_first[0].message_id, of_the_first[1].message_id);
    }
}

#[tokio::test]
async fn two_schedulers_make_each_delivery_once() {
    const ROWS: u64 = 400;
    let fixture = Fixture::fresh().await;
    let (one, other) = (fixture.scheduler().await, fixture.scheduler().await);
    let rows: Vec<_> = (0..ROWS).map(|event| row(event, noon())).collect();
    fixture.plan(&rows).await;
    one.nudge(noon()).await;
    other.nudge(noon()).await;
    eventually("all are completed", async || {
        fixture.all().await.iter().all(|row| row.status == Completed)
    })
    .await;
    let orders = fixture.worker.script.orders();
    let distinct: BTreeSet<_> = orders.iter().map(|order| order.message_id).collect();
    assert_eq!((orders.len() as u64, distinct.len() as u64), (ROWS, ROWS));
    let holders: BTreeSet<_> = orders.iter().map(|order| &order.claim_id).collect();
    assert!(holders.len() <= 2);
}

#[tokio::test]
async fn slots_are_left_when_other_targets_hang() {
    let fixture = Fixture::fresh().await;
    let config = Config {
        scheduler: ig_scheduler::SchedulerConfig {
            max_concurrency: 8,
            ..Config::default().scheduler
        },
        ..fixture.config()
    };
    let hanging: Vec<_> = (0..50).map(|event| row(event, noon())).collect();
    (0..50).for_each(|event| fixture.worker.script.reply(event, [Reply::Hang]));
    fixture.plan(&hanging).await;
    let scheduler = fixture.scheduler_with(config).await;
    fixture.ordered(1).await;
    let other = ScheduledDelivery {
        integration: ig_testkit::builders::integration_id(2),
        ..row(100, noon())
    };
    let id = other.id;
    fixture.plan(&[other]).await;
    scheduler.nudge(noon()).await;
    eventually("the other is delivered", async || {
        let found = fixture.rows.get(crate::rows::ORG, id).await.unwrap();
        found.is_some_and(|row| row.status == Completed)
    })
    .await;
    assert!(fixture.worker.script.orders().len() <= 8);
}
