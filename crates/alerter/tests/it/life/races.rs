//! Several processes at once, some of which die.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Poll;

use futures::future::{join, poll_fn};
use ig_core::alert::IncidentStatus;

use super::*;

/// Runs work until it has been polled so many times, and then drops it: what it had begun is as a killed process leaves it.
async fn killed_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn alerters_that_race_and_are_killed_tell_each_channel_each_notice_once() {
    let ground = Ground::fresh().await.with_channels(1..=3).await;
    let other = ground.another();
    let keys: Vec<_> = (0..4).map(|number| format!("k{number}")).collect();
    for key in &keys {
        ground.raise(key).await;
    }
    ground.clock.advance(30 * SECOND);
    for round in 0..40 {
        let first = killed_after(round * 3, ground.alerting.pass());
        let second = killed_after(120 - round * 3, other.pass());
        join(first, second).await;
        // What a dead process held is free after its lease.
        ground.clock.advance(91 * SECOND);
    }
    ground.alerting.pass().await.unwrap();
    assert_told_once(&ground, 12, "FIRING");
    for key in &keys {
        assert!(ground.end(key).await);
    }
    for round in 0..40 {
        let first = killed_after(round * 3, other.pass());
        let second = killed_after(120 - round * 3, ground.alerting.pass());
        join(first, second).await;
        ground.clock.advance(91 * SECOND);
    }
    other.pass().await.unwrap();
    assert_told_once(&ground, 24, "RESOLVED");
}

/// Every notice is told to its channel under one identifier, and none is missing.
fn assert_told_once(ground: &Ground, expected: usize, kind: &str) {
    let mut told: BTreeMap<(ChannelId, String), Vec<_>> = BTreeMap::new();
    for attempt in ground.channels.attempts() {
        let ids = told.entry((attempt.channel, attempt.told)).or_default();
        if !ids.contains(&attempt.id) {
            ids.push(attempt.id);
        }
    }
    let of_kind = told.keys().filter(|(_, told)| told.starts_with(kind)).count();
    assert_eq!((told.len(), of_kind), (expected, 12), "{told:#?}");
    assert!(told.values().all(|ids| ids.len() == 1), "{told:#?}");
}

#[tokio::test]
async fn alerters_that_run_side_by_side_send_nothing_twice() {
    let ground = Ground::fresh().await.with_channels(1..=3).await;
    let others: Vec<_> = (0..4).map(|_| ground.another()).collect();
    for key in ["a", "b", "c", "d"] {
        ground.raise(key).await;
    }
    ground.clock.advance(30 * SECOND);
    let passes = others.iter().map(Alerting::pass);
    futures::future::try_join_all(passes).await.unwrap();
    ground.after(SECOND).await;
    assert_eq!(ground.channels.attempts().len(), 12);
}

#[tokio::test]
async fn reports_that_race_open_one_incident() {
    let ground = Ground::fresh().await;
    for _ in 0..5 {
        let raised = futures::future::join_all((0..20).map(|_| ground.raise("a"))).await;
        assert_eq!(raised.iter().filter(|is_new| **is_new).count(), 1);
        assert!(ground.end("a").await);
        ground.clock.advance(11 * MINUTE);
    }
    let incidents = ground.incidents().await;
    assert_eq!(
        (incidents.len(), incidents.iter().map(|incident| incident.count).sum::<u64>()),
        (5, 100)
    );
    assert!(
        incidents
            .iter()
            .all(|incident| incident.state.status() == IncidentStatus::Resolved)
    );
}

#[tokio::test]
async fn end_that_is_owed_comes_after_the_report_that_is_owed() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    let alerts = ground.store.alerts();
    alerts.owe(&ground.alert("a")).await.unwrap();
    // The alerter is back, and takes the end before it takes what is owed.
    assert!(!ground.end("a").await);
    let others = [ground.another(), ground.another()];
    join(others[0].pass(), others[1].pass()).await.0.unwrap();
    ground.after(2 * SECOND).await;
    let incidents = ground.incidents().await;
    assert_eq!(incidents[0].state.status(), IncidentStatus::Resolved);
    ground.after(MINUTE).await;
    assert_eq!(ground.told(1).len(), 0);
}
