//! Test queues and databases.

use ig_testkit::mongo;
use ig_testkit::mysql::{self, QueueRow, TestQueue};
use mongodb::bson::{Document, doc};
use mysql_async::prelude::Queryable as _;

async fn ids(queue: &TestQueue) -> Vec<u64> {
    queue
        .conn()
        .await
        .query("SELECT id FROM notification_queue ORDER BY id")
        .await
        .unwrap()
}

#[tokio::test]
async fn transaction_gives_rows_ids_and_shows_them_after_its_commit() {
    let queue = mysql::database().await;
    let mut transaction = queue.begin().await;
    let late = transaction.insert(QueueRow::new(7, "order")).await;
    let early = queue.insert(QueueRow::new(7, "order")).await;
    assert!(late < early);
    assert_eq!(ids(&queue).await, [early]);
    transaction.commit().await;
    assert_eq!(ids(&queue).await, [late, early]);
}

#[tokio::test]
async fn queue_inserts_many_rows_at_once() {
    let queue = mysql::database().await;
    queue.insert_many((0..1200).map(|_| QueueRow::new(7, "order"))).await;
    assert_eq!(ids(&queue).await.len(), 1200);
}

#[tokio::test]
async fn test_database_is_dropped_with_its_value_where_the_server_is_to_drop_it() {
    let database = mongo::database();
    let (name, client) = (database.name.clone(), database.client().await);
    client
        .database(&name)
        .collection::<Document>("a")
        .insert_one(doc! {"b": 1})
        .await
        .unwrap();
    assert!(client.list_database_names().await.unwrap().contains(&name));
    drop(database);
    let is_there = client.list_database_names().await.unwrap().contains(&name);
    assert_eq!(is_there, std::env::var_os("IG_TEST_MONGODB_DROP").is_none());
}
