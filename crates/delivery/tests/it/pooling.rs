//! Connections are reused, and a pooled one that dies costs nothing.

use http::StatusCode;
use ig_core::outcome::ErrorCategory;

use crate::fixtures::{category, deliverer, integration, send};
use crate::raw::{RawReceiver, Then};
use crate::receiver::Receiver;

#[tokio::test]
async fn pooled_connection_serves_many_requests() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let (integration, deliverer) = (integration(&receiver.url()), deliverer());
    for _ in 0..20 {
        assert_eq!(category(&send(&integration, &deliverer.clone()).await), None);
    }
    assert_eq!((receiver.requests().len(), receiver.connections()), (20, 1));
}

#[tokio::test]
async fn pooled_connection_closed_while_idle_costs_nothing() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = RawReceiver::start(answer, Then::Close).await;
    let (integration, deliverer) = (integration(&receiver.url), deliverer());
    for sent in 1..=20 {
        let exchange = send(&integration, &deliverer).await;
        // A request that met the close may fail, since its fate is unknown; none is ever sent twice.
        assert!(matches!(category(&exchange), None | Some(ErrorCategory::Network)));
        assert!(receiver.requests() <= sent);
    }
}
