//! A worker process as the pool sees it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::settings::PoolSettings;
use super::subpool::Subpool;
use crate::script::wire::{Header, Request, Response, decode, encode};
use crate::script::worker::{FIRST_START, FIRST_START_YIELDING, WORKER_ENV};

/// How long a worker may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// The most scripts recorded as loaded on a worker. The worker keeps fewer, and its response says when one is not loaded.
const MAX_RECORDED: usize = 500;

/// A worker process, and the socket to it.
pub(super) struct Worker {
    child: Child,
    subpool: Subpool,
    stat: Option<File>,
    socket: Socket,
    received: BytesMut,
    loaded: HashSet<Arc<str>>,
}

/// The socket is registered with the event loop of the first call that uses it.
enum Socket {
    Unregistered(Option<BlockingStream>),
    Registered(UnixStream),
}

impl Worker {
    /// Starts a worker and waits until it is confined.
    pub(super) fn start(settings: &PoolSettings, subpool: Subpool) -> io::Result<Self> {
        let (ours, theirs) = BlockingStream::pair()?;
        let start = match subpool {
            Subpool::Main => FIRST_START,
            Subpool::Quarantine => FIRST_START_YIELDING,
        };
        let child = Command::new(&settings.program)
            .args(&settings.arguments)
            .env_clear()
            .env(WORKER_ENV, start)
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stat = File::open(format!("/proc/{}/stat", child.id())).ok();
        let mut worker = Self {
            child,
            subpool,
            stat,
            socket: Socket::Unregistered(None),
            received: BytesMut::new(),
            loaded: HashSet::new(),
        };
        await_ready(&ours)?;
        worker.socket = Socket::Unregistered(Some(ours));
        Ok(worker)
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn subpool(&self) -> Subpool {
        self.subpool
    }

    /// The processor time that it has spent since it started, where the system reports it.
    pub(super) fn processor_time(&self) -> Option<Duration> {
        let mut text = [0; 512];
        let read = self.stat.as_ref()?.read_at(&mut text, 0).ok()?;
        // The process name before it is in brackets and may hold anything; user and system time are the 14th and 15th field.
        let text = std::str::from_utf8(&text[..read]).ok()?.rsplit_once(')')?.1;
        let ticks = text.split_ascii_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map_while(|field| field.parse::<u64>().ok()).sum();
        Some(Duration::from_secs_f64(
            ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        ))
    }

    /// Whether it waits for a request; false once it has died.
    pub(super) fn is_waiting(&self) -> bool {
        let peek = |socket: BorrowedFd<'_>| rustix::net::recv(socket, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let peeked = match &self.socket {
            Socket::Unregistered(Some(socket)) => peek(socket.as_fd()),
            Socket::Unregistered(None) => return false,
            Socket::Registered(socket) => peek(socket.as_fd()),
        };
        peeked == Err(Errno::AGAIN)
    }

    /// Whether a script is loaded, as far as the pool knows.
    pub(super) fn has_loaded(&self, script: &Arc<str>) -> bool {
        self.loaded.contains(script)
    }

    /// The number of loaded scripts.
    pub(super) fn loaded_scripts(&self) -> usize {
        self.loaded.len()
    }

    /// Records that a script is loaded.
    pub(super) fn mark_loaded(&mut self, script: Arc<str>) {
        if self.loaded.len() >= MAX_RECORDED {
            self.loaded.clear();
        }
        self.loaded.insert(script);
    }

    /// Records that a script is not loaded.
    pub(super) fn mark_evicted(&mut self, script: &Arc<str>) {
        self.loaded.remove(script);
    }

    pub(super) async fn send(&mut self, request: &Request, body: &[u8]) -> io::Result<()> {
        let frame = encode(request, body).ok_or(io::ErrorKind::InvalidInput)?;
        self.socket()?.write_all(&frame).await
    }

    pub(super) async fn receive(&mut self) -> io::Result<(Response, Bytes)> {
        loop {
            if let Some(response) = self.buffered_frame()? {
                return Ok(response);
            }
            let mut received = std::mem::take(&mut self.received);
            received.reserve(8 * 1024);
            let read = self.socket()?.read_buf(&mut received).await?;
            self.received = received;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The first whole frame of the receive buffer.
    fn buffered_frame(&mut self) -> io::Result<Option<(Response, Bytes)>> {
        let Some(header) = self.received.first_chunk::<{ Header::BYTES }>() else {
            return Ok(None);
        };
        let header = Header::read(*header).ok_or(io::ErrorKind::InvalidData)?;
        if self.received.len() < Header::BYTES + header.rest() {
            return Ok(None);
        }
        let frame = self.received.split_to(Header::BYTES + header.rest()).freeze();
        let (response, body) = decode(header, &frame[Header::BYTES..]).ok_or(io::ErrorKind::InvalidData)?;
        let body = frame.slice_ref(body);
        Ok(Some((response, body)))
    }

    fn socket(&mut self) -> io::Result<&mut UnixStream> {
        if let Socket::Unregistered(socket) = &mut self.socket {
            let socket = socket.take().ok_or(io::ErrorKind::NotConnected)?;
            self.socket = Socket::Registered(UnixStream::from_std(socket)?);
        }
        match &mut self.socket {
            Socket::Registered(socket) => Ok(socket),
            Socket::Unregistered(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Kills and reaps it. The status is the worker's own if it was dying already.
    pub(super) fn kill(&mut self) -> io::Result<ExitStatus> {
        // It may be dead already.
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Reads the first response.
fn await_ready(socket: &BlockingStream) -> io::Result<()> {
    use std::io::Read as _;
    let mut socket = socket;
    socket.set_read_timeout(Some(START_TIMEOUT))?;
    let mut header = [0; Header::BYTES];
    socket.read_exact(&mut header)?;
    let header = Header::read(header).ok_or(io::ErrorKind::InvalidData)?;
    let mut rest = vec![0; header.rest()];
    socket.read_exact(&mut rest)?;
    match decode::<Response>(header, &rest) {
        Some((Response::Ready, _)) => socket.set_nonblocking(true),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
