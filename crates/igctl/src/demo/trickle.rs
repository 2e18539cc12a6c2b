//! Something that happens every other second.

use std::time::Duration;

use http::Method;
use ig_service::{Context, TaskKind};
use serde_json::{Value, json};

use super::queue_table::QueueTable;
use super::{EVENT_TYPE, ORG, UNIT};
use crate::api::Api;

const PERIOD: Duration = Duration::from_secs(2);
/// The tenant was made a moment ago; what is configured is in force within this time, and an event before that is nobody's.
const IN_FORCE: Duration = Duration::from_secs(1);

/// Where the demo's events enter: as rows where there is a MySQL, by push otherwise.
enum Entrance {
    Table(QueueTable),
    Push(Box<Api>),
}

/// Lets things happen until the shutdown.
pub(super) fn start(table: Option<QueueTable>, api: Api, context: &Context) {
    let entrance = table.map_or_else(|| Entrance::Push(Box::new(api)), Entrance::Table);
    let stopping = context.stopping().clone();
    context.spawn("trickle", TaskKind::RunsUntilShutdown, async move {
        stopping.run_until_cancelled(trickle(&entrance)).await;
        if let Entrance::Table(table) = entrance {
            table.close().await;
        }
    });
}

async fn trickle(entrance: &Entrance) {
    tokio::time::sleep(IN_FORCE).await;
    for number in 1_u64.. {
        if let Err(error) = entrance.let_in(number).await {
            tracing::warn!(error = format!("{error:#}"), "the demo's event did not get in");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

impl Entrance {
    async fn let_in(&self, number: u64) -> anyhow::Result<()> {
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

/// No two are alike, or the second would be taken for a repeat of the first.
fn payload(number: u64) -> Value {
    let id = format!("{:08x}-{number}", rand::random::<u32>());
    json!({ "id": id, "appointment": { "id": id, "number": number }, "patient": { "name": "Ada Demo" } })
}
