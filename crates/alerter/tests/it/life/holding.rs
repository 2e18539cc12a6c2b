//! Silences, quiet hours and the hourly limit.

use chrono::{NaiveTime, TimeZone as _, Utc};
use ig_core::alert::{QuietHours, Silence, SilenceId};

use super::*;

impl Ground {
    async fn silence(&self, length: Duration) -> SilenceId {
        let (id, now) = (SilenceId([5; 12]), self.clock.now());
        let silence = Silence {
            id,
            org_id: ORG,
            matcher: Matcher::default(),
            from: now,
            until: now + length,
            by: "Ana".to_owned(),
            why: "The target moves.".to_owned(),
            created_at: now,
        };
        self.store.silences().add(&silence).await.unwrap();
        id
    }
}

#[tokio::test]
async fn silence_holds_what_is_told_not_what_is_recorded_and_ends_in_one_digest_of_what_is_open() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    ground.raise("before").await;
    ground.after(30 * SECOND).await;
    ground.silence(HOUR).await;
    for key in ["a", "b", "c"] {
        ground.raise(key).await;
    }
    ground.after(10 * MINUTE).await;
    ground.end("before").await;
    ground.end("c").await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1), ["FIRING before", "RESOLVED before"], "an end passes");
    assert_eq!(ground.incidents().await.len(), 4);
    ground.after(HOUR).await;
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(1)[2..], ["DIGEST 2 alerts"]);
    ground.end("a").await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1).len(), 3);
    ground.end("b").await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1)[3..], ["RESOLVED all alerts of the digest"]);
}

#[tokio::test]
async fn silence_ended_by_hand_is_over_at_once() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    let id = ground.silence(24 * HOUR).await;
    ground.raise("a").await;
    ground.after(MINUTE).await;
    let silences = ground.store.silences();
    assert!(!silences.end(Some(OrgId(8)), id, ground.clock.now()).await.unwrap());
    assert!(silences.end(ORG, id, ground.clock.now()).await.unwrap());
    ground.after(SECOND).await;
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(1), ["FIRING a"]);
}

#[tokio::test]
async fn quiet_hours_over_a_change_of_clocks_end_by_the_clock_on_the_wall() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    // The night of 29 March 2037 in Berlin has eight hours between ten and seven.
    ground.clock.set(Utc.with_ymd_and_hms(2037, 3, 28, 21, 30, 0).unwrap());
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let night = QuietHours {
        zone: "Europe/Berlin".parse().unwrap(),
        from: time(22),
        until: time(7),
        days: Vec::new(),
        severities: vec![Severity::Info, Severity::Warning],
    };
    let routing = Routing {
        routes: Vec::new(),
        quiet_hours: vec![night],
    };
    ground.put_routing(&routing).await;
    ground.raise("a").await;
    ground.raise("b").await;
    let critical = Alert {
        severity: Severity::Critical,
        ..ground.alert("critical")
    };
    ground.alerting.report(&critical.into()).await.unwrap();
    ground.after(MINUTE).await;
    assert_eq!(ground.told(1), ["FIRING critical"]);
    ground.clock.set(Utc.with_ymd_and_hms(2037, 3, 29, 4, 59, 0).unwrap());
    ground.after(Duration::ZERO).await;
    assert_eq!(ground.told(1)[1..], ["REPEATED critical"]);
    ground.after(MINUTE).await;
    ground.after(5 * MINUTE).await;
    assert_eq!(ground.told(1)[2..], ["DIGEST 2 alerts"]);
}

#[tokio::test]
async fn channel_that_had_its_number_of_notices_gets_the_rest_as_a_digest_in_the_next_hour() {
    let ground = Ground::fresh().await;
    ground.put_channel(ORG, 1, 3).await;
    for number in 0..8 {
        ground.raise(&format!("k{number}")).await;
        ground.after(6 * MINUTE).await;
    }
    assert_eq!(ground.told(1), ["FIRING k0", "FIRING k1", "FIRING k2"]);
    ground.end("k7").await;
    ground.end("k0").await;
    ground.after(SECOND).await;
    assert_eq!(ground.told(1)[3..], ["RESOLVED k0"], "an end passes");
    ground.after(15 * MINUTE).await;
    assert_eq!(ground.told(1)[4..], ["DIGEST 4 alerts"]);
}
