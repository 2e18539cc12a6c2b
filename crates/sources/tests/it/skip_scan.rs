//! Skip scans past rows of some kinds.

use ig_core::id::Position;
use ig_core::ports::{EventSource, SkipScanBatch};
use ig_core::stream::RowKind;
use ig_sources::{MySqlSource, PushSource};
use ig_testkit::builders;
use ig_testkit::mysql::{self, QueueRow, TestQueue};

use crate::push::Pushed;
use crate::{open, positions, settings};

const FAR: u64 = 1_000_000;

fn hog() -> RowKind {
    RowKind {
        parent_rid: 7,
        event_type: "lab".to_owned(),
    }
}

async fn past_hog(source: &MySqlSource, after: Position, limit: usize) -> SkipScanBatch {
    source.read_skipping(after, limit, FAR, &[hog()]).await.unwrap()
}

/// 5,000 rows of one organisation.
async fn backlog() -> (TestQueue, MySqlSource) {
    let queue = mysql::database().await;
    queue.insert_many((1..=5_000).map(|id| QueueRow::new(7, "lab").id(id))).await;
    let source = open(&settings(&queue));
    (queue, source)
}

#[tokio::test]
async fn skip_scan_reaches_the_first_row_behind_a_backlog() {
    let (queue, source) = backlog().await;
    queue.insert(QueueRow::new(8, "lab").id(5_001)).await;
    let batch = past_hog(&source, 0, 100).await;
    assert_eq!(
        (positions(&batch.rows), batch.read_to, batch.gaps),
        (vec![5_001], 5_001, vec![])
    );
    let batch = past_hog(&source, 4_990, 100).await;
    assert_eq!((positions(&batch.rows), batch.read_to), (vec![5_001], 5_001));
}

#[tokio::test]
async fn skip_scan_skips_only_exactly_equal_kinds() {
    let (queue, source) = backlog().await;
    let near = [
        QueueRow::new(7, "LAB"),
        QueueRow::new(7, "lab "),
        QueueRow::new(7, "láb"),
        QueueRow::new(7, "lab").parent(None),
        QueueRow::new(7, ""),
        QueueRow::new(77, "lab"),
        QueueRow::empty(),
    ];
    let count = near.len() as u64;
    queue.insert_many((5_001..).zip(near).map(|(id, row)| row.id(id))).await;
    let batch = past_hog(&source, 0, 100).await;
    assert_eq!(positions(&batch.rows), (5_001..5_001 + count).collect::<Vec<_>>());
}

#[tokio::test]
async fn skip_scan_compares_parents_exactly() {
    let (queue, source) = backlog().await;
    queue
        .execute("ALTER TABLE notification_queue MODIFY entity_parent_rid VARCHAR(20)")
        .await;
    queue
        .execute("INSERT INTO notification_queue (id, event_type, entity_parent_rid) VALUES (5001, 'lab', '7abc')")
        .await;
    assert_eq!(positions(&past_hog(&source, 0, 100).await.rows), [5_001]);
}

#[tokio::test]
async fn skip_scan_reports_gaps_and_finds_late_rows_in_them() {
    let queue = mysql::database().await;
    let missing = [1, 2, 999, 1_000, 2_500, 4_100];
    let ids = (1..=5_000).filter(|id| !missing.contains(id) && !(3_000..=3_999).contains(id));
    queue.insert_many(ids.map(|id| QueueRow::new(7, "lab").id(id))).await;
    let source = open(&settings(&queue));
    let batch = past_hog(&source, 0, 100).await;
    assert_eq!(batch.gaps, [1..=2, 999..=1_000, 2_500..=2_500, 3_000..=3_999, 4_100..=4_100]);
    assert_eq!((batch.rows, batch.read_to), (vec![], 5_000));

    queue.insert(QueueRow::new(8, "lab").id(2_500)).await;
    let batch = past_hog(&source, 0, 100).await;
    assert_eq!(
        positions(&batch.rows),
        [2_500],
        "a block with a gap is read, not only counted"
    );
}

#[tokio::test]
async fn skip_scan_ends_where_there_is_enough_to_do_and_continues_there() {
    let (queue, source) = backlog().await;
    queue
        .insert_many((5_001..=8_000).map(|id| QueueRow::new(8, "lab").id(id)))
        .await;
    let (mut at, mut seen) = (0, Vec::new());
    while at < 8_000 {
        let batch = past_hog(&source, at, 100).await;
        assert!(batch.read_to > at && batch.rows.len() <= 1_100, "{}", batch.rows.len());
        at = batch.read_to;
        seen.extend(positions(&batch.rows));
    }
    assert_eq!(seen, (5_001..=8_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn skip_scan_reads_where_nothing_can_be_counted() {
    let (queue, source) = backlog().await;
    assert_eq!(past_hog(&source, 5_000, 100).await, SkipScanBatch::of_all(5_000, Vec::new()));
    queue.insert(QueueRow::new(8, "lab").id(5_000 + 3 * FAR)).await;
    let batch = past_hog(&source, 5_000, 100).await;
    assert_eq!((batch.read_to, batch.gaps), (5_000 + 3 * FAR, vec![5_001..=4_999 + 3 * FAR]));
}

#[tokio::test]
async fn read_past_reads_everything_by_default() {
    let rows: Vec<_> = [2, 3].map(|position| builders::row(position, 7, "lab")).into();
    let source = PushSource::new(Pushed(Ok(rows.clone())));
    let batch = source.read_skipping(0, 10, FAR, &[hog()]).await.unwrap();
    assert_eq!((batch.rows, batch.read_to, batch.gaps), (rows, 3, vec![1..=1]));
}
