//! The dashboard of the whole platform, as administrators read it.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dashboard, milliseconds};
use crate::peer_services::{Health, ServiceHealth};

/// The dashboard with the state of services, workers and database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlatformDashboard {
    #[serde(flatten)]
    pub dashboard: Dashboard,
    /// The number of organisations.
    pub organizations: u64,
    /// The state of each service, as one of its replicas reports it.
    pub services: Vec<ServiceEntry>,
    /// The workers and their progress.
    pub workers: Workers,
    /// The database.
    pub database: DatabaseEntry,
}

/// The state of a service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceEntry {
    /// The service's name.
    name: &'static str,
    /// SERVING, `NOT_SERVING`, or UNREACHABLE where it did not answer within 2 s.
    state: &'static str,
    /// The duration of the check in milliseconds.
    took_ms: f64,
}

/// The workers and their progress.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workers {
    /// The number of partitions.
    pub partitions: u64,
    /// The number of partitions that a worker holds.
    pub held: u64,
    /// The workers that hold partitions.
    pub holders: Vec<WorkerEntry>,
    /// The progress of each source.
    pub sources: Vec<SourceEntry>,
}

/// A worker that holds partitions.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkerHoldings)]
pub(crate) struct WorkerEntry {
    /// The worker's identifier, new with every start.
    pub id: String,
    /// The number of partitions that it holds.
    pub partitions: u64,
}

/// The progress of an event source.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SourceProgress)]
pub(crate) struct SourceEntry {
    /// The source.
    pub source: String,
    /// The position of the slowest partition: everything up to it is processed.
    pub slowest: u64,
    /// The position of the fastest partition: everything up to it is processed.
    pub farthest: u64,
    /// The source's last position; null where only the source itself knows it, as for all sources but pushed events.
    pub head: Option<u64>,
    /// How many positions the slowest partition lags behind the head, or behind the fastest partition where the head is unknown.
    pub behind: u64,
}

/// The state of the database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DatabaseState)]
pub(crate) struct DatabaseEntry {
    /// The round trip time in milliseconds.
    ping_ms: f64,
}

impl From<ServiceHealth> for ServiceEntry {
    fn from(report: ServiceHealth) -> Self {
        let ServiceHealth { service, health, took } = report;
        let state = match health {
            Health::Serving => "SERVING",
            Health::NotServing => "NOT_SERVING",
            Health::Unreachable => "UNREACHABLE",
        };
        Self {
            name: service,
            state,
            took_ms: milliseconds(took),
        }
    }
}

impl From<Duration> for DatabaseEntry {
    fn from(ping: Duration) -> Self {
        Self {
            ping_ms: milliseconds(ping),
        }
    }
}
