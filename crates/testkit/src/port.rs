//! Ports nobody listens on.

use std::net::{Ipv4Addr, TcpListener};

/// Below those that systems hand out for outgoing connections: one of these could take the port before the test does.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A loopback port that was free a moment ago.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    const TRIES: usize = 1_000;
    let mut guesses = (0..TRIES).map(|_| rand::random_range(PORTS));
    let free = guesses.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("a free loopback port")
}
