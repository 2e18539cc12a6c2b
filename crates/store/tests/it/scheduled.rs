//! Scheduled deliveries: planned once, claimed by one process, cancelled in whatever order events are read.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::EventRef;
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, Rid, SourceId};
use ig_core::ports::{Journal as _, JournalEntry};
use ig_core::schedule::{MatchKey, Schedule, ScheduleMode, Zone};
use ig_core::scheduled::{CancellationEvent, CancellationKey, OccurrenceOutcome, ScheduledDelivery, ScheduledStatus, Series};
use ig_store::{ChangeOutcome, DeliveryClaim, Page, ScheduledDeliveries, ScheduledFilter};
use ig_testkit::builders;
use serde_json::json;

use crate::stored::{Stored, moment};

mod series;

const ORG: OrgId = OrgId(7);
const LEASE: Duration = Duration::from_secs(10);

fn event(position: u64, event_type: &str) -> EventRef {
    EventRef {
        source: SourceId::new("mysql"),
        id: EventId::new(position.to_string()),
        event_type: EventType::new(event_type),
        created_at: Some(moment(0)),
    }
}

fn integration() -> IntegrationId {
    builders::integration_id(1)
}

fn key(byte: u8) -> CancellationKey {
    CancellationKey::new(ORG, integration(), MatchKey([byte; 16]))
}

/// The delivery that the event at a position planned for a second.
pub(crate) fn planned(position: u64, second: i64) -> ScheduledDelivery {
    let about = event(position, "visit");
    ScheduledDelivery {
        id: ScheduledDelivery::identity(&about, integration(), None),
        org_id: ORG,
        entity_rid: Rid(70),
        integration: integration(),
        integration_name: "Reminders".to_owned(),
        event: about,
        position,
        happened_at: moment(0),
        target: builders::target("https://a.example/hook"),
        payload: Bytes::from_static(br#"{"visit": 1.0}"#),
        scheduled_for: moment(second),
        series: None,
        cancellation_keys: Vec::new(),
        status: ScheduledStatus::Pending,
        error: None,
        cancellation: None,
        trace_id: "trace".to_owned(),
        keep_for: Duration::from_hours(1),
        created_at: moment(0),
        updated_at: moment(0),
    }
}

fn every_second(position: u64, times: u32) -> ScheduledDelivery {
    let config = json!({"intervalMs": 1000, "maxOccurrences": times});
    let about = event(position, "visit");
    ScheduledDelivery {
        id: ScheduledDelivery::identity(&about, integration(), Some(1)),
        series: Some(Series {
            number: 1,
            at: moment(1),
            schedule: Schedule::read(ScheduleMode::Recurring, Some(&config)).unwrap(),
            zone: "Asia/Kolkata".parse::<Zone>().unwrap(),
        }),
        ..planned(position, 1)
    }
}

fn with_key(position: u64, second: i64, byte: u8) -> ScheduledDelivery {
    ScheduledDelivery {
        cancellation_keys: vec![key(byte)],
        ..planned(position, second)
    }
}

fn cancelling(position: u64, byte: u8, replacement: Option<ScheduledDelivery>) -> CancellationEvent {
    CancellationEvent {
        org_id: ORG,
        integration: integration(),
        key: key(byte),
        event: event(position, "visit-cancelled"),
        position,
        happened_at: moment(0),
        replacement: replacement.map(Box::new),
        reason: format!("event {position}"),
        keep_for: Duration::from_hours(1),
        decided_at: moment(0),
    }
}

fn claim(id: &str, now: Timestamp) -> DeliveryClaim<'_> {
    DeliveryClaim {
        id,
        now,
        until: now + LEASE,
    }
}

async fn plan(stored: &Stored, deliveries: &[ScheduledDelivery]) -> ScheduledDeliveries {
    let rows = stored.store.scheduled_deliveries();
    rows.plan(&deliveries.iter().collect::<Vec<_>>()).await.unwrap();
    rows
}

async fn statuses(rows: &ScheduledDeliveries) -> Vec<(u64, ScheduledStatus)> {
    let listed = rows.list(ORG, &ScheduledFilter::default(), Page::first(500)).await.unwrap();
    let mut found: Vec<_> = listed.items.iter().map(|row| (row.position, row.status)).collect();
    found.sort_by_key(|(position, status)| (*position, status.as_str()));
    found
}

#[tokio::test]
async fn scheduled_deliveries_of_an_integration_are_cancelled_at_once() {
    let stored = Stored::fresh().await;
    let of_another = ScheduledDelivery {
        integration: builders::integration_id(2),
        ..planned(4, 10)
    };
    let kept_longer = ScheduledDelivery {
        keep_for: Duration::from_hours(2),
        ..planned(3, 10)
    };
    let rows = plan(&stored, &[planned(1, 1), planned(2, 10), kept_longer, of_another]).await;
    let under_way = rows.claim(&[planned(1, 1).id], claim("a", moment(1))).await.unwrap();
    let none = rows.cancel_all(OrgId(8), Some(integration()), "Gone.", moment(2)).await;
    assert_eq!(none, Ok(()));
    rows.cancel_all(ORG, Some(integration()), "Gone.", moment(2)).await.unwrap();
    let cancelled = ScheduledStatus::Cancelled;
    assert_eq!(
        statuses(&rows).await,
        [(1, cancelled), (2, cancelled), (3, cancelled), (4, ScheduledStatus::Pending)]
    );
    let settled = rows
        .settle(&under_way[0], &OccurrenceOutcome::Completed, claim("a", moment(3)), false)
        .await;
    assert_eq!(settled, Ok(false), "it was called off meanwhile");
    assert_eq!(
        rows.earliest(moment(0), moment(9)).await,
        Ok(None),
        "nobody has to take care of them"
    );
    rows.cancel_all(ORG, None, "Gone.", moment(3)).await.unwrap();
    assert!(statuses(&rows).await.iter().all(|(_, status)| *status == cancelled));
}

#[tokio::test]
async fn scheduled_delivery_planned_twice_exists_once_as_first_planned() {
    let stored = Stored::fresh().await;
    let delivery = every_second(1, 3);
    let entry = JournalEntry::Scheduled(Box::new(ScheduledDelivery {
        cancellation_keys: vec![key(1), key(2)],
        ..delivery.clone()
    }));
    let later = ScheduledDelivery {
        scheduled_for: moment(500),
        ..delivery.clone()
    };
    stored.store.journal().record(&[entry]).await.unwrap();
    let rows = plan(&stored, &[later]).await;
    let found = rows.get(ORG, delivery.id).await.unwrap().unwrap();
    assert_eq!(found.cancellation_keys, [key(1), key(2)]);
    assert_eq!(
        ScheduledDelivery {
            cancellation_keys: Vec::new(),
            ..found
        },
        delivery
    );
    assert_eq!(rows.get(OrgId(8), delivery.id).await.unwrap(), None, "another's");
}

#[tokio::test]
async fn scheduled_delivery_has_one_claimer_and_an_expired_claim_is_refused() {
    let stored = Stored::fresh().await;
    let deliveries: Vec<_> = (1..=50).map(|position| planned(position, 1)).collect();
    let rows = plan(&stored, &deliveries).await;
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let now = moment(2);
    let names: Vec<_> = (0..4).map(|claimer| format!("claimer-{claimer}")).collect();
    let claims = names.iter().map(|name| rows.claim(&ids, claim(name, now)));
    let claimed = futures::future::try_join_all(claims).await.unwrap();
    let all: Vec<_> = claimed.iter().flatten().map(|delivery| delivery.id).collect();
    assert_eq!(all.len(), 50);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 50, "each has one");
    assert!(rows.claim(&ids, claim("late", now)).await.unwrap().is_empty());

    let after_lease = now + LEASE + Duration::from_millis(1);
    let first = claimed.iter().position(|of_one| !of_one.is_empty()).unwrap();
    let delivery = &claimed[first][0];
    let settled = rows.settle(
        delivery,
        &OccurrenceOutcome::Completed,
        claim(&names[first], after_lease),
        false,
    );
    assert!(!settled.await.unwrap(), "its lease is over");
    assert_eq!(
        rows.claim(&[delivery.id], claim("other", after_lease)).await.unwrap().len(),
        1
    );
    let settled = rows.settle(delivery, &OccurrenceOutcome::Completed, claim("other", after_lease), false);
    assert!(settled.await.unwrap());
    assert!(
        rows.due(moment(0), moment(10_000), &[], 100)
            .await
            .unwrap()
            .iter()
            .all(|due| due.id != delivery.id)
    );
}

#[tokio::test]
async fn scheduled_claim_is_extended_released_and_ended_for_many() {
    let stored = Stored::fresh().await;
    let deliveries: Vec<_> = (1..=4).map(|position| planned(position, 1)).collect();
    let rows = plan(&stored, &deliveries).await;
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let (begun, renewed) = (moment(2), moment(9));
    assert_eq!(rows.claim(&ids, claim("me", begun)).await.unwrap().len(), 4);
    rows.renew(&ids, claim("me", renewed)).await.unwrap();
    assert!(
        rows.claim(&ids, claim("other", moment(13))).await.unwrap().is_empty(),
        "prolonged"
    );
    rows.release(&ids[..1], "me", moment(15)).await.unwrap();
    assert!(rows.due(moment(14), moment(15), &[], 10).await.unwrap()[0].id == ids[0]);
    let canceled = rows.cancel(ORG, ids[1], "by hand", moment(13)).await.unwrap();
    assert_eq!(canceled, ChangeOutcome::Done, "though it is under way");
    rows.complete(&ids, Duration::from_hours(1), claim("me", moment(13)))
        .await
        .unwrap();
    let expected = [
        (1, ScheduledStatus::Pending),
        (2, ScheduledStatus::Cancelled),
        (3, ScheduledStatus::Completed),
        (4, ScheduledStatus::Completed),
    ];
    assert_eq!(statuses(&rows).await, expected);
}

#[tokio::test]
async fn manual_cancel_and_reschedule_change_pending_deliveries_alone() {
    let stored = Stored::fresh().await;
    let deliveries: Vec<_> = (1..=3).map(|position| planned(position, 5)).collect();
    let rows = plan(&stored, &deliveries).await;
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let now = moment(6);
    assert_eq!(
        rows.cancel(OrgId(8), ids[0], "x", now).await.unwrap(),
        ChangeOutcome::NotFound
    );
    assert_eq!(
        rows.reschedule(OrgId(8), ids[0], now, now).await.unwrap(),
        ChangeOutcome::NotFound
    );
    assert_eq!(
        rows.cancel(ORG, ids[0], "No longer wanted", now).await.unwrap(),
        ChangeOutcome::Done
    );
    let ended = ChangeOutcome::Ended(ScheduledStatus::Cancelled);
    assert_eq!(rows.cancel(ORG, ids[0], "again", now).await.unwrap(), ended);
    assert_eq!(rows.reschedule(ORG, ids[0], now, now).await.unwrap(), ended);
    let row = rows.get(ORG, ids[0]).await.unwrap().unwrap();
    assert_eq!(row.cancellation.unwrap().reason, "No longer wanted");

    assert_eq!(rows.claim(&ids, claim("me", now)).await.unwrap().len(), 2);
    assert_eq!(
        rows.reschedule(ORG, ids[1], moment(90), now).await.unwrap(),
        ChangeOutcome::UnderWay
    );
    rows.release(&ids, "me", now).await.unwrap();
    assert_eq!(
        rows.reschedule(ORG, ids[1], moment(90), now).await.unwrap(),
        ChangeOutcome::Done
    );
    let due = rows.due(moment(0), moment(89), &[], 10).await.unwrap();
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [ids[2]]);
    assert_eq!(rows.earliest(moment(6), moment(100)).await.unwrap(), Some(moment(90)));
    assert_eq!(rows.earliest(moment(90), moment(100)).await.unwrap(), None);
}

#[tokio::test]
async fn due_scheduled_deliveries_are_found_by_time_and_by_organisation() {
    let stored = Stored::fresh().await;
    let other = ScheduledDelivery {
        org_id: OrgId(8),
        ..planned(9, 3)
    };
    let rows = plan(&stored, &[planned(1, 1), planned(2, 2), planned(3, 30), other.clone()]).await;
    let due = async |after, until, without: &[OrgId], most| {
        let found = rows.due(moment(after), moment(until), without, most).await.unwrap();
        found.iter().map(|due| due.due_at).collect::<Vec<_>>()
    };
    assert_eq!(due(0, 10, &[], 10).await, [moment(1), moment(2), moment(3)]);
    assert_eq!(due(1, 10, &[], 1).await, [moment(2)], "after the first");
    assert_eq!(due(0, 10, &[ORG], 10).await, [moment(3)]);
    let found = rows.due_of(ORG, moment(10), 10).await.unwrap();
    assert_eq!(found.iter().map(|due| due.due_at).collect::<Vec<_>>(), [moment(1), moment(2)]);
    assert_eq!((found[0].payload_bytes, found[0].integration), (14, integration()));

    let list = async |filter: ScheduledFilter| {
        let listed = rows.list(ORG, &filter, Page::first(10)).await.unwrap();
        assert!(listed.items.iter().all(|row| row.payload.is_empty()), "no payloads in lists");
        listed.items.iter().map(|row| row.position).collect::<Vec<_>>()
    };
    let filter = ScheduledFilter::default;
    assert_eq!(list(filter()).await, [3, 2, 1]);
    let start = Some(moment(2));
    assert_eq!(list(ScheduledFilter { start, ..filter() }).await, [3, 2]);
    let end = Some(moment(30));
    assert_eq!(list(ScheduledFilter { start, end, ..filter() }).await, [2]);
    let event_id = Some(EventId::new("1"));
    assert_eq!(list(ScheduledFilter { event_id, ..filter() }).await, [1]);
    let status = Some(ScheduledStatus::Completed);
    assert_eq!(list(ScheduledFilter { status, ..filter() }).await, Vec::<u64>::new());
    let search = Some("REMIND".to_owned());
    assert_eq!(list(ScheduledFilter { search, ..filter() }).await.len(), 3);
    let integration_id = Some(builders::integration_id(2));
    assert_eq!(
        list(ScheduledFilter {
            integration_id,
            ..filter()
        })
        .await,
        Vec::<u64>::new()
    );
}

#[tokio::test]
async fn long_list_of_scheduled_deliveries_runs_from_future_to_past_and_is_counted_no_further_than_needed() {
    let stored = Stored::fresh().await;
    // From some years ahead of the clock to as many before it, close together in the middle.
    let second = |number: i64| -(number - 900) * (number - 900).abs() * 500 - 10 * 365 * 86_400;
    let deliveries: Vec<_> = (0..1_800)
        .map(|number| planned(u64::try_from(number).unwrap(), second(number)))
        .collect();
    for part in deliveries.chunks(300) {
        plan(&stored, part).await;
    }
    let rows = stored.store.scheduled_deliveries();
    for status in [None, Some(ScheduledStatus::Pending)] {
        let filter = ScheduledFilter {
            status,
            ..ScheduledFilter::default()
        };
        let list = async |number| rows.list(ORG, &filter, Page { number, limit: 300 }).await.unwrap();
        let first = list(1).await;
        assert!(
            first.total >= 800 && first.total < 1_800 && !first.is_exact,
            "{}",
            first.total
        );
        let mut found = first.items;
        for number in 2..=6 {
            found.extend(list(number).await.items);
        }
        let positions: Vec<_> = found.into_iter().map(|row| row.position).collect();
        assert_eq!(positions, (0..1_800).collect::<Vec<_>>(), "{status:?}");
        let last = list(7).await;
        assert_eq!((last.items.len(), last.total, last.is_exact), (0, 1_800, true));
    }
    let within = ScheduledFilter {
        start: Some(moment(second(950))),
        end: Some(moment(second(850))),
        ..ScheduledFilter::default()
    };
    let listed = rows.list(ORG, &within, Page::first(500)).await.unwrap();
    let positions: Vec<_> = listed.items.iter().map(|row| row.position).collect();
    assert_eq!(positions, (851..=950).collect::<Vec<_>>());
    assert_eq!((listed.total, listed.is_exact), (100, true));
}
