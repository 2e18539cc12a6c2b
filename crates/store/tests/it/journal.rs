//! The contract of the journal.

use std::collections::HashSet;
use std::sync::Arc;

use crate::stored::moment;
use bytes::Bytes;
use ig_core::audit::{Decision, EventAudit, SkipReason};
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, ExecutionTrace};
use ig_core::event::MAX_PAYLOAD_BYTES;
use ig_core::id::{EventId, LogId, OrgId, SourceId};
use ig_core::ports::{Journal, JournalEntry};
use ig_store::{AuditFilter, JournalWaiter, LogFilter, Page, journal_queue};
use mongodb::bson::{Document, doc};
use tokio_util::sync::CancellationToken;

use crate::deliveries::{audit, dead_letter, delivery, failure, recorded, seen};
use crate::stored::Stored;

const COLLECTIONS: [&str; 5] = ["delivery_logs", "execution_logs", "event_audit", "dlq", "processed_events"];

async fn counts(stored: &Stored) -> [u64; 5] {
    let database = stored.database.open().await;
    let mut counts = [0; 5];
    for (count, collection) in counts.iter_mut().zip(COLLECTIONS) {
        *count = database
            .collection::<Document>(collection)
            .count_documents(doc! {})
            .await
            .unwrap();
    }
    counts
}

fn entries() -> Vec<JournalEntry> {
    vec![
        recorded(delivery(7, 1)),
        recorded(failure(7, 2)),
        JournalEntry::Audit(audit(Some(7), 1, Decision::Matched { integrations: 2 })),
        JournalEntry::Audit(audit(None, 2, Decision::Skipped(SkipReason::NoEntityContext))),
        JournalEntry::Seen(seen(1, 0)),
        JournalEntry::Seen(seen(2, 1)),
    ]
}

#[tokio::test]
async fn journal_entries_are_read_as_recorded() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    store.journal().record(&entries()).await.unwrap();
    for log in [delivery(7, 1), failure(7, 2)] {
        assert_eq!(store.delivery_logs().get(OrgId(7), log.id).await.unwrap(), Some(log));
    }
    let letter = dead_letter(&failure(7, 2));
    let kept = store.dead_letters().get(OrgId(7), letter.id).await.unwrap();
    assert_eq!(kept.map(|kept| kept.letter), Some(letter.clone()));
    assert_eq!(store.dead_letters().get(OrgId(7), delivery(7, 1).id).await.unwrap(), None);
    let trace = store.execution_logs().get(OrgId(7), letter.id).await.unwrap().unwrap();
    assert_eq!(trace.steps[0].duration, std::time::Duration::from_micros(1_234));
    assert_eq!(
        (trace.console, trace.delivery.status),
        (vec!["a line".to_owned()], failure(7, 2).status)
    );
    let listed = store
        .event_audit()
        .list(Some(OrgId(7)), &AuditFilter::default(), Page::first(10))
        .await
        .unwrap();
    assert_eq!(listed.items, [audit(Some(7), 1, Decision::Matched { integrations: 2 })]);
    let orphans = store
        .event_audit()
        .list(None, &AuditFilter::default(), Page::first(10))
        .await
        .unwrap();
    assert_eq!(
        orphans.items,
        [audit(None, 2, Decision::Skipped(SkipReason::NoEntityContext))]
    );
}

#[tokio::test]
async fn journal_entry_recorded_twice_exists_once_and_its_group_is_complete() {
    let stored = Stored::fresh().await;
    let journal = stored.store.journal();
    journal.record(&entries()).await.unwrap();
    let once = counts(&stored).await;
    assert_eq!(once, [2, 2, 2, 1, 1]);
    journal.record(&entries()).await.unwrap();
    assert_eq!(counts(&stored).await, once);
    let mut more = entries();
    more.push(recorded(failure(7, 3)));
    more.insert(0, recorded(delivery(7, 4)));
    let (one, other) = tokio::join!(journal.record(&more), journal.record(&more));
    one.unwrap();
    other.unwrap();
    assert_eq!(counts(&stored).await, [4, 4, 2, 2, 1]);
    journal.record(&[]).await.unwrap();
}

#[tokio::test]
async fn journal_keeps_the_first_record_of_a_delivery() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    store.journal().record(&[recorded(delivery(7, 1))]).await.unwrap();
    store.journal().record(&[recorded(failure(7, 1))]).await.unwrap();
    let log = delivery(7, 1);
    assert_eq!(store.delivery_logs().get(OrgId(7), log.id).await.unwrap(), Some(log));
}

#[tokio::test]
async fn journal_finds_the_recorded_ones_among_any_number_of_deliveries() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let journal = store.journal();
    let logs: Vec<DeliveryLog> = (0..1_200).map(|number| delivery(7, number)).collect();
    let entries: Vec<_> = logs.iter().step_by(3).cloned().map(recorded).collect();
    journal.record(&entries).await.unwrap();
    let ids: Vec<LogId> = logs.iter().map(|log| log.id).collect();
    let expected: HashSet<LogId> = ids.iter().step_by(3).copied().collect();
    assert_eq!(journal.recorded(&ids).await.unwrap(), expected);
    assert_eq!(journal.recorded(&[]).await.unwrap(), HashSet::new());
}

#[tokio::test]
async fn journal_returns_events_seen_since_a_time_in_order() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let journal = store.journal();
    let (old, one, other) = (seen(1, 0), seen(2, 50), seen(3, 60));
    journal
        .record(&[JournalEntry::Seen(other.clone()), JournalEntry::Seen(old)])
        .await
        .unwrap();
    journal.record(&[JournalEntry::Seen(one.clone())]).await.unwrap();
    assert_eq!(journal.seen_since(moment(50)).await.unwrap(), [one, other]);
}

#[tokio::test]
async fn journal_records_an_oversized_delivery_without_what_does_not_fit() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let huge = Bytes::from(vec![b'x'; MAX_PAYLOAD_BYTES]);
    let log = DeliveryLog {
        original_payload: Some(huge.clone()),
        request_payload: Some(huge.clone()),
        ..failure(7, 1)
    };
    store.journal().record(&[recorded(log.clone())]).await.unwrap();
    let stored = store.delivery_logs().get(OrgId(7), log.id).await.unwrap().unwrap();
    assert_eq!(stored.original_payload.map(|payload| payload.len()), Some(huge.len()));
    assert_eq!(stored.request_payload, None);
}

#[tokio::test]
async fn decisions_are_found_by_source_and_positions_and_one_may_replace_another() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let journal = store.journal();
    let source = SourceId::new("mysql");
    let all: Vec<_> = (1..=6)
        .map(|number| audit(Some(7), number, Decision::Matched { integrations: 1 }))
        .collect();
    let pushed = EventAudit {
        source: SourceId::new("push"),
        ..all[2].clone()
    };
    let entries: Vec<_> = all.iter().chain([&pushed]).cloned().map(JournalEntry::Audit).collect();
    journal.record(&entries).await.unwrap();
    let found = journal.decisions(&source, &[2..=3, 6..=900]).await.unwrap();
    assert_eq!(found, [all[1].clone(), all[2].clone(), all[5].clone()]);
    let replacement = audit(Some(7), 3, Decision::Skipped(SkipReason::NoMatch));
    journal.record(&[JournalEntry::Audit(replacement.clone())]).await.unwrap();
    assert_eq!(
        journal.decisions(&source, &[3..=3]).await.unwrap(),
        [all[2].clone()],
        "the first stands"
    );
    journal.record(&[JournalEntry::Redecided(replacement.clone())]).await.unwrap();
    assert_eq!(journal.decisions(&source, &[3..=3]).await.unwrap(), [replacement]);
}

#[tokio::test]
async fn decisions_are_found_at_positions_of_any_size() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let (journal, source) = (store.journal(), SourceId::new("mysql"));
    let positions = [5, (1 << 40) - 1, (1 << 40) + 4, (1 << 40) + 5, 7 << 40, i64::MAX as u64];
    let all = positions.map(|position| EventAudit {
        position,
        event_id: EventId::new(position.to_string()),
        ..audit(Some(7), 1, Decision::Matched { integrations: 1 })
    });
    journal.record(&all.clone().map(JournalEntry::Audit)).await.unwrap();
    for (ranges, expected) in [
        (vec![5..=5], &all[..1]),
        (vec![(1 << 40) + 5..=(1 << 40) + 5], &all[3..4]),
        (vec![(1 << 40) - 1..=(1 << 40) + 4], &all[1..3]),
        (
            vec![4..=6, (1 << 40) + 4..=1 << 41, i64::MAX as u64..=u64::MAX],
            &[all[0].clone(), all[2].clone(), all[3].clone(), all[5].clone()],
        ),
        (vec![0..=u64::MAX], &all[..]),
    ] {
        assert_eq!(journal.decisions(&source, &ranges).await.unwrap(), expected, "{ranges:?}");
    }
}

#[tokio::test]
async fn list_of_deliveries_leaves_bodies_out() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    store.journal().record(&[recorded(failure(7, 1))]).await.unwrap();
    let listed = store
        .delivery_logs()
        .list(OrgId(7), &LogFilter::default(), Page::first(10))
        .await
        .unwrap();
    let mut expected = failure(7, 1);
    expected.original_payload = None;
    expected.request_payload = None;
    expected.attempts[0].response_body = None;
    assert_eq!(listed.items, [expected]);
}

/// A waiter that reports what happens to its entry.
struct Waiting(tokio::sync::mpsc::UnboundedSender<&'static str>);

impl JournalWaiter for Waiting {
    fn durable(self) {
        self.0.send("durable").unwrap();
    }

    fn set_aside(&mut self) {
        self.0.send("set aside").unwrap();
    }
}

#[tokio::test]
async fn group_writer_records_a_refused_entry_without_its_payload_and_alerts() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let (queue, writer) = journal_queue(Arc::new(store.journal()) as Arc<dyn Journal>);
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let log = failure(7, 1);
    let letter = DeadLetter {
        original_payload: Bytes::from(vec![b'x'; 20 * 1024 * 1024]),
        ..dead_letter(&log)
    };
    let refused = JournalEntry::Delivery {
        log: Box::new(log.clone()),
        trace: ExecutionTrace::default(),
        dead_letter: Some(Box::new(letter)),
    };
    queue.send(refused, Waiting(sender.clone()));
    queue.send(recorded(delivery(7, 2)), Waiting(sender));
    let last = CancellationToken::new();
    let flushed = async {
        queue.flushed().await;
        last.cancel();
    };
    tokio::join!(writer.run(last.clone()), flushed);
    assert_eq!((heard.recv().await, heard.recv().await), (Some("durable"), Some("durable")));
    let kept = store.dead_letters().get(OrgId(7), log.id).await.unwrap().unwrap().letter;
    assert_eq!(
        (kept.status, kept.reason, kept.next_retry_at, kept.original_payload.len()),
        (DeadLetterStatus::Abandoned, DeadLetterReason::NotStored, None, 0)
    );
    let stored = store.delivery_logs().get(OrgId(7), log.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.original_payload), (DeliveryStatus::Abandoned, None));
    assert_eq!(store.dead_letters().pending_alerts(10).await.unwrap().len(), 1);
}
