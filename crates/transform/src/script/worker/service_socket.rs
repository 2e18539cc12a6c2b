//! The worker's end of the socket to its service.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::net::RecvFlags;

use super::engine::{LookupFailed, LookupService};
use crate::script::wire::{Header, Request, Response, decode, encode};

/// A blocking socket that carries whole frames.
pub(super) struct ServiceSocket {
    stream: RefCell<UnixStream>,
}

impl ServiceSocket {
    /// Takes the socket that the service passed as standard input.
    pub(super) fn from_stdin() -> io::Result<Self> {
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

    pub(super) fn send(&self, response: &Response, body: &[u8]) -> io::Result<()> {
        let frame = encode(response, body).ok_or_else(garbled)?;
        self.stream.borrow_mut().write_all(&frame)
    }

    /// Whether there is nothing to read.
    pub(super) fn is_idle(&self) -> bool {
        let stream = self.stream.borrow();
        let peeked = rustix::net::recv(&*stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_err()
    }
}

impl LookupService for ServiceSocket {
    fn lookup(&self, kind: &str, value: &str) -> Result<Option<serde_json::Value>, LookupFailed> {
        let (kind, value) = (kind.to_owned(), value.to_owned());
        self.send(&Response::Lookup { kind, value }, b"").map_err(|_| LookupFailed)?;
        match self.receive().map_err(|_| LookupFailed)? {
            (Request::LookupResult { found: false }, _) => Ok(None),
            (Request::LookupResult { found: true }, body) => ig_core::json::parse(&body).map(Some).map_err(|_| LookupFailed),
            _ => Err(LookupFailed),
        }
    }
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a frame")
}
