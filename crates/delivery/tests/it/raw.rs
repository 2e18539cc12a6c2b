//! A receiver that writes arbitrary bytes, for as long as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the receiver does once it has read a request.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Close.
    Close,
    /// Reset.
    Reset,
    /// Stay silent.
    Hang,
    /// Write the bytes again and again, as fast as they are taken.
    Repeat(&'static [u8]),
    /// Write the bytes again and again, with a pause after each time.
    Drip(&'static [u8]),
}

/// A listening receiver; it stops when it is dropped.
pub(crate) struct RawReceiver {
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl RawReceiver {
    /// Answers every request with `first`, and then does `then`.
    pub(crate) async fn start(first: Vec<u8>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (requests, written) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut serving = JoinSet::new();
        let counters = (requests.clone(), written.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, first.clone(), then, counters.clone()));
            }
        });
        Self {
            url,
            requests,
            written,
            _serving: serving,
        }
    }

    /// How many complete requests arrived.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many bytes the repetition wrote.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, first: Vec<u8>, then: Then, (requests, written): (Arc<AtomicUsize>, Arc<AtomicUsize>)) {
    if read_request(&mut stream).await.is_none() {
        return;
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let _ = stream.write_all(&first).await;
    match then {
        Then::Close => {}
        Then::Reset => stream.set_zero_linger().unwrap(),
        Then::Hang => std::future::pending().await,
        Then::Repeat(bytes) => while write(&mut stream, bytes, &written).await {},
        Then::Drip(bytes) => {
            while write(&mut stream, bytes, &written).await {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

async fn write(stream: &mut TcpStream, bytes: &[u8], written: &AtomicUsize) -> bool {
    written.fetch_add(bytes.len(), Ordering::SeqCst);
    stream.write_all(bytes).await.is_ok()
}

/// Reads until the test's body has arrived, which ends every request.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(crate::fixtures::BODY) {
        let read = stream.read_buf(&mut request).await.ok()?;
        if read == 0 {
            return None;
        }
    }
    Some(())
}
