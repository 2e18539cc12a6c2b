//! Lists: filters, pages, and isolation of organisations.

use std::sync::Arc;

use crate::stored::moment;
use ig_core::audit::{Decision, DecisionStatus, SkipReason};
use ig_core::configuration::Change;
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Direction};
use ig_core::id::{EventId, EventType, OrgId, Rid};
use ig_core::integration::Integration;
use ig_core::ports::{Journal, JournalEntry};
use ig_store::{AuditFilter, DeadLetterFilter, Expected, IntegrationFilter, LogFilter, MaybeReadable, Page, Store};
use ig_testkit::builders;

use crate::deliveries::{audit, delivery, failure, recorded};
use crate::stored::Stored;

mod records;

/// Twenty deliveries of each of two organisations, every fifth of them failed.
async fn record(store: &Store) {
    let mut entries = Vec::new();
    for org in [7, 8] {
        for number in 0..20 {
            let log = if number % 5 == 0 {
                failure(org, number)
            } else {
                delivery(org, number)
            };
            entries.push(recorded(log));
        }
    }
    store.journal().record(&entries).await.unwrap();
}

async fn numbers(store: &Store, filter: LogFilter) -> Vec<i64> {
    let listed = store.delivery_logs().list(OrgId(7), &filter, Page::first(50)).await.unwrap();
    let traces = store.execution_logs().list(OrgId(7), &filter, Page::first(50)).await.unwrap();
    let of_traces: Vec<_> = traces.items.into_iter().map(|trace| trace.delivery).collect();
    assert_eq!(of_traces, listed.items, "deliveries and traces have the same filters");
    assert_eq!(listed.total, listed.items.len() as u64);
    assert!(listed.items.iter().all(|log| log.org_id == OrgId(7)));
    listed
        .items
        .iter()
        .map(|log| (log.created_at - moment(0)).num_seconds())
        .collect()
}

fn by(narrow: impl FnOnce(&mut LogFilter)) -> LogFilter {
    let mut filter = LogFilter::default();
    narrow(&mut filter);
    filter
}

fn found_by(text: &str) -> LogFilter {
    by(|filter| filter.search = Some(text.to_owned()))
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_by_every_filter() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let message = delivery(7, 4).message_id.to_string();
    let table = [
        (LogFilter::default(), (0..20).rev().collect::<Vec<_>>()),
        (
            by(|filter| filter.status = Some(DeliveryStatus::Retrying)),
            vec![15, 10, 5, 0],
        ),
        (by(|filter| filter.status = Some(DeliveryStatus::Abandoned)), vec![]),
        (
            by(|filter| (filter.start, filter.end) = (Some(moment(17)), Some(moment(19)))),
            vec![18, 17],
        ),
        (
            by(|filter| (filter.status, filter.end) = (Some(DeliveryStatus::Success), Some(moment(4)))),
            vec![3, 2, 1],
        ),
        (by(|filter| filter.event_id = Some(EventId::new("7-3"))), vec![3]),
        (by(|filter| filter.event_id = Some(EventId::new("8-3"))), vec![]),
        (by(|filter| filter.message_id = Some(message)), vec![4]),
        (by(|filter| filter.trace_id = Some("trace-9".to_owned())), vec![9]),
        (by(|filter| filter.correlation_id = Some("correlation-9".to_owned())), vec![9]),
        (by(|filter| filter.event_type = Some(EventType::new("other"))), vec![]),
        (by(|filter| filter.direction = Some(Direction::Inbound)), vec![]),
        (
            by(|filter| filter.integration_id = Some(builders::integration_id(1))),
            (0..20).rev().collect(),
        ),
        (by(|filter| filter.integration_id = Some(builders::integration_id(2))), vec![]),
        (found_by("(TWICE)"), vec![15, 10, 5, 0]),
        (found_by("7-3"), vec![3]),
        (found_by(".*"), vec![]),
    ];
    for (filter, expected) in table {
        assert_eq!(numbers(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_add_up_to_the_list() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        let page = Page { number, limit: 6 };
        let listed = store
            .delivery_logs()
            .list(OrgId(7), &LogFilter::default(), page)
            .await
            .unwrap();
        assert_eq!(listed.total, 20);
        ids.extend(listed.items.into_iter().map(|log| log.id));
    }
    let expected: Vec<_> = (0..20).rev().map(|number| delivery(7, number).id).collect();
    assert_eq!(ids, expected);
    let beyond = Page {
        number: u64::MAX,
        limit: 500,
    };
    let listed = store
        .delivery_logs()
        .list(OrgId(7), &LogFilter::default(), beyond)
        .await
        .unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 20));
}

#[tokio::test]
async fn long_list_of_deliveries_is_walked_to_its_end_and_counted_no_further_than_needed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    // Close together at first, then ever further apart: months in the end.
    let logs = (0..2_400).map(|number| {
        let log = delivery(7, number);
        let created_at = moment(0) - chrono::TimeDelta::seconds(number * number);
        recorded(DeliveryLog { created_at, ..log })
    });
    let entries: Vec<_> = logs.collect();
    for part in entries.chunks(400) {
        store.journal().record(part).await.unwrap();
    }
    let (mut found, mut bounds) = (Vec::new(), Vec::new());
    for number in 1..=6 {
        let page = Page { number, limit: 500 };
        let listed = store
            .delivery_logs()
            .list(OrgId(7), &LogFilter::default(), page)
            .await
            .unwrap();
        assert!(
            listed.total == 2_400 || (listed.total < 2_400 && !listed.is_exact),
            "{number}: {}",
            listed.total
        );
        bounds.push((listed.total, listed.is_exact));
        found.extend(listed.items.into_iter().map(|log| log.id));
    }
    let expected: Vec<_> = (0..2_400).map(|number| delivery(7, number).id).collect();
    assert_eq!(found, expected);
    assert!(
        bounds[0].0 >= 1_000 && !bounds[0].1,
        "some are counted beyond the page: {bounds:?}"
    );
    assert_eq!(bounds[5], (2_400, true));
}

#[tokio::test]
async fn identifier_that_many_deliveries_share_is_counted_no_further_than_needed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    // A client may give all its calls one identifier.
    let logs = (0..1_200).map(|number| DeliveryLog {
        correlation_id: "nightly-run".to_owned(),
        direction: Direction::Inbound,
        ..delivery(7, number)
    });
    let entries: Vec<_> = logs.map(recorded).collect();
    for part in entries.chunks(400) {
        store.journal().record(part).await.unwrap();
    }
    let filter = by(|filter| filter.correlation_id = Some("nightly-run".to_owned()));
    let mut found = Vec::new();
    for number in 1..=4 {
        let page = Page { number, limit: 400 };
        let listed = store.delivery_logs().list(OrgId(7), &filter, page).await.unwrap();
        let bound = number * 400 + 500;
        assert_eq!((listed.total, listed.is_exact), (bound.min(1_200), bound > 1_200), "{number}");
        found.extend(listed.items.into_iter().map(|log| log.id));
    }
    let expected: Vec<_> = (0..1_200).rev().map(|number| delivery(7, number).id).collect();
    assert_eq!(found, expected);
}

/// Sets a filter that identifies a delivery.
type Name = fn(&mut LogFilter, &DeliveryLog);
/// Sets another filter as well.
type Other = fn(&mut LogFilter);

#[tokio::test]
async fn delivery_identifier_combines_with_every_other_filter() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let failed = delivery(7, 5);
    let named: [(&str, Name); 4] = [
        ("message", |filter, log| filter.message_id = Some(log.message_id.to_string())),
        ("event", |filter, log| filter.event_id = Some(log.event.id.clone())),
        ("trace", |filter, log| filter.trace_id = Some(log.trace_id.clone())),
        ("call", |filter, log| filter.correlation_id = Some(log.correlation_id.clone())),
    ];
    let others: [(Other, Other); 4] = [
        (
            |filter| filter.status = Some(DeliveryStatus::Retrying),
            |filter| filter.status = Some(DeliveryStatus::Success),
        ),
        (
            |filter| filter.search = Some("twice".to_owned()),
            |filter| filter.search = Some("thrice".to_owned()),
        ),
        (|filter| filter.end = Some(moment(6)), |filter| filter.end = Some(moment(5))),
        (
            |filter| filter.event_type = Some(EventType::new("order")),
            |filter| filter.event_type = Some(EventType::new("other")),
        ),
    ];
    for (name, set) in named {
        for (met, missed) in others {
            let asked = |other: Other| {
                by(|filter| {
                    set(filter, &failed);
                    other(filter);
                })
            };
            assert_eq!(numbers(&store, asked(met)).await, [5], "{name}: {:?}", asked(met));
            assert_eq!(numbers(&store, asked(missed)).await, [0; 0], "{name}: {:?}", asked(missed));
        }
        let and_another_event = by(|filter| {
            set(filter, &failed);
            (filter.message_id, filter.event_id) = (Some(failed.message_id.to_string()), Some(EventId::new("7-6")));
        });
        assert_eq!(numbers(&store, and_another_event).await, [0; 0], "{name}");
    }
}

#[tokio::test]
async fn delivery_without_a_correlation_id_is_found_by_its_trace_id() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let log = DeliveryLog {
        correlation_id: "trace-30".to_owned(),
        ..delivery(7, 30)
    };
    store.journal().record(&[recorded(log.clone())]).await.unwrap();
    let tied = |to: &str| by(|filter| filter.correlation_id = Some(to.to_owned()));
    assert_eq!(numbers(&store, tied("trace-30")).await, [30]);
    let read = store.delivery_logs().get(OrgId(7), log.id).await.unwrap();
    assert_eq!(read.map(|read| read.correlation_id), Some(log.correlation_id));
    let searched = by(|filter| (filter.correlation_id, filter.search) = (Some("trace-30".to_owned()), Some("30".to_owned())));
    assert_eq!(numbers(&store, searched).await, [30]);
    assert_eq!(
        numbers(&store, tied("trace-9")).await,
        [0; 0],
        "it is tied by another identifier"
    );
}

#[tokio::test]
async fn id_of_another_organisation_finds_nothing() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let integration = builders::integration(7, "order", "https://a.example/");
    let id = integration.id;
    let changes = [
        Change::PutOrganization(builders::organization(7)),
        Change::PutOrganization(builders::organization(8)),
        Change::PutUnit(builders::unit(7, 70)),
        Change::PutEventType(Arc::new(builders::event_type(7, "order"))),
        Change::PutIntegration(Arc::new(integration)),
    ];
    for change in changes {
        store.configuration().commit(change, Expected::New).await.unwrap();
    }
    let log = failure(7, 0).id;
    for (org, found) in [(OrgId(7), true), (OrgId(8), false), (OrgId(9), false)] {
        let order = EventType::new("order");
        let seen = [
            store.org_units().get(org, Rid(70)).await.unwrap().is_some(),
            store.event_types().get(org, &order).await.unwrap().is_some(),
            store.integrations().get(org, id).await.unwrap().is_some(),
            store.delivery_logs().get(org, log).await.unwrap().is_some(),
            store.execution_logs().get(org, log).await.unwrap().is_some(),
            store.dead_letters().get(org, log).await.unwrap().is_some(),
        ];
        assert_eq!(seen, [found; 6], "{org}");
    }
}
