//! The organisation of an entity.

use ig_core::id::{OrgId, Rid};
use ig_core::ports::{EventSource as _, SourceError};
use ig_testkit::mysql::{self, QueueRow};

use crate::{open, settings};

#[tokio::test]
async fn parent_of_an_entity_comes_from_the_entity_table() {
    let queue = mysql::database().await;
    queue.entity(701, Some(7)).await;
    queue.entity(7, None).await;
    let source = open(&settings(&queue));
    assert_eq!(source.parent_of(Rid(701)).await, Ok(Some(OrgId(7))));
    assert_eq!(source.parent_of(Rid(7)).await, Ok(None));
    assert_eq!(source.parent_of(Rid(9)).await, Ok(None));
}

#[tokio::test]
async fn parent_lookups_are_cached() {
    let queue = mysql::database().await;
    queue.entity(701, Some(7)).await;
    let source = open(&settings(&queue));
    source.parent_of(Rid(701)).await.unwrap();
    queue.execute("DROP TABLE u_entity").await;
    assert_eq!(source.parent_of(Rid(701)).await, Ok(Some(OrgId(7))));
}

#[tokio::test]
async fn parent_is_unknown_without_the_table_and_rows_are_read() {
    let queue = mysql::database().await;
    queue.execute("DROP TABLE u_entity").await;
    queue.insert(QueueRow::new(7, "order")).await;
    let source = open(&settings(&queue));
    assert_eq!(source.parent_of(Rid(701)).await, Ok(None));
    assert_eq!(source.read_after(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn parent_lookup_names_a_wrong_column_with_its_key() {
    let queue = mysql::database().await;
    let mut config = settings(&queue);
    config.entity_table.parent_rid = "above".to_owned();
    let Err(SourceError::Misconfigured(problem)) = open(&config).parent_of(Rid(701)).await else {
        panic!("the column is not there");
    };
    assert!(
        problem.contains("sources.mysql.entity_table.parent_rid = \"above\""),
        "{problem}"
    );
}
