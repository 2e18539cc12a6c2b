//! The dashboards of an organisation and of the platform.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::configuration::OrgConfiguration;
use ig_core::id::OrgId;
use ig_core::integration::IntegrationCounts;
use ig_core::ports::StoreError;
use ig_store::{AlertTally, CountError, DeadLetterTally, Orgs, PendingDeliveries, RecentDeliveries, Store};

use crate::document::{Dashboard, PlatformDashboard, ServiceEntry};
use crate::error::ApiError;
use crate::gateway::Gateway;

mod tallying;
mod workers;

pub(crate) use tallying::tally;

const DAY: Duration = Duration::from_hours(24);

/// The dashboard of an organisation.
pub(crate) async fn of_org(gateway: &Gateway, org: OrgId) -> Result<Dashboard, ApiError> {
    let configuration = gateway.feed().configuration();
    let integrations = configuration.org(org).into_iter().flat_map(OrgConfiguration::integrations);
    let counts = integrations.map(Arc::as_ref).collect();
    let (store, orgs, now) = (gateway.store(), Orgs::one(org), Utc::now());
    let statistics = store.delivery_statistics();
    let (deliveries, waiting) = tokio::try_join!(statistics.recent_of(org, now), count_waiting(store, &orgs, now))?;
    Ok(dashboard(deliveries, counts, waiting, now))
}

/// The dashboard of the platform, with the health of its parts.
pub(crate) async fn of_platform(gateway: &Gateway) -> Result<PlatformDashboard, ApiError> {
    let configuration = gateway.feed().configuration();
    let counts = configuration.integrations().map(Arc::as_ref).collect();
    let organizations = configuration.orgs().count() as u64;
    let (store, orgs, now) = (gateway.store(), Orgs::platform(configuration.orgs()), Utc::now());
    let statistics = store.delivery_statistics();
    let health = async { Ok(gateway.peers().check_all().await) };
    let (deliveries, waiting, services, workers, ping) = tokio::try_join!(
        async { statistics.recent(&orgs, now).await.map_err(ApiError::from) },
        async { count_waiting(store, &orgs, now).await.map_err(ApiError::from) },
        health,
        async { workers::read(store, now).await.map_err(ApiError::from) },
        async { ping(store).await.map_err(ApiError::from) },
    )?;
    Ok(PlatformDashboard {
        dashboard: dashboard(deliveries, counts, waiting, now),
        organizations,
        services: services.into_iter().map(ServiceEntry::from).collect(),
        workers,
        database: ping.into(),
    })
}

type PendingWork = (DeadLetterTally, PendingDeliveries, Vec<AlertTally>);

/// What waits for a person or for its due time.
async fn count_waiting(store: &Store, orgs: &Orgs, now: Timestamp) -> Result<PendingWork, CountError> {
    let (letters, scheduled, alerts) = (store.dead_letters(), store.scheduled_deliveries(), store.alerts());
    tokio::try_join!(letters.tally(orgs), scheduled.pending(orgs), alerts.tally(orgs, now - DAY))
}

fn dashboard(deliveries: RecentDeliveries, integrations: IntegrationCounts, waiting: PendingWork, at: Timestamp) -> Dashboard {
    let (dlq, scheduled, alerts) = waiting;
    Dashboard {
        at,
        deliveries: deliveries.into(),
        integrations: integrations.into(),
        dlq: dlq.into(),
        scheduled: scheduled.into(),
        alerts: alerts.into(),
    }
}

/// How long the database takes to answer.
async fn ping(store: &Store) -> Result<Duration, StoreError> {
    let started = Instant::now();
    store.ping().await.map(|()| started.elapsed())
}
