//! Who is told, how often, and of what.

use futures::{StreamExt as _, stream};
use ig_core::alert::{AlertDetails, AlertSubject, IncidentStatus, Told, ToldStage};

use super::*;

impl Ground {
    async fn raise_owned(&self, key: String) -> bool {
        self.raise(&key).await
    }
}

#[tokio::test]
async fn incident_raised_a_thousand_times_in_a_minute_is_one_notice_and_a_storm_is_one_digest() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    let raised = stream::iter(0..1_000).map(|_| ground.raise("a")).buffer_unordered(8);
    let new = raised.filter(|is_new| std::future::ready(*is_new)).count().await;
    assert_eq!(new, 1);
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(1), ["FIRING a"]);
    assert_eq!(ground.incidents().await[0].count, 1_000);

    let storm = stream::iter(0..200)
        .map(|number| ground.raise_owned(format!("s{number}")))
        .buffer_unordered(8);
    assert_eq!(storm.filter(|is_new| std::future::ready(*is_new)).count().await, 200);
    ground.after(30 * SECOND).await;
    assert_eq!(ground.told(1).len(), 1, "the next notice waits for the group's interval");
    ground.after(5 * MINUTE).await;
    assert_eq!(ground.told(1)[1..], ["DIGEST 200 alerts"]);
    ground.after(10 * MINUTE).await;
    assert_eq!(ground.channels.attempts().len(), 2);
}

#[tokio::test]
async fn acknowledgement_stops_the_escalation_and_the_end_reaches_those_who_were_told() {
    let ground = Ground::fresh().await.with_channels(1..=3).await;
    ground.put_routes(vec![escalating()]).await;
    assert!(ground.raise("a").await && ground.raise("b").await);
    ground.after(30 * SECOND).await;
    assert_eq!(
        (ground.told_since(1, 0), ground.told(2).len()),
        (vec!["FIRING a".to_owned(), "FIRING b".to_owned()], 0)
    );
    let incidents = ground.incidents().await;
    let of = |key: &str| incidents.iter().find(|incident| incident.alert.key == key).unwrap();
    ground.acknowledge(of("a")).await;
    ground.after(16 * MINUTE).await;
    assert_eq!(ground.told(2), ["FIRING b"]);
    assert_eq!(ground.told(1)[2..], ["ACKNOWLEDGED a"]);

    // From now on, others are told of new incidents.
    ground
        .put_routes(vec![Route::new("others", Matcher::default(), vec![channel_id(3)])])
        .await;
    assert!(ground.end("a").await && ground.end("b").await && !ground.end("b").await);
    ground.after(SECOND).await;
    assert_eq!(ground.told_since(1, 3), ["RESOLVED a", "RESOLVED b"]);
    assert_eq!(ground.told(2)[1..], ["RESOLVED b"]);
    assert_eq!(ground.told(3).len(), 0);
}

#[tokio::test]
async fn incident_that_comes_back_within_ten_minutes_is_the_same_and_later_it_is_another() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    assert!(ground.raise("a").await);
    ground.after(MINUTE).await;
    ground.end("a").await;
    ground.after(9 * MINUTE).await;
    assert!(!ground.raise("a").await, "it is the same one");
    ground.after(MINUTE).await;
    let incidents = ground.incidents().await;
    assert_eq!((incidents.len(), incidents[0].count, incidents[0].reopened), (1, 2, 1));
    assert_eq!(incidents[0].state.status(), IncidentStatus::Open);
    ground.end("a").await;
    ground.after(11 * MINUTE).await;
    assert!(ground.raise("a").await, "it is another one");
    assert_eq!(ground.told(1), ["FIRING a", "RESOLVED a", "FIRING a", "RESOLVED a"]);
    assert_eq!(ground.incidents().await.len(), 2);
}

#[tokio::test]
async fn alert_whose_end_nobody_reports_is_over_when_it_was_quiet_and_its_repetition_raises_its_severity() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    let mild = Alert {
        kind: "dead-letters-abandoned".to_owned(),
        severity: Severity::Info,
        ..ground.alert("a")
    };
    let report = async |severity| {
        let alert = Alert {
            severity,
            ..mild.clone()
        };
        ground.alerting.report(&alert.into()).await.unwrap()
    };
    assert!(report(Severity::Info).await);
    ground.after(MINUTE).await;
    assert_eq!(ground.told(1).len(), 0, "it is only worth knowing");
    assert!(!report(Severity::Critical).await && !report(Severity::Warning).await);
    ground.after(SECOND).await;
    assert_eq!(ground.told(1), ["FIRING a"]);
    assert_eq!(ground.incidents().await[0].alert.severity, Severity::Critical);
    ground.after(5 * HOUR).await;
    assert_eq!(ground.told(1), ["FIRING a", "RESOLVED a"]);
}

#[tokio::test]
async fn notice_says_what_its_report_says_and_hides_data() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    let report = AlertReport {
        alert: Alert {
            message: "M".repeat(1 << 20),
            key: "k".repeat(1 << 20),
            ..ground.alert("")
        },
        details: AlertDetails {
            subject: Some(AlertSubject {
                id: "65a".to_owned(),
                name: "Billing <!channel>\r\nBcc: x@evil.example".to_owned(),
            }),
            waiting: Some(1_234),
            last_error: Some(r#"{"patient":"Jane Doe","mrn":12345678} was refused"#.to_owned()),
            ..AlertDetails::default()
        },
    };
    assert!(ground.alerting.report(&report).await.unwrap());
    assert!(!ground.alerting.report(&report).await.unwrap(), "a huge key is a key");
    ground.after(30 * SECOND).await;
    let attempts = ground.channels.attempts();
    let text = &attempts[0].text;
    assert!(
        text.contains("Billing") && text.contains("1,234") && text.len() < 4_096,
        "{text}"
    );
    assert!(!text.contains("Jane") && !text.contains("12345678"), "{text}");
}

#[tokio::test]
async fn incident_of_another_organisation_is_neither_told_nor_changed() {
    let ground = Ground::fresh().await.with_channels(1..=1).await;
    ground.put_channel(Some(OrgId(8)), 8, 60).await;
    ground.put_channel(None, 9, 60).await;
    ground.raise("a").await;
    ground.after(30 * SECOND).await;
    assert_eq!((ground.told(1).len(), ground.told(8).len(), ground.told(9).len()), (1, 0, 0));
    let incident = &ground.incidents().await[0];
    let alerts = ground.store.alerts();
    for org in [Some(OrgId(8)), None] {
        assert_eq!(alerts.incident(org, &incident.id).await.unwrap(), None);
        let foreign = alerts
            .resolve(org, &incident.id, "Eve", None, ground.clock.now())
            .await
            .unwrap();
        assert_eq!(foreign, None);
    }
    let listed = ground
        .store
        .notices()
        .list(Some(OrgId(8)), None, Page::first(50))
        .await
        .unwrap();
    assert_eq!(listed.items, []);
    let told: Vec<_> = ground.incidents().await[0]
        .told
        .iter()
        .map(|Told { stage, .. }| *stage)
        .collect();
    assert_eq!(told, [ToldStage::Firing]);
}
