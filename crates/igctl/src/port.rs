//! Ports of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};

/// Below the range from which Linux takes the ports of outgoing connections, so that none of these takes ours before we listen.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const TRIES: usize = 1000;

/// The ports given out: each is free until its service listens, so a name stands for it meanwhile, which the kernel gives to one
/// process and takes back at its end.
static GIVEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A loopback address that nobody listens on and that is given once among all stacks of this machine.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    for _ in 0..TRIES {
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
        .map(|reserved| GIVEN.lock().unwrap_or_else(PoisonError::into_inner).push(reserved))
        .is_ok()
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
    if let Some(address) = before.filter(|address| TcpListener::bind(address).is_ok() && reserve(address.port())) {
        return Ok(address);
    }
    let address = free()?;
    std::fs::write(file, address.port().to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(address)
}
