//! What is going on with the platform, as administrators read it.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dashboard, milliseconds};
use crate::peer_services::{Health, ServiceHealth};

/// What is going on, and how the platform is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlatformDashboard {
    #[serde(flatten)]
    pub dashboard: Dashboard,
    /// How many organisations there are.
    pub organizations: u64,
    /// How the services are, as one replica of each says.
    pub services: Vec<ServiceEntry>,
    /// Who reads events, and how far they are.
    pub workers: Workers,
    /// The database.
    pub database: DatabaseEntry,
}

/// How a service is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceEntry {
    /// Its name.
    name: &'static str,
    /// SERVING, `NOT_SERVING`, or UNREACHABLE where it did not answer within 2 s.
    state: &'static str,
    /// Milliseconds that it took to find out.
    took_ms: f64,
}

/// Who reads events, and how far they are.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workers {
    /// How many partitions the work is split in.
    pub partitions: u64,
    /// How many of them somebody holds.
    pub held: u64,
    /// Those who hold them.
    pub holders: Vec<WorkerEntry>,
    /// How far each source is done.
    pub sources: Vec<SourceEntry>,
}

/// A worker that holds partitions.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkerHoldings)]
pub(crate) struct WorkerEntry {
    /// Its identifier, new with every start.
    pub id: String,
    /// How many partitions it holds.
    pub partitions: u64,
}

/// How far a source is done.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SourceProgress)]
pub(crate) struct SourceEntry {
    /// The source.
    pub source: String,
    /// Everything up to here is done in every partition that has come to it.
    pub slowest: u64,
    /// Everything up to here is done in the partition that is the farthest.
    pub farthest: u64,
    /// Where the source ends now; null where that is not known without asking it, as of all but pushed events.
    pub head: Option<u64>,
    /// How many positions the slowest partition is behind the head, or behind the farthest where the head is not known.
    pub behind: u64,
}

/// How the database answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DatabaseState)]
pub(crate) struct DatabaseEntry {
    /// Milliseconds that a round trip took.
    ping_ms: f64,
}

impl From<ServiceHealth> for ServiceEntry {
    fn from(said: ServiceHealth) -> Self {
        let ServiceHealth { service, health, took } = said;
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
