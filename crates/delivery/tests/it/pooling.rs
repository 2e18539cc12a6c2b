//! Connections are kept, and what a kept one does when it dies.

use http::StatusCode;
use ig_core::outcome::ErrorCategory;

use crate::raw::{RawReceiver, Then};
use crate::receiver::Receiver;
use crate::setting::{category, deliverer, integration, send};

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let (integration, deliverer) = (integration(&receiver.url()), deliverer());
    for _ in 0..20 {
        assert_eq!(category(&send(&integration, &deliverer.clone()).await), None);
    }
    assert_eq!((receiver.requests().len(), receiver.connections()), (20, 1));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_costs_nothing() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = RawReceiver::start(answer, Then::Close).await;
    let (integration, deliverer) = (integration(&receiver.url), deliverer());
    for sent in 1..=20 {
        let exchange = send(&integration, &deliverer).await;
        // A request that met the close may fail, as nobody can know what became of it; none is ever sent twice.
        assert!(matches!(category(&exchange), None | Some(ErrorCategory::Network)));
        assert!(receiver.requests() <= sent);
    }
}
