//! Ports of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, bail};

/// Below the range from which Linux takes the ports of outgoing connections, so that none of these takes ours before we listen.
const RANGE: std::ops::Range<u16> = 15_000..32_000;
const TRIES: usize = 1000;

/// A loopback address that nobody listens on.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    for _ in 0..TRIES {
        let address = loopback(rand::random_range(RANGE));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port on loopback")
}

/// This port on loopback.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Fails with advice when the address for HTTP is taken.
pub(crate) fn check_http(address: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(address)
        .map(drop)
        .with_context(|| format!("cannot serve HTTP on {address}; choose another address with --http"))
}

/// The address of last time where it is free, so that what remembers it finds it again; a fresh one otherwise.
pub(crate) fn kept(file: &Path) -> anyhow::Result<SocketAddr> {
    let before = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .map(loopback);
    if let Some(address) = before.filter(|address| TcpListener::bind(address).is_ok()) {
        return Ok(address);
    }
    let address = free()?;
    std::fs::write(file, address.port().to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(address)
}
