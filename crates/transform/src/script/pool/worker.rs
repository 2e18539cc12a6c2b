//! The service's end of one worker.

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

use super::room::Room;
use super::settings::PoolSettings;
use crate::script::wire::{Header, Reply, Request, decode, encode};
use crate::script::worker::{FIRST_START, FIRST_START_APART, MARK};

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(20);
/// How many scripts are remembered to be ready on a worker; it keeps fewer, and says so.
const REMEMBERED: usize = 500;

/// A worker process and the socket to it.
pub(super) struct Worker {
    child: Child,
    room: Room,
    stat: Option<File>,
    socket: Socket,
    received: BytesMut,
    ready: HashSet<Arc<str>>,
}

/// A socket belongs to an event loop once a call has used it.
enum Socket {
    Fresh(Option<BlockingStream>),
    Bound(UnixStream),
}

impl Worker {
    /// Starts a worker and waits until it is confined.
    pub(super) fn start(settings: &PoolSettings, room: Room) -> io::Result<Self> {
        let (ours, theirs) = BlockingStream::pair()?;
        let mark = match room {
            Room::Common => FIRST_START,
            Room::Apart => FIRST_START_APART,
        };
        let child = Command::new(&settings.program)
            .args(&settings.arguments)
            .env_clear()
            .env(MARK, mark)
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stat = File::open(format!("/proc/{}/stat", child.id())).ok();
        let mut worker = Self {
            child,
            room,
            stat,
            socket: Socket::Fresh(None),
            received: BytesMut::new(),
            ready: HashSet::new(),
        };
        greet(&ours)?;
        worker.socket = Socket::Fresh(Some(ours));
        Ok(worker)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it stands.
    pub(super) fn room(&self) -> Room {
        self.room
    }

    /// What it has spent of a processor since it started, where the system tells.
    pub(super) fn processor_time(&self) -> Option<Duration> {
        let mut text = [0; 512];
        let read = self.stat.as_ref()?.read_at(&mut text, 0).ok()?;
        // The name before stands in brackets and may hold anything; user and system time are the 14th and 15th word.
        let text = std::str::from_utf8(&text[..read]).ok()?.rsplit_once(')')?.1;
        let ticks = text.split_ascii_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map_while(|word| word.parse::<u64>().ok()).sum();
        Some(Duration::from_secs_f64(
            ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        ))
    }

    /// Whether it waits for a request; false when it has died meanwhile.
    pub(super) fn is_waiting(&self) -> bool {
        let peek = |socket: BorrowedFd<'_>| rustix::net::recv(socket, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let looked = match &self.socket {
            Socket::Fresh(Some(socket)) => peek(socket.as_fd()),
            Socket::Fresh(None) => return false,
            Socket::Bound(socket) => peek(socket.as_fd()),
        };
        looked == Err(Errno::AGAIN)
    }

    /// Whether a script is ready on it, as far as is known.
    pub(super) fn has(&self, script: &Arc<str>) -> bool {
        self.ready.contains(script)
    }

    /// How many scripts are ready on it.
    pub(super) fn scripts(&self) -> usize {
        self.ready.len()
    }

    /// A script is ready on it.
    pub(super) fn remember(&mut self, script: Arc<str>) {
        if self.ready.len() >= REMEMBERED {
            self.ready.clear();
        }
        self.ready.insert(script);
    }

    /// A script is not ready on it.
    pub(super) fn forget(&mut self, script: &Arc<str>) {
        self.ready.remove(script);
    }

    pub(super) async fn send(&mut self, request: &Request, body: &[u8]) -> io::Result<()> {
        let frame = encode(request, body).ok_or(io::ErrorKind::InvalidInput)?;
        self.socket()?.write_all(&frame).await
    }

    pub(super) async fn receive(&mut self) -> io::Result<(Reply, Bytes)> {
        loop {
            if let Some(reply) = self.taken()? {
                return Ok(reply);
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

    /// A whole frame out of what was received.
    fn taken(&mut self) -> io::Result<Option<(Reply, Bytes)>> {
        let Some(header) = self.received.first_chunk::<{ Header::BYTES }>() else {
            return Ok(None);
        };
        let header = Header::read(*header).ok_or(io::ErrorKind::InvalidData)?;
        if self.received.len() < Header::BYTES + header.rest() {
            return Ok(None);
        }
        let frame = self.received.split_to(Header::BYTES + header.rest()).freeze();
        let (reply, body) = decode(header, &frame[Header::BYTES..]).ok_or(io::ErrorKind::InvalidData)?;
        let body = frame.slice_ref(body);
        Ok(Some((reply, body)))
    }

    fn socket(&mut self) -> io::Result<&mut UnixStream> {
        if let Socket::Fresh(socket) = &mut self.socket {
            let socket = socket.take().ok_or(io::ErrorKind::NotConnected)?;
            self.socket = Socket::Bound(UnixStream::from_std(socket)?);
        }
        match &mut self.socket {
            Socket::Bound(socket) => Ok(socket),
            Socket::Fresh(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Ends it and tells how it ended: of its own accord if it was dying already.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        // It may be dead.
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Reads the first reply.
fn greet(socket: &BlockingStream) -> io::Result<()> {
    use std::io::Read as _;
    let mut socket = socket;
    socket.set_read_timeout(Some(START))?;
    let mut header = [0; Header::BYTES];
    socket.read_exact(&mut header)?;
    let header = Header::read(header).ok_or(io::ErrorKind::InvalidData)?;
    let mut rest = vec![0; header.rest()];
    socket.read_exact(&mut rest)?;
    match decode::<Reply>(header, &rest) {
        Some((Reply::Ready, _)) => socket.set_nonblocking(true),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
