//! What is going on, of one organisation and of the platform.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::configuration::OrgConfiguration;
use ig_core::id::OrgId;
use ig_core::integration::IntegrationCounts;
use ig_core::ports::StoreError;
use ig_store::{Orgs, Store};

use crate::document::{Dashboard, PlatformDashboard, ServiceEntry};
use crate::error::ApiError;
use crate::gateway::Gateway;

mod workers;

const DAY: Duration = Duration::from_hours(24);

/// What is going on in an organisation.
pub(crate) async fn of_org(gateway: &Gateway, org: OrgId) -> Result<Dashboard, ApiError> {
    let configuration = gateway.feed().configuration();
    let integrations = configuration.org(org).into_iter().flat_map(OrgConfiguration::integrations);
    let counts = integrations.map(Arc::as_ref).collect();
    dashboard(gateway.store(), &Orgs::one(org), counts, Utc::now()).await
}

/// What is going on on the platform, and how it is.
pub(crate) async fn of_platform(gateway: &Gateway) -> Result<PlatformDashboard, ApiError> {
    let configuration = gateway.feed().configuration();
    let counts = configuration.integrations().map(Arc::as_ref).collect();
    let organizations = configuration.orgs().count() as u64;
    let (store, orgs, now) = (gateway.store(), Orgs::platform(configuration.orgs()), Utc::now());
    let said = async { Ok(gateway.siblings().ask().await) };
    let (dashboard, services, workers, ping) = tokio::try_join!(
        dashboard(store, &orgs, counts, now),
        said,
        async { workers::look(store, now).await.map_err(ApiError::from) },
        async { ping(store).await.map_err(ApiError::from) },
    )?;
    Ok(PlatformDashboard {
        dashboard,
        organizations,
        services: services.into_iter().map(ServiceEntry::from).collect(),
        workers,
        database: ping.into(),
    })
}

async fn dashboard(store: &Store, orgs: &Orgs, integrations: IntegrationCounts, now: Timestamp) -> Result<Dashboard, ApiError> {
    let (statistics, letters) = (store.delivery_statistics(), store.dead_letters());
    let (scheduled, alerts) = (store.scheduled_deliveries(), store.alerts());
    let (deliveries, dlq, scheduled, alerts) = tokio::try_join!(
        statistics.recent(orgs, now),
        letters.tally(orgs),
        scheduled.pending(orgs),
        alerts.tally(orgs, now - DAY),
    )?;
    Ok(Dashboard {
        at: now,
        deliveries: deliveries.into(),
        integrations: integrations.into(),
        dlq: dlq.into(),
        scheduled: scheduled.into(),
        alerts: alerts.into(),
    })
}

/// How long the database takes to answer.
async fn ping(store: &Store) -> Result<Duration, StoreError> {
    let began = Instant::now();
    store.ping().await.map(|()| began.elapsed())
}
