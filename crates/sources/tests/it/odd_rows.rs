//! Malformed rows never stop the stream.

use ig_core::event::RowPayload;
use ig_core::ports::EventSource as _;
use ig_testkit::mysql::{self, QueueRow};
use ig_testkit::servers::Mariadb;
use mysql_async::prelude::Queryable as _;

use crate::{open, payload, positions, settings};

#[tokio::test]
async fn oversized_payload_is_reported_by_size_and_not_transferred() {
    const TWENTY_MIB: usize = 20 * 1024 * 1024;
    // A server of its own, so that bytes sent to other tests do not count.
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    let source = open(&settings(&queue));
    queue.insert(QueueRow::new(7, "order").payload(vec![b'x'; TWENTY_MIB])).await;
    queue.insert(QueueRow::new(7, "order").payload(vec![b'x'; 1024 * 1024])).await;
    let before = queue.bytes_sent().await;
    let rows = source.read_after(0, 10).await.unwrap();
    let sent = queue.bytes_sent().await - before;
    assert_eq!(
        rows[0].payload,
        RowPayload::TooLarge {
            bytes: TWENTY_MIB as u64
        }
    );
    assert_eq!(payload(&rows[1]).len(), 1024 * 1024);
    assert!(sent < 8 * 1024 * 1024, "the server sent {sent} bytes");
}

#[tokio::test]
async fn row_of_nulls_is_read() {
    let queue = mysql::database().await;
    let id = queue.insert(QueueRow::empty()).await;
    queue.execute("UPDATE notification_queue SET created_at = NULL").await;
    let rows = open(&settings(&queue)).read_after(0, 10).await.unwrap();
    let row = &rows[0];
    assert_eq!((row.position, &row.payload), (id, &RowPayload::Missing));
    assert_eq!(
        (&row.event_type, row.entity_rid, row.parent_rid, row.created_at),
        (&None, None, None, None)
    );
}

#[tokio::test]
async fn empty_payload_is_present_and_empty() {
    let queue = mysql::database().await;
    queue.insert(QueueRow::new(7, "order").payload("")).await;
    let rows = open(&settings(&queue)).read_after(0, 10).await.unwrap();
    assert_eq!(payload(&rows[0]), b"");
}

#[tokio::test]
async fn invalid_utf8_payload_is_read_unchanged() {
    let queue = mysql::database().await;
    queue
        .execute("ALTER TABLE notification_queue MODIFY payload LONGBLOB, MODIFY event_type VARBINARY(20)")
        .await;
    queue.insert(QueueRow::new(7, "order").payload(vec![0xff, 0, 0xfe])).await;
    queue.execute("UPDATE notification_queue SET event_type = x'61ff'").await;
    let rows = open(&settings(&queue)).read_after(0, 10).await.unwrap();
    assert_eq!(payload(&rows[0]), [0xff, 0, 0xfe]);
    assert_eq!(rows[0].event_type.as_deref(), Some("a\u{fffd}"));
}

#[tokio::test]
async fn unusual_column_types_are_read_as_far_as_possible() {
    let queue = mysql::database().await;
    queue
        .execute(
            "CREATE OR REPLACE TABLE notification_queue (id INT UNSIGNED PRIMARY KEY, event_type ENUM('visit'), payload JSON, \
             entity_rid VARCHAR(20), entity_parent_rid DECIMAL(10), created_at DATETIME(6))",
        )
        .await;
    queue
        .execute(
            "INSERT INTO notification_queue VALUES (1, 'visit', '{}', ' 701', 7, '2026-01-01 12:00:00.25'), \
             (2, 'visit', '[]', 'seven', NULL, NULL)",
        )
        .await;
    let rows = open(&settings(&queue)).read_after(0, 10).await.unwrap();
    assert_eq!(positions(&rows), [1, 2]);
    assert_eq!(
        (rows[0].event_type.as_deref(), payload(&rows[0])),
        (Some("visit"), b"{}".as_slice())
    );
    assert_eq!((rows[0].entity_rid, rows[0].parent_rid), (Some(701), Some(7)));
    assert_eq!(rows[0].created_at.unwrap().to_rfc3339(), "2026-01-01T12:00:00.250+00:00");
    assert_eq!((rows[1].entity_rid, rows[1].parent_rid), (None, None));
}

#[tokio::test]
async fn created_at_is_utc_whatever_the_zone_of_the_writer() {
    let queue = mysql::database().await;
    let mut conn = queue.conn().await;
    conn.query_drop("SET time_zone = '+05:30'").await.unwrap();
    let insert = "INSERT INTO notification_queue (created_at) VALUES ('2026-01-01 17:30:00')";
    conn.query_drop(insert).await.unwrap();
    let rows = open(&settings(&queue)).read_after(0, 10).await.unwrap();
    assert_eq!(rows[0].created_at.unwrap().to_rfc3339(), "2026-01-01T12:00:00+00:00");
}
