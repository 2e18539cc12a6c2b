//! Rate limits that hold across processes.

use std::time::Duration;

use futures::future::join_all;
use ig_core::id::OrgId;
use ig_core::window::{LeaseRequest, RateLimit, RateWindows as _, WindowKey};
use ig_testkit::builders;

use crate::stored::{Stored, moment};

fn ask(wanted: u32) -> LeaseRequest {
    LeaseRequest { wanted, unused: None }
}

#[tokio::test]
async fn rate_window_never_grants_many_processes_more_than_the_limit() {
    let stored = Stored::fresh().await;
    let other = stored.another().await.rate_windows();
    let (windows, limit) = (stored.store.rate_windows(), RateLimit::new(50, 10).unwrap());
    let key = WindowKey::Integration(OrgId(1), builders::integration_id(1));
    let asking = (0..40).map(|number| {
        let windows = if number % 2 == 0 { &windows } else { &other };
        windows.lease(&key, &limit, ask(3), moment(100))
    });
    let granted: u32 = join_all(asking).await.into_iter().map(|grant| grant.unwrap().requests).sum();
    assert_eq!(granted, 50);
    let full = windows.lease(&key, &limit, ask(1), moment(101)).await.unwrap();
    assert_eq!((full.requests, full.remaining), (0, 0));
    assert!(full.free_at > moment(109), "{}", full.free_at);
    let later = windows.lease(&key, &limit, ask(100), full.free_at).await.unwrap();
    assert_eq!(later.requests, 50);
}

#[tokio::test]
async fn rate_window_outlives_its_process_and_keys_are_separate() {
    let stored = Stored::fresh().await;
    let limit = RateLimit::new(2, 60).unwrap();
    let (first, second) = (WindowKey::Management(OrgId(1)), WindowKey::Management(OrgId(2)));
    stored
        .store
        .rate_windows()
        .lease(&first, &limit, ask(2), moment(0))
        .await
        .unwrap();
    let windows = stored.another().await.rate_windows();
    let now = moment(0) + Duration::from_secs(30);
    assert_eq!(windows.lease(&first, &limit, ask(1), now).await.unwrap().requests, 0);
    assert_eq!(windows.lease(&second, &limit, ask(1), now).await.unwrap().requests, 1);
}
