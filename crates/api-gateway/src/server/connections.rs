//! Open connections per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ig_core::window::subscriber_of;
use ipnet::IpNet;
use parking_lot::Mutex;

use crate::config::{HttpConfig, parse_network};

/// Counts connections per client address. Trusted proxies are exempt, since they speak for many clients.
#[derive(Debug)]
pub(super) struct ConnectionsByAddress {
    max_per_address: usize,
    trusted: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A counted connection, until dropped.
#[derive(Debug)]
pub(super) struct CountedConnection {
    connections_by_address: Arc<ConnectionsByAddress>,
    of: Option<IpAddr>,
}

impl ConnectionsByAddress {
    /// Takes the limits from the configuration.
    pub(super) fn new(config: &HttpConfig) -> Self {
        Self {
            max_per_address: config.max_connections_per_address,
            trusted: config.trusted_proxies.iter().filter_map(|text| parse_network(text)).collect(),
            open: Mutex::default(),
        }
    }

    /// Counts a connection, or returns none if its address is at the limit.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<CountedConnection> {
        let peer = peer.to_canonical();
        let is_counted = self.max_per_address > 0 && !self.trusted.iter().any(|network| network.contains(&peer));
        let of = is_counted.then(|| subscriber_of(peer));
        if let Some(of) = of {
            let mut open = self.open.lock();
            let count = open.entry(of).or_default();
            if *count >= self.max_per_address {
                return None;
            }
            *count += 1;
        }
        let connections_by_address = Arc::clone(self);
        Some(CountedConnection {
            connections_by_address,
            of,
        })
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        let Some(of) = self.of else { return };
        let mut open = self.connections_by_address.open.lock();
        if let Some(count) = open.get_mut(&of) {
            *count -= 1;
            if *count == 0 {
                open.remove(&of);
            }
        }
    }
}
