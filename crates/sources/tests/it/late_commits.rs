//! Rows that become visible after later ones.

use ig_core::ports::EventSource as _;
use ig_testkit::mysql::{self, QueueRow};

use crate::{open, positions, settings};

#[tokio::test]
async fn late_commit_is_found_in_its_gap() {
    let queue = mysql::database().await;
    let source = open(&settings(&queue));
    queue.insert(QueueRow::new(7, "order").id(9)).await;
    let mut late = queue.begin().await;
    assert_eq!(late.insert(QueueRow::new(7, "late")).await, 10);
    assert_eq!(queue.insert(QueueRow::new(7, "order")).await, 11);

    assert_eq!(positions(&source.read_after(0, 10).await.unwrap()), [9, 11]);
    assert_eq!(source.read_ranges(&[10..=10]).await.unwrap(), []);

    late.commit().await;
    let found = source.read_ranges(&[10..=10]).await.unwrap();
    assert_eq!((positions(&found), found[0].event_type.as_deref()), (vec![10], Some("late")));
}
