//! Allocation of loopback ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};

/// Below Linux's ephemeral range, so that no outgoing connection takes a port before its service listens.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const MAX_TRIES: usize = 1000;

/// Reserved ports. A port is free until its service listens; meanwhile an abstract socket name reserves it, which the kernel gives to
/// one process and releases when it exits.
static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A free loopback address, unique among all stacks of this machine.
pub(crate) fn allocate() -> anyhow::Result<SocketAddr> {
    for _ in 0..MAX_TRIES {
        let address = loopback(rand::random_range(RANGE));
        if TcpListener::bind(address).is_ok() && reserve(address.port()) {
            return Ok(address);
        }
    }
    bail!("no free port on loopback")
}

fn reserve(port: u16) -> bool {
    let name = std::os::unix::net::SocketAddr::from_abstract_name(format!("igctl-port-{port}"));
    let reserved = name.and_then(|name| UnixListener::bind_addr(&name));
    reserved
        .map(|reserved| RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(reserved))
        .is_ok()
}

/// A port on loopback.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Fails with advice if the address for HTTP is taken.
pub(crate) fn check_http(address: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(address)
        .map(drop)
        .with_context(|| format!("cannot serve HTTP on {address}; choose another address with --http"))
}

/// The previous address if it is free, so that clients which stored it still work; a new one otherwise.
pub(crate) fn reuse_or_allocate(file: &Path) -> anyhow::Result<SocketAddr> {
    let previous = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .map(loopback);
    if let Some(address) = previous.filter(|address| TcpListener::bind(address).is_ok() && reserve(address.port())) {
        return Ok(address);
    }
    let address = allocate()?;
    std::fs::write(file, address.port().to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(address)
}
