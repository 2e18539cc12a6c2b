//! Several addresses, one connection: after Happy Eyeballs (RFC 8305), without its sorting.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long an address is given before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection that comes about; the next address is tried when one fails or takes its time.
pub(super) async fn connect(mut addresses: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        attempts.extend(addresses.pop_front().map(TcpStream::connect));
        tokio::select! {
            finished = attempts.next() => match finished {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(HEAD_START), if !addresses.is_empty() => {}
        }
    }
}
