//! Makes a new mongod a replica set of one: a standalone server has neither transactions nor change streams.

use std::time::Duration;

use anyhow::Context as _;
use mongodb::Client;
use mongodb::bson::{Document, doc};

const TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Initiates the replica set if needed, and waits until the server accepts writes.
pub(crate) async fn replica_set(uri: &str) -> anyhow::Result<()> {
    let client = Client::with_uri_str(uri).await?;
    let result = tokio::time::timeout(TIMEOUT, initiate(&client)).await;
    result.context("mongod does not become a replica set's primary")?
}

async fn initiate(client: &Client) -> anyhow::Result<()> {
    let admin = client.database("admin");
    loop {
        let hello = admin.run_command(doc! { "hello": 1 }).await?;
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            return Ok(());
        }
        if !is_initiated(&hello) {
            admin
                .run_command(doc! { "replSetInitiate": {} })
                .await
                .context("mongod refuses to be a replica set")?;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn is_initiated(hello: &Document) -> bool {
    hello.contains_key("setName")
}
