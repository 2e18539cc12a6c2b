//! Channels with their secrets, routes, silences, and claims on the outbox.

use std::time::Duration;

use chrono::{NaiveTime, Weekday};
use ig_core::alert::{
    ChannelId, ChannelSettings, Escalation, Flush, HeartbeatRequest, Matcher, NoticeStatus, NotificationChannel, PaceLimits,
    QuietHours, Route, Routing, Severity, Silence, SilenceId, flush,
};
use ig_core::dead_letter_retry::ClaimId;
use ig_core::id::{OrgId, Rid};
use ig_core::secret::Secret;
use ig_store::{AlertTimes, FoundChannel, NoticeEnd, Page, QueueClaim, Store};

use crate::incidents::{alert, all_told};
use crate::stored::{Stored, config, moment};

const ORG: Option<OrgId> = Some(OrgId(7));
const CHANNEL: ChannelId = ChannelId([1; 12]);
const SECRET: &str = "a-secret-that-nobody-reads";

fn settings() -> Vec<ChannelSettings> {
    let secret = || Secret::new(SECRET);
    let headers = || vec![("Authorization".to_owned(), secret())];
    vec![
        ChannelSettings::Email {
            recipients: vec!["ana@example.org".to_owned()],
        },
        ChannelSettings::Slack { url: secret() },
        ChannelSettings::Teams { url: secret() },
        ChannelSettings::Webhook {
            url: "https://example.org/hook".to_owned(),
            signing_secrets: vec![secret(), secret()],
            headers: headers(),
        },
        ChannelSettings::PagerDuty {
            routing_key: secret(),
            address: None,
        },
        ChannelSettings::Opsgenie {
            api_key: secret(),
            address: Some("https://api.eu.opsgenie.com".to_owned()),
        },
        ChannelSettings::Alertmanager {
            url: "https://example.org".to_owned(),
            headers: headers(),
        },
        ChannelSettings::Heartbeat {
            url: secret(),
            request: HeartbeatRequest::Post,
            every: Duration::from_mins(1),
        },
    ]
}

fn channel(number: u8, settings: ChannelSettings) -> NotificationChannel {
    NotificationChannel {
        id: ChannelId([number; 12]),
        org_id: ORG,
        name: format!("channel {number}"),
        is_active: true,
        max_per_hour: 60,
        settings,
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

#[tokio::test]
async fn channels_are_stored_with_their_secrets_sealed_and_read_as_they_were() {
    let stored = Stored::fresh().await;
    let channels = stored.store.notification_channels();
    for (number, settings) in (1..).zip(settings()) {
        let channel = channel(number, settings);
        assert!(channels.put(&channel).await.unwrap());
        assert!(!channels.put(&channel).await.unwrap(), "it exists");
        let renamed = NotificationChannel {
            name: "renamed".to_owned(),
            revision: 2,
            ..channel.clone()
        };
        assert!(channels.put(&renamed).await.unwrap());
        assert!(!channels.put(&renamed).await.unwrap(), "it has changed since");
        let found = channels.get(ORG, channel.id).await.unwrap();
        assert_eq!(found, Some(FoundChannel::Readable(Box::new(renamed))));
        for foreign in [None, Some(OrgId(8))] {
            assert_eq!(channels.get(foreign, channel.id).await.unwrap(), None);
        }
    }
    assert_eq!(channels.list(ORG, Page::first(5)).await.unwrap().total, 8);
    assert_eq!(channels.active(ORG).await.unwrap().len(), 7, "a heartbeat tells nothing");
    let everything = stored.database.everything().await;
    assert!(everything.iter().all(|(_, document)| !document.contains(SECRET)));
}

#[tokio::test]
async fn channel_sealed_under_a_lost_key_is_named_and_the_others_are_read() {
    let stored = Stored::fresh().await;
    let (slack, mail) = (settings().remove(1), settings().remove(0));
    for channel in [channel(1, slack), channel(2, mail)] {
        stored.store.notification_channels().put(&channel).await.unwrap();
    }
    let closed = ig_store::SecretSealer::closed();
    let other = Store::connect(&config(&stored.database), closed).await.unwrap();
    let listed = other.notification_channels().list(ORG, Page::first(5)).await.unwrap();
    assert!(matches!(&listed.items[0], FoundChannel::Unreadable { name, .. } if name == "channel 1"));
    assert!(matches!(&listed.items[1], FoundChannel::Readable(_)));
}

#[tokio::test]
async fn routes_quiet_hours_and_silences_are_read_as_they_were_stored() {
    let stored = Stored::fresh().await;
    let matcher = Matcher {
        severities: vec![Severity::Critical],
        kinds: vec!["circuit-open".to_owned()],
        keys: vec!["a".to_owned()],
        integrations: vec![ig_testkit::builders::integration_id(1)],
        units: vec![Rid(3)],
    };
    let route = Route {
        escalations: vec![Escalation {
            after: Duration::from_mins(5),
            channels: vec![CHANNEL],
        }],
        continues: true,
        ..Route::new("night", matcher.clone(), vec![CHANNEL])
    };
    let routing = Routing {
        routes: vec![route],
        quiet_hours: vec![QuietHours {
            zone: "Asia/Kolkata".parse().unwrap(),
            from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
            until: NaiveTime::from_hms_opt(7, 30, 15).unwrap(),
            days: vec![Weekday::Sat, Weekday::Sun],
            severities: vec![Severity::Info],
        }],
    };
    let routes = stored.store.alert_routes();
    assert!(routes.put(ORG, &routing, 0, moment(0)).await.unwrap());
    assert!(!routes.put(ORG, &Routing::default(), 0, moment(0)).await.unwrap());
    let found = routes.get(ORG).await.unwrap();
    assert_eq!((&found.routing, found.revision), (&routing, 1));
    assert!(routes.put(ORG, &Routing::default(), 1, moment(0)).await.unwrap());
    assert_eq!(routes.get(None).await.unwrap().revision, 0);

    let silence = Silence {
        id: SilenceId([2; 12]),
        org_id: ORG,
        matcher,
        from: moment(10),
        until: moment(20),
        by: "Ana".to_owned(),
        why: "move".to_owned(),
        created_at: moment(9),
    };
    let silences = stored.store.silences();
    silences.add(&silence).await.unwrap();
    assert_eq!(silences.get(ORG, silence.id).await.unwrap().as_ref(), Some(&silence));
    let in_force = async |org, second| silences.in_force(org, moment(second)).await.unwrap().len();
    assert_eq!(
        [in_force(ORG, 9).await, in_force(ORG, 10).await, in_force(ORG, 20).await],
        [0, 1, 0]
    );
    assert_eq!([in_force(None, 10).await, in_force(Some(OrgId(8)), 10).await], [0, 0]);
    assert_eq!(silences.list(ORG, Page::first(5)).await.unwrap().items, [silence]);
}

/// A channel with so many notices that wait.
async fn queued(stored: &Stored, count: u32) {
    let times = AlertTimes {
        quiet: Duration::from_hours(1),
        keep: Duration::from_hours(1),
    };
    let alerts = stored.store.alerts();
    for number in 0..count {
        alerts
            .raise(&alert(ORG, &number.to_string(), 0), times, moment(0))
            .await
            .unwrap();
    }
    for due in alerts.due(moment(40), 100).await.unwrap() {
        assert!(alerts.apply(&due, &all_told(&due, [CHANNEL], 40)).await.unwrap());
    }
}

async fn claim(store: &Store, number: u32, second: i64) -> Option<QueueClaim> {
    let claimed = store
        .notices()
        .claim(|| ClaimId(number.to_string()), 10, moment(second))
        .await;
    claimed.unwrap().pop()
}

async fn flushed(store: &Store, claim: &QueueClaim, second: i64) -> Flush {
    let limits = PaceLimits {
        group_interval: Duration::from_mins(5),
        max_per_hour: 60,
    };
    let queued = store.notices().queued(claim).await.unwrap();
    flush(claim.pace, &queued, limits, moment(second))
}

#[tokio::test]
async fn queue_has_one_holder_and_an_earlier_one_changes_nothing() {
    let stored = Stored::fresh().await;
    queued(&stored, 1).await;
    let (store, notices) = (&stored.store, stored.store.notices());
    assert_eq!(claim(store, 1, 39).await, None, "it is not due");
    let first = claim(store, 1, 40).await.unwrap();
    assert_eq!(claim(store, 2, 100).await, None, "it is held");
    let ready = flushed(store, &first, 40).await;
    assert!(notices.commit(&first, &ready, moment(40)).await.unwrap());
    let notice = notices.next_ready(&first).await.unwrap().unwrap();
    let begun = notices.begin(&first, &notice).await.unwrap().unwrap();

    let second = claim(store, 2, 40 + 90).await.unwrap();
    assert_eq!(notices.renew(&first, moment(131)).await.unwrap(), None);
    let again = notices.begin(&second, &notice).await.unwrap().unwrap();
    assert_eq!((again.key.clone(), again.attempts), (begun.key.clone(), 2));
    assert!(!notices.settle(&first, &begun, &NoticeEnd::Sent, moment(131)).await.unwrap());
    assert!(!notices.commit(&first, &ready, moment(131)).await.unwrap());
    assert!(!notices.release(&first, None, moment(131)).await.unwrap());
    assert!(notices.settle(&second, &again, &NoticeEnd::Sent, moment(132)).await.unwrap());
    assert!(notices.release(&second, None, moment(132)).await.unwrap());
    assert_eq!(claim(store, 3, 9_999).await, None, "there is nothing to do");
}

#[tokio::test]
async fn queue_is_not_given_back_while_a_notice_was_added() {
    let stored = Stored::fresh().await;
    queued(&stored, 1).await;
    let (store, notices) = (&stored.store, stored.store.notices());
    let held = claim(store, 1, 40).await.unwrap();
    queued(&stored, 2).await;
    assert!(!notices.release(&held, None, moment(41)).await.unwrap());
    let held = notices.renew(&held, moment(41)).await.unwrap().unwrap();
    assert_eq!(notices.queued(&held).await.unwrap().len(), 2);
    assert!(notices.release(&held, Some(moment(50)), moment(42)).await.unwrap());
    assert!(claim(store, 2, 49).await.is_none() && claim(store, 2, 50).await.is_some());
}

#[tokio::test]
async fn digest_names_twenty_incidents_and_its_notices_are_no_longer_open() {
    let stored = Stored::fresh().await;
    queued(&stored, 30).await;
    let (store, notices) = (&stored.store, stored.store.notices());
    let held = claim(store, 1, 40).await.unwrap();
    let all = flushed(store, &held, 40).await;
    assert!(notices.commit(&held, &all, moment(40)).await.unwrap());
    let digest = notices.next_ready(&held).await.unwrap().unwrap();
    let ig_store::NoticeContent::Digest(content) = &digest.content else {
        panic!("{digest:?}");
    };
    assert_eq!((content.entries.len(), content.total), (20, 30));
    assert_eq!(notices.queued(&held).await.unwrap(), []);
    let held = notices.renew(&held, moment(41)).await.unwrap().unwrap();
    assert_eq!(held.pace.digest.map(|digest| digest.open), Some(30));
    let listed = notices.list(ORG, Some(CHANNEL), Page::first(50)).await.unwrap();
    let digested = listed.items.iter().filter(|notice| notice.status == NoticeStatus::Digested);
    assert_eq!(digested.count(), 30);
}
