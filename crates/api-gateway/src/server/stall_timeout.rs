//! Ends a connection, and frees what it holds, when its peer sends nothing at first or stops accepting data.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The first bytes of an HTTP/2 client (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Limits how long a peer may take to start, and how long a write may wait for the peer.
pub(super) struct StallTimeout<S> {
    stream: S,
    write_timeout: Duration,
    /// Set while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
    /// Set until the protocol is known; each protocol has timeouts of its own from then on.
    opening: Option<Opening>,
}

struct Opening {
    timer: Pin<Box<Sleep>>,
    /// The number of preface bytes seen so far.
    matched: usize,
}

impl<S> StallTimeout<S> {
    /// A stream whose peer gets `start_timeout` to start, and `write_timeout` to accept each next byte.
    pub(super) fn new(stream: S, start_timeout: Duration, write_timeout: Duration) -> Self {
        Self {
            stream,
            write_timeout,
            timer: None,
            opening: Some(Opening {
                timer: Box::pin(sleep(start_timeout)),
                matched: 0,
            }),
        }
    }

    /// Notes received bytes: anything that cannot become the preface is HTTP/1.
    fn detect_protocol(&mut self, bytes: &[u8]) {
        if let Some(opening) = &mut self.opening {
            let rest = &PREFACE[opening.matched..];
            opening.matched += bytes.len();
            if opening.matched >= PREFACE.len() || !rest.starts_with(bytes) {
                self.opening = None;
            }
        }
    }

    /// The result of a write, unless the write has waited too long.
    fn or_timed_out<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.timer = None;
            return polled;
        }
        let write_timeout = self.write_timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(write_timeout)));
        timer
            .as_mut()
            .poll(context)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallTimeout<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buffer.filled().len());
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.detect_protocol(&buffer.filled()[before..]);
        match &mut this.opening {
            Some(opening) if polled.is_pending() => {
                let over = opening.timer.as_mut().poll(context);
                over.map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer says nothing")))
            }
            _ => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallTimeout<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.or_timed_out(polled, context)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.or_timed_out(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.or_timed_out(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn stalled_peer_loses_its_connection_and_a_slow_one_keeps_it() {
        let (ours, mut theirs) = duplex(4);
        let mut ours = StallTimeout::new(ours, Duration::from_secs(1), Duration::from_secs(1));
        let reading = async {
            for _ in 0..3 {
                sleep(Duration::from_millis(100)).await;
                theirs.read_exact(&mut [0; 4]).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let written = tokio::select! {
            written = ours.write_all(&[0; 40]) => written,
            () = reading => unreachable!("it never ends"),
        };
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
