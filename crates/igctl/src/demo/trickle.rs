//! Submits an event every two seconds.

use std::time::Duration;

use http::Method;
use ig_service::{Context, TaskKind};
use serde_json::{Value, json};

use super::queue_table::QueueTable;
use super::{EVENT_TYPE, ORG, UNIT};
use crate::api::Api;

const PERIOD: Duration = Duration::from_secs(2);
/// The new tenant's configuration takes effect within this time; an earlier event would match no integration.
const CONFIGURATION_DELAY: Duration = Duration::from_secs(1);

/// How the demo submits events: as rows if there is a MySQL, by push otherwise.
enum EventInput {
    Table(QueueTable),
    Push(Box<Api>),
}

/// Submits events until the shutdown.
pub(super) fn start(table: Option<QueueTable>, api: Api, context: &Context) {
    let input = table.map_or_else(|| EventInput::Push(Box::new(api)), EventInput::Table);
    let stopping = context.stopping().clone();
    context.spawn("trickle", TaskKind::RunsUntilShutdown, async move {
        stopping.run_until_cancelled(submit_events(&input)).await;
        if let EventInput::Table(table) = input {
            table.close().await;
        }
    });
}

async fn submit_events(input: &EventInput) {
    tokio::time::sleep(CONFIGURATION_DELAY).await;
    for number in 1_u64.. {
        if let Err(error) = input.submit(number).await {
            tracing::warn!(error = format!("{error:#}"), "the demo's event did not get in");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

impl EventInput {
    async fn submit(&self, number: u64) -> anyhow::Result<()> {
        match self {
            Self::Table(table) => table.insert(&payload(number)).await,
            Self::Push(api) => {
                let path = format!("/events?orgId={ORG}");
                api.send(Method::POST, &path, &event(number)).await.map(drop)
            }
        }
    }
}

fn event(number: u64) -> Value {
    json!({ "eventType": EVENT_TYPE, "entityRid": UNIT, "payload": payload(number) })
}

/// Every payload is unique, or deduplication would drop it.
fn payload(number: u64) -> Value {
    let id = format!("{:08x}-{number}", rand::random::<u32>());
    json!({ "id": id, "appointment": { "id": id, "number": number }, "patient": { "name": "Ada Demo" } })
}
