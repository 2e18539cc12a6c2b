//! Rows in the order of their positions.

use chrono::{TimeDelta, Utc};
use ig_core::ports::{EventSource as _, StartPosition};
use ig_sources::config::ColumnNames;
use ig_sources::{MySqlConfig, Start, TimeZone};
use ig_testkit::mysql::{self, QueueRow};
use ig_testkit::servers::Mariadb;
use mysql_async::prelude::Queryable as _;

use crate::{open, payload, positions, settings};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn row_is_read_with_all_its_columns() {
    let queue = mysql::database().await;
    let row = QueueRow::new(7, "order")
        .entity(701)
        .payload(r#"{"a":"ä"}"#)
        .trace_parent(TRACE);
    let id = queue.insert(row).await;
    let mut config = settings(&queue);
    config.columns.traceparent = Some("traceparent".to_owned());
    let rows = open(&config).read_after(0, 10).await.unwrap();
    assert_eq!(positions(&rows), [id]);
    assert_eq!(
        (rows[0].event_type.as_deref(), rows[0].entity_rid, rows[0].parent_rid),
        (Some("order"), Some(701), Some(7))
    );
    assert_eq!(
        (payload(&rows[0]), rows[0].trace_parent.as_deref()),
        (r#"{"a":"ä"}"#.as_bytes(), Some(TRACE))
    );
    assert!((Utc::now() - rows[0].created_at.unwrap()).abs() < TimeDelta::minutes(5));
}

#[tokio::test]
async fn batch_begins_after_its_position_and_ends_at_its_limit() {
    let queue = mysql::database().await;
    queue
        .insert_many([3, 5, 6, 9].map(|id| QueueRow::new(7, "order").id(id)))
        .await;
    let source = open(&settings(&queue));
    assert_eq!(positions(&source.read_after(0, 10).await.unwrap()), [3, 5, 6, 9]);
    assert_eq!(positions(&source.read_after(3, 2).await.unwrap()), [5, 6]);
    assert_eq!(positions(&source.read_after(9, 2).await.unwrap()), [0u64; 0]);
}

#[tokio::test]
async fn head_is_the_highest_id_or_0_without_rows() {
    let queue = mysql::database().await;
    let source = open(&settings(&queue));
    assert_eq!(source.head().await.unwrap(), 0);
    queue.insert(QueueRow::new(7, "order").id(41)).await;
    assert_eq!(source.head().await.unwrap(), 41);
}

#[tokio::test]
async fn configured_table_and_column_names_are_read() {
    let queue = mysql::database().await;
    queue
        .execute("CREATE TABLE `Outbox$1` (seq BIGINT PRIMARY KEY, `order` TEXT, body TEXT, unit INT, clinic INT, written BIGINT, tp TEXT)")
        .await;
    queue
        .execute("INSERT INTO `Outbox$1` VALUES (5, 'visit', '{}', 701, 7, 1767268800, 'x')")
        .await;
    let columns = ["seq", "order", "body", "unit", "clinic", "written"].map(ToOwned::to_owned);
    let [id, event_type, payload, entity_rid, parent_rid, created_at] = columns;
    let config = MySqlConfig {
        table: "Outbox$1".to_owned(),
        columns: ColumnNames {
            id,
            event_type,
            payload,
            entity_rid,
            parent_rid,
            created_at,
            traceparent: Some("tp".to_owned()),
        },
        ..settings(&queue)
    };
    let rows = open(&config).read_after(0, 10).await.unwrap();
    assert_eq!((positions(&rows), rows[0].event_type.as_deref()), (vec![5], Some("visit")));
    assert_eq!(
        (rows[0].entity_rid, rows[0].parent_rid, rows[0].trace_parent.as_deref()),
        (Some(701), Some(7), Some("x"))
    );
    assert_eq!(rows[0].created_at.unwrap().to_rfc3339(), "2026-01-01T12:00:00+00:00");
}

#[tokio::test]
async fn ranges_are_read_completely_and_in_order() {
    let queue = mysql::database().await;
    queue.insert_many((1..=1000).map(|id| QueueRow::new(7, "order").id(id))).await;
    let source = open(&settings(&queue));
    let ranges: Vec<_> = (0..150u64).map(|n| n * 6 + 1..=n * 6 + 2).collect();
    let expected: Vec<_> = ranges.iter().cloned().flatten().collect();
    assert_eq!(positions(&source.read_ranges(&ranges).await.unwrap()), expected);
    assert_eq!(source.read_ranges(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn start_is_as_configured() {
    let queue = mysql::database().await;
    let start = |start| {
        open(&MySqlConfig {
            start,
            ..settings(&queue)
        })
        .start()
    };
    assert_eq!(start(Start::Now), StartPosition::Now);
    assert_eq!(start(Start::Beginning), StartPosition::Beginning);
    assert_eq!(start(Start::After(9)), StartPosition::After(9));
}

#[tokio::test]
async fn batch_of_large_payloads_ends_early_and_continues_where_it_ended() {
    let queue = mysql::database().await;
    let payload = vec![b' '; 1024 * 1024];
    for _ in 0..7 {
        queue
            .insert_many((0..10).map(|_| QueueRow::new(7, "order").payload(payload.clone())))
            .await;
    }
    let source = open(&settings(&queue));
    let first = source.read_after(0, 1000).await.unwrap();
    assert_eq!(first.len(), 64, "64 MiB");
    let rest = source.read_after(first.last().unwrap().position, 1000).await.unwrap();
    assert_eq!(rest.len(), 6);
}

#[tokio::test]
async fn local_times_are_read_in_the_configured_zone_and_timestamps_in_utc() {
    let queue = mysql::database().await;
    let at = |zone: Option<TimeZone>| {
        let config = MySqlConfig {
            time_zone: zone,
            ..settings(&queue)
        };
        async move {
            let rows = open(&config).read_after(0, 10).await.unwrap();
            rows[0].created_at.unwrap().to_rfc3339()
        }
    };
    queue.insert(QueueRow::new(7, "order")).await;
    let new_york = TimeZone::Named("America/New_York".parse().unwrap());
    for (column, moment) in [
        ("DATETIME(3)", "2026-07-01T12:00:00+00:00"),
        ("TIMESTAMP(3) NULL", "2026-07-01T08:00:00+00:00"),
    ] {
        queue
            .execute(&format!("ALTER TABLE notification_queue MODIFY created_at {column}"))
            .await;
        let mut conn = queue.conn().await;
        conn.query_drop("SET SESSION time_zone = '+00:00'").await.unwrap();
        conn.query_drop("UPDATE notification_queue SET created_at = '2026-07-01 08:00:00'")
            .await
            .unwrap();
        assert_eq!(at(None).await, "2026-07-01T08:00:00+00:00", "{column}");
        assert_eq!(at(Some(new_york)).await, moment, "{column}");
    }
}

#[tokio::test]
async fn local_times_are_read_in_the_session_zone_where_configured() {
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    queue.execute("SET GLOBAL time_zone = '-05:00'").await;
    queue
        .execute("ALTER TABLE notification_queue MODIFY created_at DATETIME(3)")
        .await;
    queue.insert(QueueRow::new(7, "order")).await;
    queue
        .execute("UPDATE notification_queue SET created_at = '2026-07-01 08:00:00.250'")
        .await;
    let config = MySqlConfig {
        time_zone: Some(TimeZone::Session),
        ..settings(&queue)
    };
    let rows = open(&config).read_after(0, 10).await.unwrap();
    assert_eq!(rows[0].created_at.unwrap().to_rfc3339(), "2026-07-01T13:00:00.250+00:00");
}

#[tokio::test]
async fn visible_rows_are_found_within_thousands_of_ranges() {
    let queue = mysql::database().await;
    let ids = (0..1_000u64).map(|row| 3 + 3 * row);
    queue.insert_many(ids.map(|id| QueueRow::new(7, "order").id(id))).await;
    queue.insert(QueueRow::new(7, "order").id(1_001)).await;
    let gaps: Vec<_> = (0..1_000u64).map(|row| 3 * row + 1..=3 * row + 2).collect();
    let visible = open(&settings(&queue)).visible_positions(&gaps).await.unwrap();
    assert_eq!(visible, [1_001]);
}
