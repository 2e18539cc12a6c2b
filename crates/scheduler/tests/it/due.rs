//! What is due is delivered, in its time and once.

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

use crate::rows::{every_minute, row, series};
use crate::setting::{Setting, noon};
use crate::worker::{Answer, FakeWorker};

use ScheduledStatus::{Cancelled, Completed, Failed, Pending};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_delivery_is_ordered_when_its_time_has_come_and_not_before() {
    let setting = Setting::fresh().await;
    let scheduler = setting.scheduler().await;
    let later = row(1, noon() + TimeDelta::seconds(30));
    setting.plan(&[later.clone(), row(2, noon())]).await;
    scheduler.nudge(noon()).await;
    setting.stands(&[Completed, Pending]).await;
    setting.clock.advance(Duration::from_secs(30));
    scheduler.nudge(noon() + TimeDelta::seconds(30)).await;
    setting.stands(&[Completed, Completed]).await;
    let orders = setting.worker.script.orders();
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
async fn one_that_nobody_told_of_is_found_by_the_timer() {
    let setting = Setting::fresh().await;
    let mut config = setting.config();
    config.scheduler.poll_seconds = 1;
    setting.scheduler_with(config).await;
    setting.plan(&[row(1, noon())]).await;
    setting.stands(&[Completed]).await;
}

#[tokio::test]
async fn every_occurrence_is_made_once_whatever_came_of_the_one_before() {
    let setting = Setting::fresh().await;
    setting.worker.script.answer(1, [Answer::Delivered(None), Answer::Failed]);
    setting.plan(&[every_minute(1, noon(), 3)]).await;
    let scheduler = setting.scheduler().await;
    setting.stands(&[Completed, Pending]).await;
    for expected in [[Completed, Failed, Pending].as_slice(), &[Completed, Failed, Completed]] {
        setting.clock.advance(MINUTE);
        scheduler.nudge(noon()).await;
        setting.stands(expected).await;
    }
    setting.clock.advance(MINUTE * 5);
    scheduler.nudge(noon()).await;
    let rows = setting.all().await;
    let numbers: Vec<_> = rows.iter().filter_map(ScheduledDelivery::number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(rows[1].error.as_deref(), Some("it answered 500"));
    assert_eq!(rows[2].scheduled_for, noon() + TimeDelta::minutes(2));
    let messages: BTreeSet<_> = setting.worker.script.orders().iter().map(|order| order.message_id).collect();
    assert_eq!(messages.len(), 3, "each is a message of its own");
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_but_what_is_too_late_is_cancelled() {
    let setting = Setting::fresh().await;
    let mut config = setting.config();
    config.scheduler.max_overdue_seconds = 150;
    setting.plan(&[every_minute(1, noon(), 4)]).await;
    setting.clock.advance(MINUTE * 4);
    let scheduler = setting.scheduler_with(config).await;
    setting.stands(&[Cancelled, Completed, Completed]).await;
    let reason = setting.all().await[0].cancellation.clone().unwrap().reason;
    assert!(reason.starts_with("It was due 240 s ago"), "{reason}");
    assert!(reason.ends_with("One occurrence after it was missed as well."), "{reason}");
    assert_eq!(setting.worker.script.orders().len(), 2);
    scheduler.context.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn actions_are_ordered_one_after_the_other_until_there_are_no_more() {
    let setting = Setting::fresh().await;
    let soon = Some(Duration::from_millis(1));
    setting.worker.script.answer(1, [Answer::Delivered(soon), Answer::Failed]);
    setting.worker.script.answer(2, [Answer::Delivered(soon), Answer::Unknown]);
    setting.plan(&[row(1, noon()), row(2, noon())]).await;
    setting.scheduler().await;
    setting.stands(&[Failed, Completed]).await;
    let rows = setting.all().await;
    let orders = setting.worker.script.orders();
    let of = |row: &ScheduledDelivery| -> Vec<_> {
        let of_row = orders.iter().filter(|order| order.event_id == row.event.id);
        of_row.map(|order| (order.action_index, order.message_id)).collect()
    };
    assert_eq!(of(&rows[0]), [(0, rows[0].message_id(0)), (1, rows[0].message_id(1))]);
    assert_eq!(rows[0].error.as_deref(), Some("Action 2: it answered 500"));
}

#[tokio::test]
async fn a_series_of_two_years_ago_is_one_cancelled_row_and_goes_on_now() {
    let setting = Setting::fresh().await;
    let mut config = setting.config();
    config.scheduler.max_overdue_seconds = 3;
    let begin = noon() - TimeDelta::days(730);
    let every_second = series(1, begin, &json!({"intervalMs": 1000}));
    setting.plan(&[every_second]).await;
    setting.scheduler_with(config).await;
    setting
        .stands(&[Cancelled, Completed, Completed, Completed, Completed, Pending])
        .await;
    let rows = setting.all().await;
    let reason = rows[0].cancellation.clone().unwrap().reason;
    assert!(
        reason.ends_with("63071996 occurrences after it were missed as well."),
        "{reason}"
    );
    assert_eq!(rows[1].scheduled_for, noon() - TimeDelta::seconds(3));
}

#[tokio::test]
async fn an_integration_that_the_worker_has_not_heard_of_is_waited_for() {
    let setting = Setting::fresh().await;
    setting.worker.script.answer(1, [Answer::Unknown, Answer::Unknown]);
    let planned_long_ago = ScheduledDelivery {
        created_at: noon() - TimeDelta::days(1),
        ..row(1, noon())
    };
    setting.plan(&[planned_long_ago]).await;
    let scheduler = setting.scheduler().await;
    eventually("the third order", async || {
        setting.clock.advance(Duration::from_secs(2));
        scheduler.nudge(noon()).await;
        setting.worker.script.orders().len() >= 3
    })
    .await;
    setting.stands(&[Completed]).await;
}

#[tokio::test]
async fn a_series_of_an_integration_that_is_gone_ends() {
    let setting = Setting::fresh().await;
    setting.worker.script.answer(1, [Answer::Unknown]);
    setting.delete_integration().await;
    setting.plan(&[every_minute(1, noon(), 9), every_minute(2, noon(), 9)]).await;
    setting.scheduler().await;
    setting.ordered(2).await;
    eventually("two rows that have ended", async || {
        setting.all().await.iter().all(|row| row.status != Pending)
    })
    .await;
    let mut rows = setting.all().await;
    rows.sort_by_key(|row| row.position);
    assert_eq!(rows.len(), 2, "neither has a successor");
    let reason = rows[0].cancellation.clone().unwrap().reason;
    assert_eq!((reason.as_str(), rows[1].status), ("The integration was deleted.", Completed));
}

#[tokio::test]
async fn without_a_worker_it_waits_and_goes_on_when_there_is_one() {
    let mut setting = Setting::fresh().await;
    let port = setting.worker.address.port();
    setting.worker.script.always(Answer::Away);
    setting.plan(&[row(1, noon()), row(2, noon())]).await;
    let scheduler = setting.scheduler().await;
    setting.ordered(1).await;
    let gone = std::mem::replace(&mut setting.worker, FakeWorker::start().await);
    gone.stop().await;
    setting.stands(&[Pending, Pending]).await;
    setting.worker = FakeWorker::start_on(port).await;
    let back = std::time::Instant::now();
    while setting.all().await.iter().any(|row| row.status == Pending) {
        assert!(back.elapsed() < Duration::from_mins(1), "it goes on");
        // What was given back is due again after a while, which the held clock has to be moved through.
        setting.clock.advance(Duration::from_secs(1));
        scheduler.nudge(noon()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    setting.stands(&[Completed, Completed]).await;
    assert_eq!(setting.worker.script.orders().len(), 2);
}

#[tokio::test]
async fn what_another_held_that_is_gone_is_taken_over_with_the_same_message() {
    let setting = Setting::fresh().await;
    setting.worker.script.answer(1, [Answer::Hang]);
    setting.plan(&[every_minute(1, noon(), 2)]).await;
    let frozen = setting.scheduler().await;
    setting.ordered(1).await;
    // It is cut off: nothing of it goes on, and its claim is not prolonged.
    frozen.context.drain(Duration::from_millis(10)).await.unwrap_err();
    let heir = setting.scheduler().await;
    setting.clock.advance(Duration::from_secs(11));
    heir.nudge(noon()).await;
    setting.stands(&[Completed, Pending]).await;
    let orders = setting.worker.script.orders();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0].message_id, orders[1].message_id);
    assert_ne!(orders[0].claim_id, orders[1].claim_id);
}

#[tokio::test]
async fn one_whose_claim_ended_before_its_delivery_is_claimed_again_at_once() {
    for of_a_series in [false, true] {
        let setting = Setting::fresh().await;
        let mut config = setting.config();
        config.scheduler.poll_seconds = 3_600;
        let late = Arc::new(Notify::new());
        setting.worker.script.answer(1, [Answer::Told(Arc::clone(&late))]);
        let held = if of_a_series {
            every_minute(1, noon(), 1)
        } else {
            row(1, noon())
        };
        let after_its_claim = noon() + TimeDelta::seconds(11);
        setting.plan(&[held, row(2, after_its_claim)]).await;
        let scheduler = setting.scheduler_with(config).await;
        setting.ordered(1).await;
        setting.clock.advance(Duration::from_secs(11));
        scheduler.nudge(after_its_claim).await;
        // Whatever was due up to here has been looked at, and the first was under way then.
        setting.stands(&[Pending, Completed]).await;
        late.notify_one();
        setting.stands(&[Completed, Completed]).await;
        let orders = setting.worker.script.orders();
        let of_the_first: Vec<_> = orders.iter().filter(|order| order.event_id.as_str() == "1").collect();
        assert_eq!(of_the_first.len(), 2);
        assert_eq!(of_the_first[0].message_id, of_the_first[1].message_id);
    }
}

#[tokio::test]
async fn two_schedulers_make_each_delivery_once() {
    const ROWS: u64 = 400;
    let setting = Setting::fresh().await;
    let (one, other) = (setting.scheduler().await, setting.scheduler().await);
    let rows: Vec<_> = (0..ROWS).map(|event| row(event, noon())).collect();
    setting.plan(&rows).await;
    one.nudge(noon()).await;
    other.nudge(noon()).await;
    eventually("all are completed", async || {
        setting.all().await.iter().all(|row| row.status == Completed)
    })
    .await;
    let orders = setting.worker.script.orders();
    let distinct: BTreeSet<_> = orders.iter().map(|order| order.message_id).collect();
    assert_eq!((orders.len() as u64, distinct.len() as u64), (ROWS, ROWS));
    let holders: BTreeSet<_> = orders.iter().map(|order| &order.claim_id).collect();
    assert!(holders.len() <= 2);
}

#[tokio::test]
async fn targets_that_hang_leave_room_for_others() {
    let setting = Setting::fresh().await;
    let config = Config {
        scheduler: ig_scheduler::SchedulerConfig {
            max_concurrency: 8,
            ..Config::default().scheduler
        },
        ..setting.config()
    };
    let hanging: Vec<_> = (0..50).map(|event| row(event, noon())).collect();
    (0..50).for_each(|event| setting.worker.script.answer(event, [Answer::Hang]));
    setting.plan(&hanging).await;
    let scheduler = setting.scheduler_with(config).await;
    setting.ordered(1).await;
    let other = ScheduledDelivery {
        integration: ig_testkit::builders::integration_id(2),
        ..row(100, noon())
    };
    let id = other.id;
    setting.plan(&[other]).await;
    scheduler.nudge(noon()).await;
    eventually("the other is delivered", async || {
        let found = setting.rows.get(crate::rows::ORG, id).await.unwrap();
        found.is_some_and(|row| row.status == Completed)
    })
    .await;
    assert!(setting.worker.script.orders().len() <= 8);
}
