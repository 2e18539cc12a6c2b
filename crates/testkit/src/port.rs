//! Ports nobody listens on.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use parking_lot::Mutex;

/// Below those that systems hand out for outgoing connections: one of these could take the port before the test does.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// What this process keeps from the others, and from itself, until it ends.
static KEPT: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A free loopback port that no test of this machine is given while this process lives.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    const TRIES: usize = 1_000;
    let mut guesses = (0..TRIES).map(|_| rand::random_range(PORTS));
    let free = guesses.find(|port| keep(*port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("a free loopback port")
}

/// Whether the port is ours: a name that the kernel gives to one process and takes back at its end, whatever the end.
///
/// A port is free until someone listens, and what is to listen is often a process that has yet to start.
fn keep(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("ig-testkit-port-{port}")).expect("a short name");
    UnixListener::bind_addr(&name).map(|kept| KEPT.lock().push(kept)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: std::collections::HashSet<_> = (0..2_000).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 2_000);
    }
}
