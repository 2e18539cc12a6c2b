//! A fresh mongod becomes a replica set of one: without that it has neither transactions nor change streams.

use std::time::Duration;

use anyhow::Context as _;
use mongodb::Client;
use mongodb::bson::{Document, doc};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// Tells the server, unless it is one already, and waits until it takes writes.
pub(crate) async fn replica_set(uri: &str) -> anyhow::Result<()> {
    let client = Client::with_uri_str(uri).await?;
    let until = tokio::time::timeout(PATIENCE, writable(&client)).await;
    until.context("mongod does not become a replica set's primary")?
}

async fn writable(client: &Client) -> anyhow::Result<()> {
    let admin = client.database("admin");
    loop {
        let hello = admin.run_command(doc! { "hello": 1 }).await?;
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            return Ok(());
        }
        if !belongs_to_a_set(&hello) {
            admin
                .run_command(doc! { "replSetInitiate": {} })
                .await
                .context("mongod refuses to be a replica set")?;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn belongs_to_a_set(hello: &Document) -> bool {
    hello.contains_key("setName")
}
