//! Private servers keep acknowledged writes.

use std::time::Duration;

use ig_testkit::mongo;
use ig_testkit::mysql::{self, QueueRow};
use ig_testkit::servers::{Mariadb, Mongo};
use mongodb::bson::{Document, doc};
use mysql_async::prelude::Queryable as _;

#[tokio::test]
async fn mariadb_keeps_its_rows_after_a_kill() {
    let mut server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    let id = queue.insert(QueueRow::new(7, "order")).await;
    server.kill();
    assert!(queue.try_insert_many([QueueRow::new(7, "order")]).await.is_err());
    server.restart().await;
    let found: Option<u64> = queue
        .conn()
        .await
        .query_first("SELECT MAX(id) FROM notification_queue")
        .await
        .unwrap();
    assert_eq!(found, Some(id));
}

#[tokio::test]
async fn mongo_keeps_its_documents_after_a_kill_and_answers_after_a_freeze() {
    let mut server = Mongo::start().await;
    let database = mongo::database_on(&server.uri());
    let collection = database.open().await.collection::<Document>("a");
    collection.insert_one(doc! {"_id": 1}).await.unwrap();
    server.kill();
    server.restart().await;
    let after = database.open().await.collection::<Document>("a");
    server.freeze();
    let count = tokio::time::timeout(Duration::from_millis(300), after.count_documents(doc! {}));
    assert!(count.await.is_err());
    server.thaw();
    assert_eq!(after.count_documents(doc! {}).await.unwrap(), 1);
}
