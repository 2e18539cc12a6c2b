//! The worker's end of the socket.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::net::RecvFlags;

use super::engine::{Ask, Unanswered};
use crate::script::wire::{Header, Reply, Request, decode, encode};

/// A socket on which this side waits for whole frames.
pub(super) struct Talk {
    stream: RefCell<UnixStream>,
}

impl Talk {
    /// Takes the socket that the service gave as standard input.
    pub(super) fn on_standard_input() -> io::Result<Self> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        stream.set_nonblocking(false)?;
        let stream = RefCell::new(stream);
        Ok(Self { stream })
    }

    /// The next request and its body.
    pub(super) fn receive(&self) -> io::Result<(Request, Vec<u8>)> {
        let mut stream = self.stream.borrow_mut();
        let mut header = [0; Header::BYTES];
        stream.read_exact(&mut header)?;
        let header = Header::read(header).ok_or_else(garbled)?;
        let mut rest = vec![0; header.rest()];
        stream.read_exact(&mut rest)?;
        let (request, body) = decode(header, &rest).ok_or_else(garbled)?;
        let head = rest.len() - body.len();
        rest.drain(..head);
        Ok((request, rest))
    }

    pub(super) fn send(&self, reply: &Reply, body: &[u8]) -> io::Result<()> {
        let frame = encode(reply, body).ok_or_else(garbled)?;
        self.stream.borrow_mut().write_all(&frame)
    }

    /// Whether nothing has come that waits to be read.
    pub(super) fn is_quiet(&self) -> bool {
        let stream = self.stream.borrow();
        let looked = rustix::net::recv(&*stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        looked.is_err()
    }
}

impl Ask for Talk {
    fn lookup(&self, kind: &str, value: &str) -> Result<Option<serde_json::Value>, Unanswered> {
        let (kind, value) = (kind.to_owned(), value.to_owned());
        self.send(&Reply::Lookup { kind, value }, b"").map_err(|_| Unanswered)?;
        match self.receive().map_err(|_| Unanswered)? {
            (Request::Answer { found: false }, _) => Ok(None),
            (Request::Answer { found: true }, body) => ig_core::json::parse(&body).map(Some).map_err(|_| Unanswered),
            _ => Err(Unanswered),
        }
    }
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a frame")
}
