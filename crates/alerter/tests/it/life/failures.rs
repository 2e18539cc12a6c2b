//! Channels that fail, and a database that is away.

use ig_core::alert::NoticeStatus;
use ig_testkit::eventually;
use ig_testkit::servers::Mongo;

use super::fake_channels::Behaviour;
use super::*;

#[tokio::test]
async fn channel_that_is_away_gets_everything_afterwards_in_order_and_once() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    ground.channels.set(channel_id(1), Behaviour::Away);
    ground.raise("a").await;
    ground.after(30 * SECOND).await;
    ground.end("a").await;
    for _ in 0..10 {
        ground.after(MINUTE).await;
    }
    let failed = ground.channels.attempts();
    assert!(
        failed.len() > 1 && failed.iter().all(|attempt| attempt.id == failed[0].id),
        "{failed:?}"
    );
    ground.channels.set(channel_id(1), Behaviour::Takes);
    ground.after(10 * MINUTE).await;
    assert_eq!(ground.told(1), ["FIRING a", "RESOLVED a"]);
}

#[tokio::test]
async fn channel_that_fails_for_good_is_told_of_through_another_and_never_in_a_circle() {
    let ground = Ground::fresh().await.with_channels(1..=2).await;
    ground
        .put_routes(vec![
            Route {
                continues: true,
                matcher: Matcher {
                    kinds: vec!["circuit-open".to_owned()],
                    ..Matcher::default()
                },
                ..Route::new("first", Matcher::default(), vec![channel_id(1)])
            },
            Route::new("failures", failures(), vec![channel_id(1), channel_id(2)]),
        ])
        .await;
    ground.channels.set(channel_id(1), Behaviour::Refuses);
    ground.raise("a").await;
    ground.after(30 * SECOND).await;
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(2), ["FIRING channel 1"]);
    ground.end("a").await;
    ground.after(MINUTE).await;
    assert_eq!(ground.channels.attempts().len(), 2, "an end is not told where nothing was");

    ground.channels.set(channel_id(1), Behaviour::Takes);
    ground.raise("b").await;
    ground.after(MINUTE).await;
    ground.after(6 * MINUTE).await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1), ["FIRING b"]);
    assert_eq!(ground.told(2)[1..], ["RESOLVED channel 1"]);

    for channel in [1, 2] {
        ground.channels.set(channel_id(channel), Behaviour::Refuses);
    }
    ground.raise("c").await;
    for _ in 0..20 {
        ground.after(6 * MINUTE).await;
    }
    // One of the incident, and one of each failure that may still be told: then it is quiet.
    let before = ground.channels.attempts().len();
    ground.after(HOUR).await;
    assert_eq!(ground.channels.attempts().len(), before);
    assert!(before <= 8, "{before}");
}

fn failures() -> Matcher {
    Matcher {
        kinds: vec!["notification-failed".to_owned()],
        ..Matcher::default()
    }
}

#[tokio::test]
async fn only_channel_of_an_organisation_that_fails_is_told_of_to_the_platform() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    ground.put_channel(None, 9, 60).await;
    ground.channels.set(channel_id(1), Behaviour::Refuses);
    ground.raise("a").await;
    ground.after(30 * SECOND).await;
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(9), ["FIRING channel 1"]);
    let listed = ground
        .store
        .notices()
        .list(ORG, Some(channel_id(1)), Page::first(5))
        .await
        .unwrap();
    let notice = &listed.items[0];
    assert_eq!((notice.status, notice.attempts), (NoticeStatus::Failed, 1));
    assert_eq!(notice.failure.as_deref(), Some("It knows no such hook."));
}

#[tokio::test]
async fn channel_that_hangs_delays_no_other() {
    let ground = Ground::fresh().await.with_channels(1..=5).await;
    ground.channels.set(channel_id(3), Behaviour::Hangs);
    ground.raise("a").await;
    ground.clock.advance(30 * SECOND);
    let others = eventually("the others are told", async || {
        [1, 2, 4, 5].iter().all(|number| ground.told(*number).len() == 1)
    });
    tokio::select! {
        passed = ground.alerting.pass() => panic!("a channel hangs: {passed:?}"),
        () = others => {}
    }
}

#[tokio::test]
async fn channel_that_was_switched_off_or_deleted_hears_nothing() {
    let ground = Ground::fresh().await.with_channels(1..=2).await;
    ground.channels.set(channel_id(1), Behaviour::Away);
    ground.raise("a").await;
    ground.after(30 * SECOND).await;
    let channels = ground.store.notification_channels();
    assert!(
        !channels
            .delete(Some(OrgId(8)), channel_id(1), ground.clock.now())
            .await
            .unwrap()
    );
    assert!(channels.delete(ORG, channel_id(1), ground.clock.now()).await.unwrap());
    ground.channels.set(channel_id(1), Behaviour::Takes);
    ground.after(HOUR).await;
    ground.end("a").await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1).len(), 0);
    assert_eq!(ground.told(2), ["FIRING a", "RESOLVED a"]);
}

#[tokio::test]
async fn database_that_is_away_and_comes_back_loses_and_repeats_nothing() {
    let mut server = Mongo::start().await;
    let config = MongoConfig {
        uri: server.uri(),
        server_selection_timeout_ms: 1_000,
        connect_timeout_ms: 1_000,
        operation_timeout_ms: 4_000,
        ..MongoConfig::default()
    };
    let ground = Ground::on(&config).await.with_channels(1..=1).await;
    ground.raise("a").await;
    ground.raise("b").await;
    ground.clock.advance(30 * SECOND);
    server.kill();
    assert!(ground.alerting.pass().await.is_err());
    assert!(ground.alerting.report(&ground.alert("c").into()).await.is_err());
    server.restart().await;
    eventually("the database answers", async || ground.store.ping().await.is_ok()).await;
    eventually("all are told", async || {
        ground.clock.advance(2 * MINUTE);
        ground.alerting.pass().await.is_ok() && ground.told(1).len() == 2
    })
    .await;
    assert_eq!(ground.channels.attempts().len(), 2);
}
