//! Ports nobody listens on.

use std::net::{Ipv4Addr, TcpListener};

/// A loopback port that was free a moment ago.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound listener has an address").port()
}
