//! The ledger: whatever happens to the system while rows arrive, the records of each row agree with each other and with what its
//! targets received.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::{eventually, eventually_within};
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup_with};

const ROUNDS: i64 = 4;
const ROWS_A_ROUND: i64 = 72;
const PATIENCE: Duration = Duration::from_secs(240);
/// Too little memory to keep payloads, and short leases for killed workers.
const TIGHT: [(&str, &str); 3] = [
    ("IG__WORKER__PAYLOAD_MEMORY_MIB", "1"),
    ("IG__WORKER__LEASE_SECONDS", "2"),
    ("IG__SOURCES__MYSQL__HOLE_WATCH_SECONDS", "1"),
];

/// The kind of a row, derived from its number, which is also its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its target accepts it.
    Taken,
    /// Its target refuses it.
    Refused,
    /// One target accepts it, another refuses it.
    Both,
    /// Its type receives a schema half-way, which the row violates.
    Judged,
    /// It is deleted half-way.
    Deleted,
    /// No integration matches it.
    Nobodys,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Taken,
        Self::Refused,
        Self::Both,
        Self::Judged,
        Self::Deleted,
        Self::Nobodys,
    ];

    fn of(row: i64) -> Self {
        Self::ALL[usize::try_from(row).expect("ids are positive") % Self::ALL.len()]
    }

    fn event_type(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// The rows of a round, with all kinds.
fn rows(round: i64) -> impl Iterator<Item = QueueRow> {
    (round * ROWS_A_ROUND + 1..=(round + 1) * ROWS_A_ROUND).map(|n| {
        let payload = json!({"n": n, "filler": "x".repeat(8_000)});
        QueueRow::new(ORG, &Kind::of(n).event_type()).json(&payload)
    })
}

fn round_of(row: i64) -> i64 {
    (row - 1) / ROWS_A_ROUND
}

/// The paths of the integrations' targets by integration. Targets respond late at first, so that rows wait for them.
async fn integrations(setup: &Setup) -> HashMap<String, &'static str> {
    let late = || Answer::status(200).after(Duration::from_secs(3));
    let mut made = HashMap::new();
    for (kind, path) in [
        (Kind::Taken, "/taken"),
        (Kind::Refused, "/refused"),
        (Kind::Both, "/both"),
        (Kind::Both, "/refused-too"),
        (Kind::Judged, "/judged"),
        (Kind::Deleted, "/deleted"),
    ] {
        if path.starts_with("/refused") {
            let refusal = Answer::status(422).after(Duration::from_millis(20));
            setup.receiver.always(path, refusal);
        } else {
            setup.receiver.script(path, [late(), late()]);
        }
        let url = setup.receiver.url(path);
        let id = setup.stack.api.integration(ORG, &kind.event_type(), &url, json!({})).await;
        made.insert(id, path);
    }
    made
}

/// All records of the rows.
#[derive(Debug)]
struct Ledger {
    events: HashMap<i64, Value>,
    logs: HashMap<(i64, String), Value>,
    letters: HashMap<(i64, String), Value>,
    received: HashMap<(i64, String), usize>,
}

impl Ledger {
    async fn read(setup: &Setup, integrations: &HashMap<String, &'static str>) -> Self {
        let api = &setup.stack.api;
        let mut received = HashMap::new();
        for (id, path) in integrations {
            for request in setup.receiver.requests_to(path) {
                let row = request.json()["n"].as_i64().expect("a number");
                *received.entry((row, id.clone())).or_insert(0) += 1;
            }
        }
        let events = api.list(ORG, "events", "events", "").await;
        Self {
            events: events.into_iter().map(|event| (row_of(&event), event)).collect(),
            logs: by_delivery(api.list(ORG, "logs", "logs", "").await),
            letters: by_delivery(api.list(ORG, "dlq", "entries", "").await),
            received,
        }
    }

    /// The rows with incomplete records.
    fn open(&self) -> Vec<i64> {
        let all = 1..=ROUNDS * ROWS_A_ROUND;
        all.filter(|row| match self.events.get(row) {
            None => Kind::of(*row) != Kind::Deleted,
            Some(event) => event["integrations"].as_u64().unwrap_or(0) > self.logs_of(*row).count() as u64,
        })
        .collect()
    }

    fn logs_of(&self, row: i64) -> impl Iterator<Item = (&String, &Value)> {
        let of_row = self.logs.iter().filter(move |((of, _), _)| *of == row);
        of_row.map(|((_, integration), log)| (integration, log))
    }

    /// The contradictions in a row's records.
    fn faults(&self, row: i64, integrations: &HashMap<String, &'static str>) -> Vec<String> {
        let mut faults = Vec::new();
        let kind = Kind::of(row);
        let mut fault = |what: String| faults.push(format!("row {row}, {kind:?}: {what}"));
        let event = self.events.get(&row);
        let status = event.map_or("never read", |event| event["status"].as_str().unwrap_or_default());
        let reason = event.and_then(|event| event["reason"].as_str()).unwrap_or_default();
        let is_true = match (status, reason) {
            ("never read", _) => kind == Kind::Deleted && round_of(row) < 3,
            ("MATCHED", _) => kind != Kind::Nobodys,
            ("SKIPPED", "NO_MATCH") => kind == Kind::Nobodys,
            ("SKIPPED", "SCHEMA_VIOLATED") => kind == Kind::Judged && round_of(row) > 0,
            _ => false,
        };
        if !is_true {
            fault(format!("{event:?}"));
        }
        for (id, path) in integrations {
            let delivery = (row, id.clone());
            let (log, letter) = (self.logs.get(&delivery), self.letters.get(&delivery));
            let received = self.received.contains_key(&delivery);
            let logged = log.map_or("nothing", |log| log["status"].as_str().unwrap_or_default());
            let why = letter.and_then(|letter| letter["reason"].as_str());
            let agrees = match (logged, why) {
                ("nothing", None) => !received,
                ("SUCCESS", None) => received && !path.starts_with("/refused"),
                // A killed worker may have sent it before it could record that.
                (_, Some("EVENT_GONE")) => kind == Kind::Deleted && round_of(row) < 3,
                // Enough failures in a row open the breaker, which holds later rows.
                (_, Some("CIRCUIT_OPEN")) => path.starts_with("/refused"),
                (_, Some(_)) => received && path.starts_with("/refused"),
                _ => false,
            };
            if !agrees {
                fault(format!("at {path}: received {received}, log {log:?}, dead letter {letter:?}"));
            }
        }
        faults
    }
}

fn row_of(record: &Value) -> i64 {
    let id = record["eventId"].as_str().and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("no row's id in {record}"))
}

/// The records by delivery; fails where a delivery has two.
fn by_delivery(records: Vec<Value>) -> HashMap<(i64, String), Value> {
    let mut found = HashMap::new();
    for record in records {
        let integration = record["integrationConfigId"].as_str().expect("an integration").to_owned();
        let earlier = found.insert((row_of(&record), integration), record);
        assert!(earlier.is_none(), "told twice: {earlier:?}");
    }
    found
}

/// Changes configuration. A commit waits for the transaction of a killed worker until the server ends it, so a client is told to try
/// again.
async fn commit(api: &Api, method: Method, path: &str, body: &Value) {
    eventually_within(PATIENCE, "the change is committed", async || {
        let changed = api.call(method.clone(), path, Some(body)).await;
        let is_refused_for_now = changed.status.as_u16() == 503;
        assert!(changed.status.is_success() || is_refused_for_now, "{}", changed.body);
        !is_refused_for_now
    })
    .await;
}

/// Disturbs the system while a round's rows are in flight.
async fn disturb(setup: &Setup, round: i64, integrations: &HashMap<String, &'static str>) {
    let api = &setup.stack.api;
    match round {
        0 => {}
        1 => {
            let schema = json!({"schema": {"type": "object", "required": ["never"]}, "validation": "reject"});
            let path = format!("/field-schemas/judged?orgId={ORG}");
            commit(api, Method::PUT, &path, &schema).await;
        }
        2 => {
            let delete = format!("DELETE FROM notification_queue WHERE id % 6 = {}", Kind::Deleted as u8);
            setup.queue.execute(&delete).await;
        }
        _ => {
            for id in integrations.keys() {
                let path = format!("/outbound-integrations/{id}?orgId={ORG}");
                commit(api, Method::PATCH, &path, &json!({"name": format!("renamed {id}")})).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_delivered_dead_lettered_or_audited_despite_disturbances() {
    let mut setup = setup_with(&TIGHT).await;
    let integrations = integrations(&setup).await;
    for round in 0..ROUNDS {
        setup.queue.insert_many(rows(round)).await;
        if round == 0 {
            eventually("the first rows are decided about", async || {
                setup.stack.api.list(ORG, "events", "events", "").await.len() == ROWS_A_ROUND as usize
            })
            .await;
        }
        disturb(&setup, round, &integrations).await;
        setup.worker.kill();
        setup.worker = setup.stack.worker_with(&setup.queue, &TIGHT).await;
    }
    eventually_within(PATIENCE, "the records of all rows are there", async || {
        Ledger::read(&setup, &integrations).await.open().is_empty()
    })
    .await;
    let ledger = Ledger::read(&setup, &integrations).await;
    let faults: Vec<_> = (1..=ROUNDS * ROWS_A_ROUND)
        .flat_map(|row| ledger.faults(row, &integrations))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
