//! Serves on one thread with its own runtime.

use std::convert::Infallible;
use std::io::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::answer::AnswerBody;
use super::record::ReceivedRequest;
use super::state::State;

/// Spawns the server, which runs until `stopped` is dropped or sent.
pub(super) fn spawn(state: Arc<State>, stopped: oneshot::Receiver<()>) -> (SocketAddr, JoinHandle<()>) {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    let address = listener.local_addr().expect("a bound listener has an address");
    let thread = thread::Builder::new()
        .name("receiver".to_owned())
        .spawn(move || run(listener, state, stopped));
    (address, thread.expect("a thread"))
}

fn run(listener: StdListener, state: Arc<State>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a listener that does not block");
        tokio::select! {
            never = accept(listener, state) => match never {},
            _ = stopped => {}
        }
    });
}

async fn accept(listener: TcpListener, state: Arc<State>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, peer)) = listener.accept().await {
            connections.spawn(serve(stream, peer, Arc::clone(&state)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, state: Arc<State>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| answer(request, peer, Arc::clone(&state)));
    // A client may disconnect at any time.
    drop(
        Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, state: Arc<State>) -> Result<Response<AnswerBody>, Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(Error::other)?.to_bytes();
    let answer = state.next_answer(parts.uri.path());
    if state.is_recording() {
        state.record(ReceivedRequest::new(parts, body, peer));
    } else {
        state.increment();
    }
    answer.into_response().await
}
