//! The queue of pushed events.

use std::collections::BTreeSet;

use crate::stored::moment;
use bytes::Bytes;
use futures::future::join_all;
use ig_core::event::RowPayload;
use ig_core::id::{EventId, EventType, OrgId, Rid};
use ig_core::ports::PushedEvents;
use ig_store::{PushOutcome, PushedEvent, Store};

use crate::stored::Stored;

fn event(org: i64, id: &str, body: &str) -> PushedEvent {
    PushedEvent {
        org_id: OrgId(org),
        event_id: EventId::new(id),
        event_type: EventType::new("order"),
        entity_rid: Rid(org),
        payload: Bytes::from(body.to_owned()),
        trace_parent: None,
        received_at: moment(0),
    }
}

async fn accept(store: &Store, events: impl IntoIterator<Item = PushedEvent>) -> Vec<PushOutcome> {
    store.pushed_events().accept(events.into_iter().collect()).await.unwrap()
}

async fn positions(store: &Store) -> Vec<u64> {
    let rows = store.pushed_events().read_after(0, 100_000).await.unwrap();
    rows.into_iter().map(|row| row.position).collect()
}

#[tokio::test]
async fn pushed_event_is_read_as_pushed() {
    let stored = Stored::fresh().await;
    let binary = PushedEvent {
        payload: Bytes::from_static(b"\xff\x00 not text"),
        trace_parent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        ..event(7, "b", "")
    };
    assert_eq!(
        accept(&stored.store, [event(7, "a", r#"{"a": 1.0}"#), binary.clone()]).await,
        [PushOutcome::New; 2]
    );
    let rows = stored.store.pushed_events().read_after(0, 10).await.unwrap();
    assert_eq!(rows[0].payload, RowPayload::Present(Bytes::from_static(br#"{"a": 1.0}"#)));
    assert_eq!(rows[1].payload, RowPayload::Present(binary.payload));
    assert_eq!(rows[1].trace_parent, binary.trace_parent);
    assert_eq!(rows[1].event_id, Some(EventId::new("7:b")));
    assert_eq!(
        (rows[1].position, rows[1].parent_rid, rows[1].entity_rid),
        (2, Some(7), Some(7))
    );
    assert_eq!(rows[1].created_at, Some(moment(0)));
}

#[tokio::test]
async fn pushed_event_again_is_a_repeat_and_another_with_its_id_a_conflict() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let first = accept(
        store,
        [event(7, "a", "1"), event(7, "a", "1"), event(7, "a", "2"), event(8, "a", "2")],
    )
    .await;
    assert_eq!(
        first,
        [
            PushOutcome::New,
            PushOutcome::Repeated,
            PushOutcome::Conflict,
            PushOutcome::New
        ]
    );
    let other_type = PushedEvent {
        event_type: EventType::new("other"),
        ..event(7, "a", "1")
    };
    let second = accept(
        store,
        [event(7, "a", "1"), event(7, "a", "2"), other_type, event(7, "b", "1")],
    )
    .await;
    assert_eq!(
        second,
        [
            PushOutcome::Repeated,
            PushOutcome::Conflict,
            PushOutcome::Conflict,
            PushOutcome::New
        ]
    );
    assert_eq!(positions(store).await, [1, 2, 3], "what was not stored left no hole");
    assert_eq!(store.pushed_events().head().await.unwrap(), 3);
}

#[tokio::test]
async fn pushed_event_sent_to_several_gateways_at_once_is_new_once() {
    let stored = Stored::fresh().await;
    let gateways = [stored.another().await, stored.another().await, stored.another().await];
    let pushes = (0..12).map(|number| accept(&gateways[number % 3], [event(7, "a", "1")]));
    let accepted = join_all(pushes).await.concat();
    assert_eq!(accepted.iter().filter(|accepted| **accepted == PushOutcome::New).count(), 1);
    assert!(!accepted.contains(&PushOutcome::Conflict));
}

#[tokio::test]
async fn pushed_positions_appear_in_order_without_gaps_while_several_gateways_accept() {
    let stored = Stored::fresh().await;
    let gateways = [stored.another().await, stored.another().await];
    let push = async {
        let pushes = (0..200).map(|number| {
            let events = (0..=number % 4).map(move |part| event(7, &format!("{number}/{part}"), "{}"));
            accept(&gateways[number % 2], events)
        });
        join_all(pushes).await.concat()
    };
    let read = async {
        let (queue, mut last) = (stored.store.pushed_events(), 0);
        while last < 500 {
            for row in queue.read_after(last, 50).await.unwrap() {
                assert_eq!(row.position, last + 1, "a reader that saw one has seen all before it");
                last = row.position;
            }
        }
    };
    let (accepted, ()) = tokio::join!(push, read);
    assert_eq!(accepted, [PushOutcome::New; 500]);
}

#[tokio::test]
async fn pushed_events_of_others_are_stored_when_one_client_leaves() {
    let stored = Stored::fresh().await;
    let queue = stored.store.pushed_events();
    let mut leaving: Vec<_> = (0..20)
        .map(|number| Box::pin(queue.accept(vec![event(7, &format!("leaves {number}"), "1")])))
        .collect();
    for push in &mut leaving {
        assert!(futures::poll!(push).is_pending());
    }
    let stays = queue.accept(vec![event(7, "stays", "1")]);
    drop(leaving);
    assert_eq!(stays.await.unwrap(), [PushOutcome::New]);
    let rows = queue.read_after(0, 100).await.unwrap();
    assert!(rows.iter().any(|row| row.event_id == Some(EventId::new("7:stays"))));
}

#[tokio::test]
async fn pushed_ranges_are_read_ascending_and_complete_at_any_size() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    for thousand in 0..5 {
        accept(
            store,
            (0..1_000).map(|number| event(7, &format!("{thousand}/{number}"), "{}")),
        )
        .await;
    }
    let queue = store.pushed_events();
    let ranges: Vec<_> = (0..450).map(|number| number * 10 + 1..=number * 10 + 2).collect();
    let rows = queue.read_ranges(&ranges).await.unwrap();
    let expected: Vec<u64> = ranges.iter().cloned().flatten().collect();
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), expected);
    assert_eq!(queue.read_ranges(&[]).await.unwrap(), []);
    let rows = queue.read_after(4_990, 1_000).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.position).collect::<Vec<_>>(),
        (4_991..=5_000).collect::<Vec<_>>()
    );
    assert_eq!(queue.read_after(5_000, 10).await.unwrap(), []);
}

#[tokio::test]
async fn pushed_events_are_deleted_only_when_done_and_old() {
    let stored = Stored::fresh().await;
    let store = &stored.store;
    let received = |number: i64| PushedEvent {
        received_at: moment(number),
        ..event(7, &number.to_string(), "1")
    };
    accept(store, (1..=20).map(received)).await;
    let queue = store.pushed_events();
    assert_eq!(queue.forget_done(0, moment(1_000)).await.unwrap(), 0);
    assert_eq!(queue.forget_done(15, moment(11)).await.unwrap(), 10);
    assert_eq!(positions(store).await, (11..=20).collect::<Vec<_>>());
    assert_eq!(queue.forget_done(15, moment(1_000)).await.unwrap(), 5);
    let left: BTreeSet<_> = positions(store).await.into_iter().collect();
    assert_eq!(left, (16..=20).collect(), "what is not done stays however old it is");
    let rows = queue.read_after(0, 2).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), [16, 17]);
    assert_eq!(
        accept(store, [event(7, "20", "1"), event(7, "1", "1")]).await,
        [PushOutcome::Repeated, PushOutcome::New]
    );
}
