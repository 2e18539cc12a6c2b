//! Delivery statistics: the database counts what was written.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use ig_core::calendar::{Grid, Interval, Period};
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::figures::{DeliveryFigures, StatusClass};
use ig_core::id::{EventType, OrgId};
use ig_core::latency::class_of;
use ig_core::outcome::ErrorCategory;
use ig_core::ports::Journal as _;
use ig_core::schedule::Zone;
use ig_store::{CountError, DeliveryScope, Orgs, Store};
use ig_testkit::builders;

use crate::deliveries::{delivery, recorded};
use crate::stored::{Stored, moment};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A delivery that started at a time; without a duration, it made no request.
pub(crate) fn log(org: i64, number: i64, at: Timestamp, status: DeliveryStatus, millis: Option<u64>) -> DeliveryLog {
    let mut log = delivery(org, number);
    log.status = status;
    log.created_at = at;
    log.expires_at = moment(0);
    log.error = match status {
        DeliveryStatus::Success | DeliveryStatus::Skipped => None,
        _ => Some((ErrorCategory::ServerError, format!("failure {number}"))),
    };
    match millis {
        Some(millis) => log.attempts[1].duration = Duration::from_millis(millis),
        None => log.attempts.clear(),
    }
    log
}

pub(crate) async fn record(store: &Store, logs: &[DeliveryLog]) {
    let entries: Vec<_> = logs.iter().cloned().map(recorded).collect();
    for part in entries.chunks(500) {
        store.journal().record(part).await.unwrap();
    }
}

/// The same figures, counted in the test.
fn counted<'a>(logs: impl IntoIterator<Item = &'a DeliveryLog>) -> DeliveryFigures {
    let mut figures = DeliveryFigures::default();
    figures.extend(logs.into_iter().map(|log| {
        let last = log.attempts.last().map(|attempt| attempt.duration);
        StatusClass {
            status: log.status,
            class: last.map(class_of),
            count: 1,
            attempts: log.attempts.len() as u64,
            response_time: last.unwrap_or_default(),
        }
    }));
    figures
}

/// Deliveries of every status and of durations from zero to an hour, 37 s apart.
fn mixed(org: i64, start: Timestamp, count: i64) -> Vec<DeliveryLog> {
    let of = |number: i64| {
        let seed = number.unsigned_abs().wrapping_mul(2_654_435_761) % 1_000;
        let status = DeliveryStatus::ALL[usize::try_from(seed).unwrap() % DeliveryStatus::ALL.len()];
        let millis = (!seed.is_multiple_of(7)).then(|| seed.pow(3) / 277);
        log(org, number, start + TimeDelta::seconds(37 * number), status, millis)
    };
    (0..count).map(of).collect()
}

pub(crate) fn scope(org: i64, start: Timestamp, end: Timestamp) -> DeliveryScope {
    DeliveryScope::all(Orgs::one(OrgId(org)), Period::new(start, end).unwrap())
}

#[tokio::test]
async fn summary_covers_its_period_and_organisation_alone() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let start = at("2024-05-01T00:00:00Z");
    let (ours, theirs) = (mixed(7, start, 600), mixed(8, start, 50));
    record(&store, &ours).await;
    record(&store, &theirs).await;
    let (from, to) = (ours[100].created_at, ours[500].created_at);
    let statistics = store.delivery_statistics();
    let found = statistics.summary(&scope(7, from, to)).await.unwrap();
    assert_eq!(found, counted(&ours[100..500]));
    let everybody = DeliveryScope::all(
        Orgs::platform([OrgId(7), OrgId(8)]),
        Period::new(start, start + TimeDelta::days(1)).unwrap(),
    );
    let found = statistics.summary(&everybody).await.unwrap();
    assert_eq!(found, counted(ours.iter().chain(&theirs)));
    let nothing = statistics.summary(&scope(9, start, to)).await.unwrap();
    assert_eq!(nothing, DeliveryFigures::default());
}

#[tokio::test]
async fn figures_over_time_fall_into_their_intervals_across_clock_changes() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let start = at("2024-03-29T00:00:00Z");
    let apart = TimeDelta::minutes(7);
    let logs: Vec<_> = (0..1_300_i32)
        .map(|number| {
            let millis = u64::from(number.unsigned_abs() % 90);
            let at = start + apart * number;
            log(7, number.into(), at, DeliveryStatus::Success, Some(millis))
        })
        .collect();
    record(&store, &logs).await;
    // Clocks go forward on 31 March in Berlin, and back by half an hour on 7 April on Lord Howe.
    for name in ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana"] {
        let zone: Zone = name.parse().unwrap();
        for interval in [Interval::Hour, Interval::Day, Interval::Week, Interval::Month] {
            let scope = scope(7, start + TimeDelta::minutes(95), start + TimeDelta::days(11));
            let grid = Grid::cut(scope.period, interval, zone, 1_000).unwrap();
            let found = store
                .delivery_statistics()
                .over_time(&scope, &grid, interval, zone)
                .await
                .unwrap();
            assert_eq!(found.len(), grid.count());
            for (piece, figures) in grid.pieces().zip(found) {
                let inside = |log: &&DeliveryLog| piece.start() <= log.created_at && log.created_at < piece.end();
                assert_eq!(figures, counted(logs.iter().filter(inside)), "{name} {interval:?} {piece:?}");
            }
        }
    }
}

#[tokio::test]
async fn integrations_and_event_types_are_sorted_by_count() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let start = at("2024-05-01T00:00:00Z");
    let mut logs = mixed(7, start, 90);
    for (number, log) in logs.iter_mut().enumerate() {
        // 15, 30 and 45 of them.
        let group = [0, 1, 1, 2, 2, 2][number % 6];
        log.integration.id = builders::integration_id(group);
        log.integration.name = format!("Integration {group}");
        log.event.event_type = EventType::new(format!("type-{group}"));
    }
    record(&store, &logs).await;
    let scope = scope(7, start, start + TimeDelta::days(1));
    let statistics = store.delivery_statistics();
    let of = |group: u64| {
        counted(
            logs.iter()
                .filter(move |log| log.integration.id == builders::integration_id(group)),
        )
    };
    let integrations = statistics.by_integration(&scope, 2).await.unwrap();
    let found: Vec<_> = integrations
        .iter()
        .map(|found| (found.id, found.name.as_str(), &found.figures))
        .collect();
    assert_eq!(
        found,
        [
            (builders::integration_id(2), "Integration 2", &of(2)),
            (builders::integration_id(1), "Integration 1", &of(1))
        ]
    );
    let types = statistics.by_event_type(&scope, 10).await.unwrap();
    let expected = [2, 1, 0].map(|group| (EventType::new(format!("type-{group}")), of(group)));
    assert_eq!(types, expected);
    for narrowed in [
        DeliveryScope {
            integration_id: Some(builders::integration_id(1)),
            ..scope.clone()
        },
        DeliveryScope {
            event_type: Some(EventType::new("type-1")),
            ..scope.clone()
        },
    ] {
        assert_eq!(statistics.summary(&narrowed).await.unwrap(), of(1));
    }
}

#[tokio::test]
async fn errors_are_grouped_by_category_with_the_latest_message() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let start = at("2024-05-01T00:00:00Z");
    let second = |number| start + TimeDelta::seconds(number);
    let mut logs: Vec<_> = (0..6)
        .map(|number| log(7, number, second(number), DeliveryStatus::Failed, Some(1)))
        .collect();
    logs.push(log(7, 6, second(6), DeliveryStatus::Success, Some(1)));
    logs.push(log(8, 7, second(7), DeliveryStatus::Failed, Some(1)));
    logs[4].error = Some((ErrorCategory::Timeout, "too slow".to_owned()));
    logs[4].status = DeliveryStatus::Abandoned;
    logs[5].integration.id = builders::integration_id(2);
    logs[5].status = DeliveryStatus::Retrying;
    record(&store, &logs).await;
    let scope = scope(7, start, start + TimeDelta::days(1));
    let errors = store.delivery_statistics().errors(&scope, 10).await.unwrap();
    let categories: Vec<_> = errors
        .by_category
        .iter()
        .map(|found| (found.category, found.count, found.last_message.as_str(), found.last_at))
        .collect();
    assert_eq!(
        categories,
        [
            (ErrorCategory::ServerError, 5, "failure 5", second(5)),
            (ErrorCategory::Timeout, 1, "too slow", second(4))
        ]
    );
    let pairs: Vec<_> = errors
        .by_integration
        .iter()
        .map(|found| {
            (
                found.id,
                found.errors.category,
                found.errors.count,
                found.errors.last_message.as_str(),
            )
        })
        .collect();
    let (first, other) = (builders::integration_id(1), builders::integration_id(2));
    assert_eq!(
        pairs,
        [
            (first, ErrorCategory::ServerError, 4, "failure 3"),
            (first, ErrorCategory::Timeout, 1, "too slow"),
            (other, ErrorCategory::ServerError, 1, "failure 5")
        ]
    );
    let of_one = DeliveryScope {
        integration_id: Some(other),
        ..scope.clone()
    };
    let errors = store.delivery_statistics().errors(&of_one, 10).await.unwrap();
    assert_eq!((errors.by_category.len(), errors.by_integration.len()), (1, 1));
    assert_eq!(
        store
            .delivery_statistics()
            .errors(&scope, 1)
            .await
            .unwrap()
            .by_integration
            .len(),
        1
    );
}

#[tokio::test]
async fn recent_deliveries_are_those_of_the_last_hour_and_the_last_24() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let ages = [1, 4, 6, 59, 61, 23 * 60, 25 * 60];
    let logs: Vec<_> = (0..)
        .zip(ages)
        .map(|(number, minutes)| log(7, number, now - TimeDelta::minutes(minutes), DeliveryStatus::Success, Some(5)))
        .collect();
    record(&store, &logs).await;
    record(
        &store,
        &[log(8, 9, now - TimeDelta::minutes(1), DeliveryStatus::Failed, None)],
    )
    .await;
    let statistics = store.delivery_statistics();
    let recent = statistics.recent(&Orgs::one(OrgId(7)), now).await.unwrap();
    assert_eq!(recent.per_minute, Some(0.4));
    assert_eq!(recent.last_hour, Some(counted(&logs[..4])));
    assert_eq!(recent.last_day, Some(counted(&logs[..6])));
    let all = statistics.recent(&Orgs::platform([OrgId(7), OrgId(8)]), now).await.unwrap();
    assert_eq!(all.per_minute, Some(0.6));
    let none = statistics.recent(&Orgs::one(OrgId(9)), now).await.unwrap();
    assert_eq!(
        (none.per_minute, none.last_day),
        (Some(0.0), Some(DeliveryFigures::default()))
    );
}

#[tokio::test]
async fn statistics_that_take_too_long_fail_as_too_much() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let now = at("2024-05-03T00:00:00Z");
    let logs = mixed(7, now - TimeDelta::hours(24), 2_300);
    record(&store, &logs).await;
    // The server counts in milliseconds, and no server reads so many deliveries in one.
    let timeout = Duration::from_millis(1);
    let statistics = store.delivery_statistics().with_timeout(timeout);
    let scope = scope(7, now - TimeDelta::days(1), now);
    assert_eq!(statistics.summary(&scope).await, Err(CountError::TooMuch(timeout)));
    assert_eq!(statistics.errors(&scope, 10).await, Err(CountError::TooMuch(timeout)));
    let recent = statistics.recent(&Orgs::one(OrgId(7)), now).await.unwrap();
    assert_eq!(recent.last_day, None, "a dashboard does without");
}
