//! The channels over HTTP, against a receiver that checks what the vendors require.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use ig_alerter::channel::{
    Alertmanager, Channel, Heartbeat, HeartbeatMethod, Opsgenie, PagerDuty, SendError, Slack, Teams, Webhook,
};
use ig_alerter::message::{Label, NoticeKind};
use ig_core::integration::{OutgoingAuth, Signing, SigningSecret, TargetUrl};
use ig_core::secret::Secret;
use ig_testkit::receiver::{Answer, ReceivedRequest, Receiver};
use ring::hmac;
use serde_json::Value;

use crate::notices::{digest, exits, exits_with, hostile, later, notice};

pub(crate) const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const SIGNING_KEY: [u8; 24] = [7; 24];
const FINGERPRINT: &str = "7-circuit-open-65a000000000000000000001";

pub(crate) fn url(receiver: &Receiver, path: &str) -> TargetUrl {
    receiver.url(path).parse().unwrap()
}

pub(crate) fn slack(receiver: &Receiver) -> Channel {
    Channel::Slack(Slack::new(&url(receiver, "/services/T000/B000/s3cr3t")).unwrap())
}

pub(crate) fn pager_duty(receiver: &Receiver) -> Channel {
    Channel::PagerDuty(PagerDuty::new(Secret::new(ROUTING_KEY), Some(&url(receiver, "/v2/enqueue"))).unwrap())
}

pub(crate) fn opsgenie(receiver: &Receiver) -> Channel {
    Channel::Opsgenie(Opsgenie::new(&Secret::new("genie-key-1"), Some(&url(receiver, ""))).unwrap())
}

pub(crate) fn webhook(receiver: &Receiver) -> Channel {
    let signing = Signing::new(vec![SigningSecret::from_bytes(&SIGNING_KEY).unwrap()]).unwrap();
    Channel::Webhook(Webhook::new(&url(receiver, "/hook?tenant=7"), signing, &OutgoingAuth::None).unwrap())
}

pub(crate) fn alertmanager(receiver: &Receiver) -> Channel {
    Channel::Alertmanager(Alertmanager::new(&url(receiver, "/am/"), &OutgoingAuth::None).unwrap())
}

/// One channel of each kind that sends what a notice says.
pub(crate) fn talking(receiver: &Receiver) -> Vec<Channel> {
    let teams = Channel::Teams(Teams::new(&url(receiver, "/workflows/x/triggers/manual")).unwrap());
    vec![
        slack(receiver),
        teams,
        webhook(receiver),
        pager_duty(receiver),
        opsgenie(receiver),
        alertmanager(receiver),
    ]
}

pub(crate) fn json(request: &ReceivedRequest) -> Value {
    assert_eq!(request.headers["content-type"], "application/json");
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test]
async fn pager_duty_triggers_acknowledges_and_resolves_one_incident() {
    let receiver = Receiver::start();
    receiver.otherwise(Answer::status(202));
    let acknowledged = NoticeKind::Acknowledged { by: Label::new("Ann") };
    for notice in [
        notice(),
        later(NoticeKind::Repeated, 1),
        later(acknowledged, 2),
        later(NoticeKind::Resolved, 3),
    ] {
        pager_duty(&receiver).send(&notice, &exits(None)).await.unwrap();
    }
    let events: Vec<_> = receiver.requests_to("/v2/enqueue").iter().map(json).collect();
    let actions: Vec<_> = events.iter().map(|event| event["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "trigger", "acknowledge", "resolve"]);
    for event in &events {
        assert_eq!(
            (&event["routing_key"], &event["dedup_key"]),
            (&ROUTING_KEY.into(), &FINGERPRINT.into())
        );
    }
    let payload = &events[0]["payload"];
    assert_eq!(
        (&payload["severity"], &payload["source"]),
        (&"critical".into(), &"North Hospital".into())
    );
    assert_eq!(payload["timestamp"], "2026-01-01T13:05:00.000Z");
    assert_eq!(payload["custom_details"]["Waiting"], "1,234 deliveries");
    assert_eq!(events[0]["links"][1]["href"], "https://wiki.example/circuit-open");
    let summary = payload["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("Failing: Billing (circuit-open). The target's TLS certificate has expired"),
        "{summary}"
    );
}

#[tokio::test]
async fn opsgenie_creates_acknowledges_and_closes_by_alias() {
    let receiver = Receiver::start();
    receiver.otherwise(Answer::status(202));
    let acknowledged = NoticeKind::Acknowledged { by: Label::new("Ann") };
    for notice in [notice(), later(acknowledged, 1), later(NoticeKind::Resolved, 2)] {
        opsgenie(&receiver).send(&notice, &exits(None)).await.unwrap();
    }
    let requests = receiver.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    let below = format!("/v2/alerts/{FINGERPRINT}");
    assert_eq!(
        paths,
        ["/v2/alerts", &format!("{below}/acknowledge"), &format!("{below}/close")]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.headers["authorization"] == "GenieKey genie-key-1")
    );
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.query.as_deref() == Some("identifierType=alias"))
    );
    let alert = json(&requests[0]);
    assert_eq!((&alert["alias"], &alert["priority"]), (&FINGERPRINT.into(), &"P1".into()));
    assert_eq!(alert["message"], "Failing: Billing (circuit-open)");
    assert_eq!(json(&requests[1])["user"], "Ann");
}

#[tokio::test]
async fn alertmanager_gets_an_alert_that_ends_when_it_is_resolved() {
    let receiver = Receiver::start();
    for notice in [notice(), later(NoticeKind::Resolved, 1)] {
        alertmanager(&receiver).send(&notice, &exits(None)).await.unwrap();
    }
    let alerts: Vec<_> = receiver.requests_to("/am/api/v2/alerts").iter().map(json).collect();
    let (open, resolved) = (&alerts[0][0], &alerts[1][0]);
    assert_eq!(open["labels"], resolved["labels"]);
    assert_eq!(
        (&open["labels"]["alertname"], &open["labels"]["severity"]),
        (&"circuit-open".into(), &"critical".into())
    );
    assert_eq!(
        (&open["startsAt"], &open["endsAt"]),
        (&"2026-01-01T12:00:00.000Z".into(), &"2026-01-02T13:05:00.000Z".into())
    );
    assert_eq!(resolved["endsAt"], "2026-01-01T13:05:00.000Z");
    assert_eq!(open["annotations"]["waiting"], "1234");
    assert_eq!(
        open["generatorURL"],
        "https://gateway.example/logs?integration=65a&status=FAILED"
    );
    let texts = open["annotations"].as_object().unwrap().values();
    assert!(
        texts
            .chain(open["labels"].as_object().unwrap().values())
            .all(Value::is_string)
    );
}

#[tokio::test]
async fn webhook_is_signed_under_the_same_id_on_every_attempt() {
    let receiver = Receiver::start();
    receiver.script("/hook", [Answer::status(500)]);
    let channel = webhook(&receiver);
    let first = channel.send(&notice(), &exits(None)).await.unwrap_err();
    assert!(first.is_transient(), "{first:?}");
    channel.send(&notice(), &exits(None)).await.unwrap();
    channel.send(&later(NoticeKind::Resolved, 1), &exits(None)).await.unwrap();
    let requests = receiver.requests();
    let header = |at: usize, name: &str| requests[at].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"));
    assert_ne!(header(0, "webhook-id"), header(2, "webhook-id"));
    assert_eq!(requests[0].query.as_deref(), Some("tenant=7"));
    for (at, request) in requests.iter().enumerate() {
        let (id, timestamp) = (header(at, "webhook-id"), header(at, "webhook-timestamp"));
        let signed = [format!("{id}.{timestamp}.").as_bytes(), &request.body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SIGNING_KEY), &signed);
        assert_eq!(header(at, "webhook-signature"), format!("v1,{}", STANDARD.encode(tag)));
    }
    let body = json(&requests[2]);
    assert_eq!(
        (&body["type"], &body["data"]["waiting"]),
        (&"alert.resolved".into(), &1_234.into())
    );
    assert_eq!(body["data"]["orgId"], 7);
}

#[tokio::test]
async fn test_notice_touches_no_incident() {
    let receiver = Receiver::start();
    for channel in talking(&receiver) {
        channel.send(&later(NoticeKind::Test, 0), &exits(None)).await.unwrap();
    }
    let bodies: Vec<_> = receiver.requests().into_iter().map(|request| request.body).collect();
    let texts: Vec<_> = bodies.iter().map(|body| std::str::from_utf8(body).unwrap()).collect();
    assert!(
        !texts.iter().any(|text| text.contains(&format!("\"{FINGERPRINT}"))),
        "{texts:?}"
    );
    let keyed = texts.iter().filter(|text| text.contains(&format!("\"test-{FINGERPRINT}\"")));
    assert_eq!(keyed.count(), 4);
}

#[tokio::test]
async fn heartbeat_calls_its_address() {
    let receiver = Receiver::start();
    for method in [HeartbeatMethod::Get, HeartbeatMethod::Post] {
        let channel = Heartbeat::new(&url(&receiver, "/ping/uuid?x=1"), method).unwrap();
        channel.beat(&exits(None)).await.unwrap();
        Channel::Heartbeat(channel).send(&notice(), &exits(None)).await.unwrap();
    }
    let methods: Vec<_> = receiver
        .requests_to("/ping/uuid")
        .into_iter()
        .map(|request| request.method)
        .collect();
    assert_eq!(methods, [Method::GET, Method::GET, Method::POST, Method::POST]);
    assert!(receiver.requests().iter().all(|request| request.body.is_empty()));
}

#[tokio::test]
async fn channels_send_every_kind_of_notice() {
    let receiver = Receiver::start();
    let kinds = [notice(), later(NoticeKind::Test, 1), digest(30, "Billing"), hostile()];
    for channel in talking(&receiver) {
        for notice in &kinds {
            channel.send(notice, &exits(None)).await.unwrap();
        }
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 24);
    for request in &requests {
        assert!(json(request).is_object() || request.path.ends_with("/api/v2/alerts"));
        assert!(request.body.len() < 28_000, "{}: {} bytes", request.path, request.body.len());
    }
}

#[tokio::test]
async fn channel_failures_are_classed_by_their_answers() {
    let receiver = Receiver::start();
    let asked = |seconds: u64| Some(Duration::from_secs(seconds));
    let table = [
        (Answer::status(429).header("retry-after", "30"), Some(asked(30))),
        (Answer::status(500), Some(None)),
        (Answer::status(503).header("retry-after", "7"), Some(asked(7))),
        (Answer::status(408), Some(None)),
        (Answer::reset(), Some(None)),
        (Answer::hang(), Some(None)),
        (Answer::status(400).body("invalid_payload"), None),
        (Answer::status(403), None),
        (Answer::status(404).body("no_service"), None),
        (Answer::status(302).header("location", "http://127.0.0.1:1/"), None),
    ];
    for channel in talking(&receiver) {
        for (answer, expected) in &table {
            receiver.otherwise(answer.clone());
            let error = channel
                .send(&notice(), &exits(None).with_timeout(Duration::from_millis(500)))
                .await
                .unwrap_err();
            let found = match &error {
                SendError::Transient { retry_after, .. } => Some(*retry_after),
                SendError::Permanent { .. } => None,
                SendError::Refused { .. } => panic!("{error}"),
            };
            assert_eq!(found, *expected, "{} {answer:?}: {error}", channel.kind());
        }
    }
}

#[tokio::test]
async fn channel_answer_is_quoted_without_secrets_and_data() {
    let receiver = Receiver::start();
    let body = format!(r#"{{"status": "invalid event", "message": "key {ROUTING_KEY} is bad", "mail": "ann@b.example"}}"#);
    receiver.otherwise(Answer::status(400).body(body));
    let error = pager_duty(&receiver)
        .send(&notice(), &exits(None))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("The channel answered 400 Bad Request: status : invalid event"),
        "{error}"
    );
    assert!(!error.contains(ROUTING_KEY) && !error.contains("ann@"), "{error}");
    receiver.otherwise(Answer::status(404).body("no /services/T000/B000/s3cr3t here"));
    let error = slack(&receiver).send(&notice(), &exits(None)).await.unwrap_err().to_string();
    assert!(!error.contains("s3cr3t"), "{error}");
    receiver.otherwise(Answer::status(400).repeated("x".repeat(1 << 16), 1_000));
    let error = slack(&receiver).send(&notice(), &exits(None)).await.unwrap_err().to_string();
    assert_eq!(error, "The channel answered 400 Bad Request.");
}

#[tokio::test]
async fn channel_to_an_address_that_is_not_public_is_refused_before_anything_is_sent() {
    let receiver = Receiver::start();
    for channel in talking(&receiver) {
        let error = channel.send(&notice(), &exits_with(&[], None)).await.unwrap_err();
        assert!(matches!(error, SendError::Refused { .. }), "{}: {error:?}", channel.kind());
    }
    assert_eq!(receiver.count(), 0);
}

#[test]
fn channel_never_prints_its_secrets() {
    let receiver = Receiver::start();
    for channel in talking(&receiver) {
        let printed = format!("{channel:?}");
        for secret in ["s3cr3t", ROUTING_KEY, "genie-key-1", "tenant=7", "triggers"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[test]
fn channel_settings_that_cannot_be_applied_are_faults() {
    let address: TargetUrl = "https://a.example/".parse().unwrap();
    for key in ["", "short", "0123456789abcdef 0123456789abcdef", &"k".repeat(65)] {
        let faults = PagerDuty::new(Secret::new(key), None).unwrap_err();
        assert_eq!(faults.list()[0].pointer, "/routingKey", "{key}");
    }
    assert!(Opsgenie::new(&Secret::new(""), None).is_err());
    assert!(Opsgenie::new(&Secret::new("a\r\nx: y"), None).is_err());
    let bearer = OutgoingAuth::Bearer { token: Secret::new("") };
    assert!(Alertmanager::new(&address, &bearer).is_err());
}
