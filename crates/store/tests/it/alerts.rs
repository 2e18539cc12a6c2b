//! The alert centre's log: notifications, repetitions and organisations.

use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::id::OrgId;
use ig_store::{AlertFilter, AlertTimes, Page, Store};

use crate::stored::{Stored, moment};

const TIMES: AlertTimes = AlertTimes {
    quiet: Duration::from_secs(10),
    keep: Duration::from_hours(24),
};

fn alert(org: Option<i64>, kind: &str, key: &str) -> Alert {
    Alert {
        org_id: org.map(OrgId),
        kind: kind.to_owned(),
        key: key.to_owned(),
        severity: Severity::Critical,
        message: format!("{kind} of {key}"),
        at: moment(0),
    }
}

async fn raise(store: &Store, alert: &Alert, second: i64) {
    store.alerts().raise(alert, TIMES, moment(second)).await.unwrap();
}

async fn kinds(store: &Store, filter: AlertFilter) -> Vec<String> {
    let listed = store.alerts().list(Some(OrgId(7)), &filter, Page::first(50)).await.unwrap();
    assert_eq!(listed.total, listed.items.len() as u64);
    listed.items.into_iter().map(|kept| kept.alert.kind).collect()
}

#[tokio::test]
async fn alerts_are_listed_newest_first_by_every_filter() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    raise(&store, &alert(Some(7), "circuit-open", "a"), 1).await;
    raise(&store, &alert(Some(7), "given-up", "b"), 2).await;
    let mild = Alert {
        severity: Severity::Info,
        ..alert(Some(7), "late", "c")
    };
    raise(&store, &mild, 3).await;
    raise(&store, &alert(Some(8), "circuit-open", "d"), 4).await;
    raise(&store, &alert(None, "circuit-open", "e"), 5).await;
    let table = [
        (AlertFilter::default(), vec!["late", "given-up", "circuit-open"]),
        (
            AlertFilter {
                kind: Some("given-up".to_owned()),
                ..AlertFilter::default()
            },
            vec!["given-up"],
        ),
        (
            AlertFilter {
                severity: Some(Severity::Info),
                ..AlertFilter::default()
            },
            vec!["late"],
        ),
        (
            AlertFilter {
                start: Some(moment(2)),
                end: Some(moment(3)),
                ..AlertFilter::default()
            },
            vec!["given-up"],
        ),
    ];
    for (filter, expected) in table {
        assert_eq!(kinds(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn alert_reported_again_is_counted_at_its_place_in_the_list() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let first = alert(Some(7), "circuit-open", "a");
    raise(&store, &first, 1).await;
    raise(&store, &alert(Some(7), "given-up", "b"), 2).await;
    raise(&store, &first, 3).await;
    let listed = store
        .alerts()
        .list(Some(OrgId(7)), &AlertFilter::default(), Page::first(50))
        .await
        .unwrap();
    let kept = &listed.items[1];
    assert_eq!((&kept.alert, kept.count), (&first, 2));
    assert_eq!(
        (kept.first_at, kept.last_at, kept.quiet_until),
        (moment(1), moment(3), moment(11))
    );
    let found = store.alerts().get(OrgId(7), &kept.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(kept));
    assert_eq!(store.alerts().get(OrgId(8), &kept.id).await.unwrap(), None);
}

#[tokio::test]
async fn long_list_of_alerts_is_counted_no_further_than_needed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    // Close together at first, then ever further apart.
    for part in (0..900).collect::<Vec<i64>>().chunks(50) {
        let raised = part.iter().map(|number| {
            let (store, about) = (store.clone(), alert(Some(7), "given-up", &number.to_string()));
            async move { raise(&store, &about, -number * number).await }
        });
        futures::future::join_all(raised).await;
    }
    raise(&store, &alert(None, "given-up", "nobody's"), 1).await;
    let list = async |org, number| {
        let page = Page { number, limit: 200 };
        store.alerts().list(org, &AlertFilter::default(), page).await.unwrap()
    };
    let first = list(Some(OrgId(7)), 1).await;
    assert!(first.total >= 700 && !first.is_exact, "{}", first.total);
    let mut found = first.items;
    for number in 2..=5 {
        found.extend(list(Some(OrgId(7)), number).await.items);
    }
    let keys: Vec<_> = found.into_iter().map(|kept| kept.alert.key).collect();
    assert_eq!(keys, (0..900).map(|number| number.to_string()).collect::<Vec<_>>());
    let last = list(Some(OrgId(7)), 6).await;
    assert_eq!((last.items.len(), last.total, last.is_exact), (0, 900, true));
    assert_eq!(list(None, 1).await.total, 1);
}
