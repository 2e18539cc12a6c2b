//! Series of occurrences, and the events that cancel them.

use super::*;

#[tokio::test]
async fn next_occurrence_is_planned_once_despite_interruptions() {
    let stored = Stored::fresh().await;
    let first = every_second(1, 2);
    let rows = plan(&stored, std::slice::from_ref(&first)).await;
    let now = moment(2);
    let mine = rows.claim(&[first.id], claim("cut-off", now)).await.unwrap().remove(0);
    let failed = OccurrenceOutcome::Failed("it answered 500".to_owned());
    assert!(rows.settle(&mine, &failed, claim("cut-off", now), true).await.unwrap());
    // The process dies here: the row is due again after its claim, and contains its end.
    let later = now + LEASE + Duration::from_secs(1);
    let due = rows.due(moment(0), later, &[], 10).await.unwrap();
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [first.id]);
    let owing = rows.claim(&[first.id], claim("heir", later)).await.unwrap().remove(0);
    assert_eq!(
        (owing.status, owing.error.as_deref()),
        (ScheduledStatus::Failed, Some("it answered 500"))
    );
    let second = owing.successor(moment(0), later).unwrap();
    for _ in 0..2 {
        rows.succeed(first.id, "heir", Some(&second)).await.unwrap();
    }
    let listed = rows.list(ORG, &ScheduledFilter::default(), Page::first(10)).await.unwrap();
    assert_eq!(listed.total, 2);
    assert_eq!(rows.get(ORG, second.id).await.unwrap().unwrap().scheduled_for, moment(2));
    let due = rows.due(moment(0), moment(100), &[], 10).await.unwrap();
    assert_eq!(
        due.iter().map(|due| due.id).collect::<Vec<_>>(),
        [second.id],
        "the first is done with"
    );
}

#[tokio::test]
async fn later_event_cancels_what_earlier_ones_planned_in_any_order_of_reading() {
    let stored = Stored::fresh().await;
    let rows = plan(&stored, &[with_key(10, 1, 1), with_key(11, 1, 2), with_key(30, 1, 1)]).await;
    rows.cancel_earlier(&cancelling(20, 1, None)).await.unwrap();
    let expected = [
        (10, ScheduledStatus::Cancelled),
        (11, ScheduledStatus::Pending),
        (30, ScheduledStatus::Pending),
    ];
    assert_eq!(statuses(&rows).await, expected, "not other keys, nor what came later");
    // An earlier event that is read late, and a later event.
    plan(&stored, &[with_key(15, 1, 1), with_key(25, 1, 1)]).await;
    // The same event, read again after a restart.
    rows.cancel_earlier(&cancelling(20, 1, None)).await.unwrap();
    let found: Vec<_> = statuses(&rows).await.into_iter().map(|(_, status)| status).collect();
    let (pending, cancelled) = (ScheduledStatus::Pending, ScheduledStatus::Cancelled);
    assert_eq!(found, [cancelled, pending, cancelled, pending, pending]);
    let row = rows.get(ORG, with_key(15, 1, 1).id).await.unwrap().unwrap();
    let cancellation = row.cancellation.unwrap();
    assert_eq!(cancellation.reason, "event 20");
    assert_eq!(cancellation.event.unwrap().event_type.as_str(), "visit-cancelled");
}

#[tokio::test]
async fn pending_delivery_is_replaced_once_and_nothing_is_planned_without_one() {
    let stored = Stored::fresh().await;
    let rows = plan(&stored, &[with_key(10, 1, 1)]).await;
    let replacement = with_key(20, 60, 1);
    for _ in 0..2 {
        let moved = cancelling(20, 1, Some(replacement.clone()));
        stored
            .store
            .journal()
            .record(&[JournalEntry::Cancellation(Box::new(moved))])
            .await
            .unwrap();
    }
    assert_eq!(
        statuses(&rows).await,
        [(10, ScheduledStatus::Cancelled), (20, ScheduledStatus::Pending)]
    );
    rows.cancel_earlier(&cancelling(21, 9, Some(with_key(21, 60, 9))))
        .await
        .unwrap();
    assert_eq!(statuses(&rows).await.len(), 2, "nothing was pending under that key");
    // The replaced event is read after its replacement.
    plan(&stored, &[with_key(19, 1, 9)]).await;
    let found = statuses(&rows).await;
    assert_eq!(
        found[1..],
        [
            (19, ScheduledStatus::Cancelled),
            (20, ScheduledStatus::Pending),
            (21, ScheduledStatus::Pending)
        ]
    );
    // The replacement is cancelled in its turn.
    rows.cancel_earlier(&cancelling(40, 9, None)).await.unwrap();
    assert_eq!(statuses(&rows).await[3], (21, ScheduledStatus::Cancelled));
}

#[tokio::test]
async fn series_cancelled_during_a_delivery_does_not_continue() {
    let stored = Stored::fresh().await;
    let first = ScheduledDelivery {
        cancellation_keys: vec![key(1)],
        ..every_second(1, 9)
    };
    let rows = plan(&stored, std::slice::from_ref(&first)).await;
    let mine = rows.claim(&[first.id], claim("me", moment(2))).await.unwrap().remove(0);
    rows.cancel_earlier(&cancelling(5, 1, None)).await.unwrap();
    let settled = rows.settle(&mine, &OccurrenceOutcome::Completed, claim("me", moment(2)), true);
    assert!(!settled.await.unwrap(), "it was called off");
    // Had it been settled just before, its successor would be cancelled as soon as it is planned.
    plan(&stored, &[mine.successor(moment(0), moment(2)).unwrap()]).await;
    let expected = [(1, ScheduledStatus::Cancelled), (1, ScheduledStatus::Cancelled)];
    assert_eq!(statuses(&rows).await, expected);
    assert!(rows.due(moment(0), moment(1_000), &[], 10).await.unwrap().is_empty());
}
