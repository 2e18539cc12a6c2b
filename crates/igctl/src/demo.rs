//! `--demo`: a tenant with integrations, somebody who receives, and something that happens.

mod guide;
mod queue_table;
mod receiver;
mod tenant;
mod trickle;

use std::net::SocketAddr;

use anyhow::Context as _;
use ig_service::Context;
use tokio::net::TcpListener;

use crate::api::Api;
use crate::port;
use crate::ready_file::Ready;
use queue_table::QueueTable;

/// The demo's tenant.
pub(crate) const ORG: i64 = 9001;
/// Its unit, which the demo's events are about.
pub(crate) const UNIT: i64 = 9002;
/// What happens in it.
pub(crate) const EVENT_TYPE: &str = "appointment-created";

/// What its clients call.
pub(crate) const CALLED: &str = "booking";
/// Where that leads.
pub(crate) const BOOKINGS: &str = "/bookings";

/// A demo that is about to begin.
#[derive(Debug)]
pub(crate) struct Demo {
    listener: TcpListener,
    receiver: SocketAddr,
    table: Option<QueueTable>,
}

impl Demo {
    /// Takes a port for the receiver, and makes the queue table where there is a MySQL.
    pub(crate) async fn prepare(mysql_url: Option<&str>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(port::loopback(0))
            .await
            .context("the demo's receiver finds no port")?;
        let table = match mysql_url {
            Some(url) => Some(QueueTable::open(url).await.context("the demo's queue table")?),
            None => None,
        };
        Ok(Self {
            receiver: listener.local_addr()?,
            listener,
            table,
        })
    }

    /// Where the receiver listens: the one address that the egress guard has to let through.
    pub(crate) fn receiver(&self) -> SocketAddr {
        self.receiver
    }

    /// Begins: the tenant through the API, then an event every other second until the shutdown.
    pub(crate) async fn run(self, ready: Ready, context: Context) -> anyhow::Result<()> {
        let api = Api::new(&ready.http, &ready.api_key);
        guide::show(&ready);
        receiver::serve(self.listener, &context);
        tenant::prepare(&api, self.receiver).await.context("the demo's tenant")?;
        trickle::start(self.table, api, &context);
        Ok(())
    }
}
