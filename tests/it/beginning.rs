//! Where a source is read from.

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::Receiver;
use serde_json::json;

use crate::setup::ORG;
use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_right_after_a_worker_is_ready_for_the_first_time_is_delivered() {
    for _ in 0..3 {
        let mongo: TestDatabase = ig_testkit::mongo::database();
        let queue: TestQueue = ig_testkit::mysql::database().await;
        let receiver = Receiver::start();
        queue.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "before"}))).await;
        let stack = Stack::start(&mongo).await;
        stack.api.org(ORG).await;
        stack.api.integration(ORG, "lab", &receiver.url("/hook"), json!({})).await;
        let _worker = stack.worker_with(&queue, &[("IG__SOURCES__MYSQL__START", "now")]).await;
        queue.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "after"}))).await;
        let received = receiver.wait_for(1).await;
        assert_eq!(received[0].json()["row"], "after");
    }
}
