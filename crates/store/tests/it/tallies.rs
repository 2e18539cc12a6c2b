//! Counts of waiting items, of one organisation and of the platform.

use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::dead_letter::{DeadLetter, DeadLetterStatus};
use ig_core::id::OrgId;
use ig_core::ports::{Journal as _, JournalEntry};
use ig_core::scheduled::ScheduledDelivery;
use ig_store::{AlertTimes, Orgs, PendingDeliveries, Store};

use crate::deliveries::{dead_letter, failure, trace};
use crate::scheduled::planned;
use crate::stored::{Stored, moment};

fn letter(org: i64, number: i64, status: DeadLetterStatus) -> JournalEntry {
    let log = failure(org, number);
    let letter = DeadLetter {
        status,
        ..dead_letter(&log)
    };
    JournalEntry::Delivery {
        log: Box::new(log),
        trace: trace(),
        dead_letter: Some(Box::new(letter)),
    }
}

#[tokio::test]
async fn dead_letters_are_counted_by_status_with_the_oldest_waiting() {
    use DeadLetterStatus::{Abandoned, PendingRetry, Retrying};
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let entries = [
        letter(7, 1, Abandoned),
        letter(7, 3, PendingRetry),
        letter(7, 2, Retrying),
        letter(7, 4, PendingRetry),
        letter(8, 0, PendingRetry),
    ];
    store.journal().record(&entries).await.unwrap();
    let letters = store.dead_letters();
    let ours = letters.tally(&Orgs::one(OrgId(7))).await.unwrap();
    assert_eq!(
        ours.by_status.into_iter().collect::<Vec<_>>(),
        [("ABANDONED", 1), ("PENDING_RETRY", 2), ("RETRYING", 1)]
    );
    assert_eq!(ours.oldest_waiting, Some(moment(2)));
    let all = letters.tally(&Orgs::platform([OrgId(7), OrgId(8)])).await.unwrap();
    assert_eq!((all.by_status["PENDING_RETRY"], all.oldest_waiting), (3, Some(moment(0))));
    let none = letters.tally(&Orgs::one(OrgId(9))).await.unwrap();
    assert!(none.by_status.is_empty() && none.oldest_waiting.is_none());
}

#[tokio::test]
async fn pending_deliveries_are_counted_with_the_next_one() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let pending = |org, position, second| {
        let delivery = ScheduledDelivery {
            org_id: OrgId(org),
            ..planned(position, second)
        };
        JournalEntry::Scheduled(Box::new(delivery))
    };
    let entries = [pending(7, 1, 30), pending(7, 2, 20), pending(8, 3, 10)];
    store.journal().record(&entries).await.unwrap();
    let pending = store.scheduled_deliveries().pending(&Orgs::one(OrgId(7))).await.unwrap();
    assert_eq!(
        pending,
        PendingDeliveries {
            count: 2,
            next: Some(moment(20))
        }
    );
    let all = Orgs::platform([OrgId(7), OrgId(8)]);
    assert_eq!(store.scheduled_deliveries().pending(&all).await.unwrap().count, 3);
    let none = store.scheduled_deliveries().pending(&Orgs::one(OrgId(9))).await.unwrap();
    assert_eq!(none, PendingDeliveries::default());
}

async fn raise(store: &Store, org: Option<i64>, kind: &str, severity: Severity, second: i64) {
    let alert = Alert {
        org_id: org.map(OrgId),
        kind: kind.to_owned(),
        key: second.to_string(),
        severity,
        message: "something".to_owned(),
        at: moment(second),
    };
    let times = AlertTimes {
        quiet: Duration::from_secs(1),
        keep: Duration::from_hours(1),
    };
    store.alerts().raise(&alert, times, moment(second)).await.unwrap();
}

#[tokio::test]
async fn alerts_are_counted_by_kind_since_a_time_and_those_without_organisation_are_the_platforms() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    raise(&store, Some(7), "late", Severity::Warning, 1).await;
    raise(&store, Some(7), "late", Severity::Warning, 10).await;
    raise(&store, Some(7), "late", Severity::Warning, 11).await;
    raise(&store, Some(7), "circuit-open", Severity::Critical, 12).await;
    raise(&store, None, "late", Severity::Warning, 13).await;
    let counted = |tallies: Vec<ig_store::AlertTally>| -> Vec<_> {
        let of = tallies.into_iter().map(|tally| (tally.kind, tally.severity, tally.count));
        of.collect()
    };
    let ours = store.alerts().tally(&Orgs::one(OrgId(7)), moment(5)).await.unwrap();
    assert_eq!(
        counted(ours),
        [
            ("late".to_owned(), Severity::Warning, 2),
            ("circuit-open".to_owned(), Severity::Critical, 1)
        ]
    );
    let all = store.alerts().tally(&Orgs::platform([OrgId(7)]), moment(5)).await.unwrap();
    assert_eq!(counted(all)[0], ("late".to_owned(), Severity::Warning, 3));
}
