//! The HTTP server: HTTP/1.1 and HTTP/2 on one port, with limits on connections, headers and time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use ig_service::{Context, TaskKind};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::config::HttpConfig;

mod connections;
mod idle;
mod stall_timeout;

use connections::{ConnectionsByAddress, CountedConnection};
use idle::Requests;
use stall_timeout::StallTimeout;

/// The maximum total size of a request's headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
const MAX_STREAMS: u32 = 250;
/// The delay after a failed accept, whose cause is a shortage that needs time to pass.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The HTTP port could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (key `http.listen`): {source}; stop what holds port {} or choose another", address.port())]
pub(crate) struct ListenError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// Serves until shutdown, then drains requests in flight; returns the bound address. `served` is cancelled when the last connection has
/// ended.
///
/// Load balancers learn late that this replica leaves. Until `drain_ms` is over, it keeps serving and asks every client in its response
/// to close: the client then closes the connection between two requests, so that no request meets a closed port.
pub(crate) async fn serve(
    context: &Context,
    config: &HttpConfig,
    router: Router,
    served: CancellationToken,
) -> Result<SocketAddr, ListenError> {
    let address = config.listen;
    let error = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    let server = Server {
        builder: Arc::new(connection_builder(config)),
        router,
        permits: Arc::new(Semaphore::new(config.max_connections)),
        connections_by_address: Arc::new(ConnectionsByAddress::new(config)),
        draining: Arc::default(),
        closing: CancellationToken::new(),
        start_timeout: Duration::from_millis(config.header_timeout_ms),
        write_timeout: Duration::from_millis(config.write_timeout_ms),
        idle: Duration::from_millis(config.idle_timeout_ms),
    };
    let drain = Duration::from_millis(config.drain_ms);
    let stopping = context.stopping().clone();
    context.spawn("http", TaskKind::RunsUntilShutdown, async move {
        let mut connections = JoinSet::new();
        let accepting = server.accept_loop(&listener, &mut connections);
        let left = async {
            stopping.cancelled().await;
            server.draining.store(true, Ordering::Relaxed);
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            never = accepting => match never {},
            () = left => {}
        }
        drop(listener);
        server.closing.cancel();
        while connections.join_next().await.is_some() {}
        served.cancel();
    });
    Ok(bound)
}

struct Server {
    builder: Arc<Builder<TokioExecutor>>,
    router: Router,
    permits: Arc<Semaphore>,
    connections_by_address: Arc<ConnectionsByAddress>,
    /// Set while this replica drains.
    draining: Arc<AtomicBool>,
    /// Cancelled when every connection is to end after its current response.
    closing: CancellationToken,
    /// How long a client may take to send its first bytes.
    start_timeout: Duration,
    /// How long a client may take to accept the next byte.
    write_timeout: Duration,
    /// How long a connection stays open without a request.
    idle: Duration,
}

impl Server {
    async fn accept_loop(&self, listener: &TcpListener, connections: &mut JoinSet<()>) -> Infallible {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let (Ok(permit), Ok((stream, peer))) = (permit, listener.accept().await) else {
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            };
            while connections.try_join_next().is_some() {}
            // An address at its connection limit is disconnected.
            if let Some(counted) = self.connections_by_address.admit(peer.ip()) {
                self.serve_connection(stream, peer, (permit, counted), connections);
            }
        }
    }

    fn serve_connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: (OwnedSemaphorePermit, CountedConnection),
        connections: &mut JoinSet<()>,
    ) {
        let _ = stream.set_nodelay(true);
        let (builder, router) = (Arc::clone(&self.builder), self.router.clone());
        let (draining, closing, idle) = (Arc::clone(&self.draining), self.closing.clone(), self.idle);
        let stream = StallTimeout::new(stream, self.start_timeout, self.write_timeout);
        connections.spawn(async move {
            let requests = Requests::default();
            let counted = requests.clone();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let mut request: Request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                let is_http1 = request.version() < Version::HTTP_2;
                let (responding, draining) = (router.clone().call(request), Arc::clone(&draining));
                let in_flight = counted.begin();
                async move {
                    let response = responding.await?;
                    drop(in_flight);
                    let closes = is_http1 && draining.load(Ordering::Relaxed);
                    Ok::<_, Infallible>(if closes { announce_close(response) } else { response })
                }
            });
            let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
            let closing_or_idle = async {
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = requests.idle_for(idle) => {}
                }
            };
            // How the peer ends its connection does not matter.
            let ended = tokio::select! {
                _ = connection.as_mut() => true,
                () = closing_or_idle => false,
            };
            if !ended {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
            drop(permit);
        });
    }
}

/// Asks the client to close the connection after this response; HTTP/2 signals that on its own.
fn announce_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn connection_builder(config: &HttpConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.header_timeout_ms))
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(30)));
    builder
}
