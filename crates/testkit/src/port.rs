//! Free ports.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use parking_lot::Mutex;

/// Below the ephemeral range, so that no outgoing connection takes a port before the test does.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// The ports that this process has reserved until it exits.
static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A free loopback port, unique among all tests on this machine while this process lives.
///
/// # Panics
/// If no port is free.
pub fn free_port() -> u16 {
    const MAX_TRIES: usize = 1_000;
    let mut guesses = (0..MAX_TRIES).map(|_| rand::random_range(PORTS));
    let free = guesses.find(|port| reserve(*port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("a free loopback port")
}

/// Reserves a port by an abstract socket name, which the kernel gives to one process and releases when it exits.
///
/// A port is free until its process listens, and that process often has yet to start.
fn reserve(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("ig-testkit-port-{port}")).expect("a short name");
    UnixListener::bind_addr(&name)
        .map(|listener| RESERVED.lock().push(listener))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_port_is_never_given_twice() {
        let ports: std::collections::HashSet<_> = (0..2_000).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 2_000);
    }
}
