//! What things cost on the machine at hand. Nothing here judges; it prints.
//!
//! `deploy/local/with-databases --mongodb -- cargo nextest run -p ig-store --run-ignored only --no-capture measure`
#![expect(clippy::print_stdout, reason = "what was measured is for the person who asked")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::join_all;
use ig_core::audit::Decision;
use ig_core::configuration::Change;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::id::{EventId, EventType, OrgId, Rid};
use ig_core::ports::{Journal, JournalEntry};
use ig_store::{Expected, LogFilter, Page, PushedEvent};
use ig_testkit::builders;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use crate::deliveries::{audit, delivery, failure, recorded, seen};
use crate::stored::{Stored, moment};

const GROUP: i64 = 200;
const ORGS: i64 = 20;

/// One group as a worker writes it: for each event an audit, a delivery with its trace, and that it was seen.
fn group(first: i64) -> Vec<JournalEntry> {
    let payload = Bytes::from(format!("{{\"id\":1,\"text\":\"{}\"}}", "x".repeat(1_000)));
    let mut entries = Vec::new();
    for number in first..first + GROUP {
        let org = 1 + number % ORGS;
        let log = if number % 50 == 0 {
            failure(org, number)
        } else {
            delivery(org, number)
        };
        let attempts = log.attempts[1..].to_vec();
        let log = DeliveryLog {
            original_payload: Some(payload.clone()),
            request_payload: None,
            attempts,
            ..log
        };
        entries.push(recorded(log));
        entries.push(JournalEntry::Audit(audit(
            Some(org),
            number,
            Decision::Matched { integrations: 1 },
        )));
        entries.push(JournalEntry::Seen(seen(1, number)));
    }
    entries
}

/// The processor time that the server has used, where `IG_MEASURE_SERVER_PID` names it: on a busy machine it tells more than
/// the rate. In hundredths of a second, as Linux counts.
fn server_ticks() -> Option<f64> {
    let pid = std::env::var("IG_MEASURE_SERVER_PID").ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()?
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    Some(fields.get(11)? + fields.get(12)?)
}

/// Deliveries recorded a second by two writers.
async fn record(stored: &Stored, groups: i64) -> f64 {
    let journal = stored.store.journal();
    let began = Instant::now();
    for pair in 0..groups / 2 {
        let (one, other) = (group(pair * 2 * GROUP), group((pair * 2 + 1) * GROUP));
        tokio::try_join!(journal.record(&one), journal.record(&other)).unwrap();
    }
    (groups * GROUP) as f64 / began.elapsed().as_secs_f64()
}

#[tokio::test]
#[ignore = "prints what it measures"]
async fn measure_what_each_index_costs_a_delivery() {
    let table: [(&str, &[(&str, &str)]); 7] = [
        ("warming up", &[]),
        ("all of them", &[]),
        (
            "without delivery_logs orgId createdAt",
            &[("delivery_logs", "orgId_1_createdAt_-1__id_-1")],
        ),
        (
            "without delivery_logs integrationConfigId",
            &[("delivery_logs", "integrationConfigId_1_createdAt_-1__id_-1")],
        ),
        ("without delivery_logs traceId", &[("delivery_logs", "traceId_1")]),
        ("without any of execution_logs", &[("execution_logs", "*")]),
        (
            "without any",
            &[("execution_logs", "*"), ("delivery_logs", "*"), ("event_audit", "*")],
        ),
    ];
    for round in 0..2 {
        for (name, dropped) in &table {
            let stored = Stored::fresh().await;
            let database = stored.database.open().await;
            for (collection, index) in *dropped {
                let collection = database.collection::<Document>(collection);
                if *index == "*" {
                    collection.drop_indexes().await
                } else {
                    collection.drop_index(*index).await
                }
                .unwrap();
            }
            let before = server_ticks();
            let rate = record(&stored, 60).await;
            let ticks = server_ticks().zip(before).map(|(after, before)| after - before);
            let micros = ticks.map(|ticks| ticks * 10_000.0 / (60 * GROUP) as f64);
            println!("{round} {rate:>8.0} deliveries/s, {micros:.0?} µs of the server each, {name}");
        }
    }
}

#[tokio::test]
#[ignore = "prints what it measures"]
async fn measure_how_lists_answer_over_many_logs() {
    let stored = Stored::fresh().await;
    let groups = std::env::var("IG_MEASURE_GROUPS").map_or(500, |groups| groups.parse().unwrap());
    println!(
        "{:>8.0} deliveries/s while {} were recorded",
        record(&stored, groups).await,
        groups * GROUP
    );
    let failures = LogFilter {
        status: Some(DeliveryStatus::Retrying),
        ..LogFilter::default()
    };
    let successes = LogFilter {
        status: Some(DeliveryStatus::Success),
        ..LogFilter::default()
    };
    let searched = LogFilter {
        search: Some("orders".to_owned()),
        ..LogFilter::default()
    };
    let recent = LogFilter {
        start: Some(moment(groups * GROUP - 1_000)),
        ..LogFilter::default()
    };
    let (first, deep) = (Page::first(50), Page { number: 100, limit: 50 });
    let table = [
        ("first page", LogFilter::default(), first),
        ("page 100", LogFilter::default(), deep),
        ("failures", failures, first),
        ("successes", successes, first),
        ("searched", searched, first),
        ("recent", recent, first),
    ];
    for (name, filter, page) in table {
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            let listed = stored.store.delivery_logs().list(OrgId(7), &filter, page).await.unwrap();
            times.push((began.elapsed(), listed.total));
        }
        times.sort();
        println!("{:>10.1?} {name}, {} in all", times[2].0, times[2].1);
    }
}

#[tokio::test]
#[ignore = "prints what it measures"]
async fn measure_a_snapshot_of_a_hundred_thousand_integrations() {
    let stored = Stored::fresh().await;
    let configuration = stored.store.configuration();
    configuration
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    let mut integration = builders::integration(7, "order", "https://a.example/hook");
    integration.signing = Some(builders::signing(1));
    configuration
        .commit(Change::PutIntegration(Box::new(integration)), Expected::New)
        .await
        .unwrap();
    let raw = stored.database.open().await.collection::<Document>("integration_configs");
    let model = raw.find_one(doc! {}).await.unwrap().unwrap();
    // The same sealed secrets under other ids would not open, so all but the model go without.
    let copy = |number: u32| {
        let mut copy = model.clone();
        let mut id = [9; 12];
        id[8..].copy_from_slice(&number.to_be_bytes());
        copy.insert("_id", ObjectId::from_bytes(id));
        copy.insert("signingSecrets", Bson::Null);
        copy
    };
    for thousand in 0..100 {
        raw.insert_many((0..1_000).map(|number| copy(thousand * 1_000 + number)))
            .ordered(false)
            .await
            .unwrap();
    }
    for _ in 0..3 {
        let began = Instant::now();
        let (_, items) = configuration.snapshot().await.unwrap();
        let count = items.try_fold(0, async |count, part| Ok(count + part.len())).await.unwrap();
        println!("{:>10.1?} for {count} items", began.elapsed());
    }
}

#[tokio::test]
#[ignore = "prints what it measures"]
async fn measure_how_fast_pushes_are_accepted() {
    let stored = Stored::fresh().await;
    let queue = stored.store.pushed_events();
    let event = |number: usize| PushedEvent {
        org_id: OrgId(7),
        event_id: EventId::new(number.to_string()),
        event_type: EventType::new("order"),
        entity_rid: Rid(7),
        payload: Bytes::from("x".repeat(1_000)),
        trace_parent: None,
        received_at: moment(0),
    };
    for clients in [1_usize, 16, 64] {
        let began = Instant::now();
        let client = async |client: usize| {
            let mut times: Vec<Duration> = Vec::new();
            for number in 0..200 {
                let began = Instant::now();
                queue
                    .accept(vec![event(clients * 1_000_000 + client * 1_000 + number)])
                    .await
                    .unwrap();
                times.push(began.elapsed());
            }
            times
        };
        let mut times = join_all((0..clients).map(client)).await.concat();
        times.sort();
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        println!(
            "{clients} clients: {rate:.0} events/s, p50 {:?}, p99 {:?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    }
}
