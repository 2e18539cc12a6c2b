//! A well-behaved HTTP receiver that records its requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) type Answer = Response<Full<Bytes>>;

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

/// What the receiver has seen.
struct Seen {
    script: Box<Script>,
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
}

/// A listening receiver; it stops when it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, script).await
    }

    pub(crate) async fn with_tls(tls: TlsAcceptor, script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(Some(tls), script).await
    }

    pub(crate) async fn answering(status: StatusCode) -> Self {
        Self::start(move |_| answer(status)).await
    }

    async fn listen(tls: Option<TlsAcceptor>, script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            script: Box::new(script),
            requests: Mutex::default(),
            connections: AtomicUsize::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, tls, seen.clone()));
        Self {
            address,
            seen,
            _serving: serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?x=1", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn only_request(&self) -> Received {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "one request was sent");
        requests[0].clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

pub(crate) fn answer(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(connection(stream, tls.clone(), seen.clone()));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, seen: Arc<Seen>) {
    match tls {
        None => serve(stream, seen).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, seen).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, seen: Arc<Seen>) {
    let service = service_fn(move |request| handle(request, seen.clone()));
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(request: Request<Incoming>, seen: Arc<Seen>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let received = Received {
        method: head.method,
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        version: head.version,
        headers: head.headers,
        body: body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default(),
    };
    seen.requests.lock().unwrap().push(received.clone());
    Ok((seen.script)(&received))
}
