//! Receives deliveries and prints the first ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode, Uri};
use ig_service::{Context, TaskKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::BOOKINGS_PATH;
use crate::output;

/// The number of printed deliveries; more would only scroll by.
const MAX_SHOWN: usize = 6;
const MAX_BODY_CHARS: usize = 160;

#[derive(Debug, Clone, Default)]
struct Received {
    delivered: Arc<AtomicUsize>,
    booked: Arc<AtomicUsize>,
}

/// Serves until the shutdown.
pub(super) fn serve(listener: TcpListener, context: &Context) {
    let router = Router::new()
        .route(BOOKINGS_PATH, post(book))
        .fallback(receive)
        .with_state(Received::default());
    let stopping = context.stopping().clone();
    context.spawn("receiver", TaskKind::RunsUntilShutdown, async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stopping.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the demo's receiver failed");
        }
    });
}

/// An outside API, which answers with a numbered booking for the given name.
async fn book(State(received): State<Received>, Json(request): Json<Value>) -> Json<Value> {
    let number = received.booked.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({ "booking": { "number": number, "for": request["name"], "desk": 4 } }))
}

async fn receive(State(received): State<Received>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let number = received.delivered.fetch_add(1, Ordering::Relaxed) + 1;
    if number <= MAX_SHOWN {
        let (id, signed) = (header(&headers, "webhook-id"), headers.contains_key("webhook-signature"));
        let signed = if signed { "signed" } else { "not signed" };
        output::line(format!(
            "delivery {number}: {method} {} {id} {signed} {}",
            uri.path(),
            beginning(&body)
        ));
    }
    if number == MAX_SHOWN {
        output::line("Deliveries go on; the logs show them.");
    }
    StatusCode::NO_CONTENT
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(MAX_BODY_CHARS).collect()
}
