//! `--demo`: a tenant with integrations, a receiver and a trickle of events.

mod bills;
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
use bills::Bills;
use queue_table::QueueTable;

/// The demo's organisation.
pub(crate) const ORG: i64 = 9001;
/// The unit of the demo's events.
pub(crate) const UNIT: i64 = 9002;
/// The type of the demo's events.
pub(crate) const EVENT_TYPE: &str = "appointment-created";

/// The type of the demo's inbound integration.
pub(crate) const INBOUND_TYPE: &str = "booking";
/// The path behind the inbound integration.
pub(crate) const BOOKINGS_PATH: &str = "/bookings";

/// A demo that is ready to start.
#[derive(Debug)]
pub(crate) struct Demo {
    listener: TcpListener,
    receiver: SocketAddr,
    table: Option<QueueTable>,
    bills: Option<Bills>,
}

impl Demo {
    /// Binds the receiver's port, and creates the tables if there is a MySQL.
    pub(crate) async fn prepare(mysql_url: Option<&str>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(port::loopback(0))
            .await
            .context("the demo's receiver finds no port")?;
        let table = match mysql_url {
            Some(url) => Some(QueueTable::open(url).await.context("the demo's queue table")?),
            None => None,
        };
        let bills = match mysql_url {
            Some(url) => Bills::prepare(url).await.context("the demo's bills")?,
            None => None,
        };
        Ok(Self {
            receiver: listener.local_addr()?,
            listener,
            table,
            bills,
        })
    }

    /// The receiver's address, the only one that the egress guard has to allow.
    pub(crate) fn receiver(&self) -> SocketAddr {
        self.receiver
    }

    /// Creates the tenant through the API, then submits an event every two seconds until the shutdown.
    pub(crate) async fn run(self, ready: Ready, context: Context) -> anyhow::Result<()> {
        let api = Api::new(&ready.http, &ready.api_key);
        guide::show(&ready);
        receiver::serve(self.listener, &context);
        tenant::prepare(&api, self.receiver).await.context("the demo's tenant")?;
        if let Some(bills) = &self.bills {
            bills
                .create_job(&api, self.receiver)
                .await
                .context("the demo's scheduled job")?;
        }
        trickle::start(self.table, api, &context);
        Ok(())
    }
}
