//! Analytics of an organisation's deliveries over a period, in its own time zone.

use chrono::Utc;
use ig_core::calendar::{Grid, Interval};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::schedule::Zone;
use ig_store::{DeliveryScope, Orgs};

use crate::document::{ErrorAnalytics, EventTypeAnalytics, IntegrationAnalytics, Point, Summary, TimeSeries};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::query::parse_name;
use crate::resources::organizations;

mod period;
mod query;

pub(crate) use query::{AnalyticsQuery, TopQuery};

/// The most points in a time series.
const MAX_POINTS: usize = 1_500;

/// A parsed analytics query.
#[derive(Debug)]
pub(crate) struct AnalyticsScope {
    org: OrgId,
    scope: DeliveryScope,
    zone: Zone,
}

impl AnalyticsScope {
    /// Parses the query, in the given time zone or else the organisation's.
    pub(crate) async fn parse(gateway: &Gateway, org: OrgId, query: AnalyticsQuery) -> Result<Self, ApiError> {
        let zone = match query.zone()? {
            Some(zone) => zone,
            None => org_zone(gateway, org).await?,
        };
        let period = query.period(zone, Utc::now())?;
        let scope = query.narrow(DeliveryScope::all(Orgs::one(org), period))?;
        Ok(Self { org, scope, zone })
    }

    /// Figures over all deliveries.
    pub(crate) async fn summary(self, gateway: &Gateway) -> Result<Summary, ApiError> {
        let figures = gateway.store().delivery_statistics().summary(&self.scope).await?;
        Ok(Summary::new(self.scope.period, self.zone, figures))
    }

    /// Figures by the time at which deliveries started.
    pub(crate) async fn over_time(self, gateway: &Gateway, interval: Option<String>) -> Result<TimeSeries, ApiError> {
        let Self { scope, zone, .. } = self;
        let interval = parse_interval(interval)?;
        let grid = Grid::cut(scope.period, interval, zone, MAX_POINTS).map_err(|_| too_many_points(interval))?;
        let statistics = gateway.store().delivery_statistics();
        let figures = statistics.over_time(&scope, &grid, interval, zone).await?;
        let points = grid.pieces().zip(figures).map(|(piece, figures)| Point::new(piece, figures));
        Ok(TimeSeries::new(scope.period, zone, interval, points.collect()))
    }

    /// Figures by integration.
    pub(crate) async fn by_integration(self, gateway: &Gateway, limit: u32) -> Result<IntegrationAnalytics, ApiError> {
        let statistics = gateway.store().delivery_statistics();
        let mut figures = statistics.by_integration(&self.scope, limit.saturating_add(1)).await?;
        self.refresh_names(gateway, figures.iter_mut().map(|found| (found.id, &mut found.name)));
        Ok(IntegrationAnalytics::new(self.scope.period, figures, limit))
    }

    /// Figures by event type.
    pub(crate) async fn by_event_type(self, gateway: &Gateway, limit: u32) -> Result<EventTypeAnalytics, ApiError> {
        let statistics = gateway.store().delivery_statistics();
        let figures = statistics.by_event_type(&self.scope, limit.saturating_add(1)).await?;
        Ok(EventTypeAnalytics::new(self.scope.period, figures, limit))
    }

    /// Failed deliveries by cause.
    pub(crate) async fn errors(self, gateway: &Gateway, limit: u32) -> Result<ErrorAnalytics, ApiError> {
        let statistics = gateway.store().delivery_statistics();
        let mut errors = statistics.errors(&self.scope, limit.saturating_add(1)).await?;
        self.refresh_names(
            gateway,
            errors.by_integration.iter_mut().map(|found| (found.id, &mut found.name)),
        );
        Ok(ErrorAnalytics::new(self.scope.period, errors, limit))
    }

    /// Replaces the recorded names of integrations that still exist by their current names.
    fn refresh_names<'a>(&self, gateway: &Gateway, named: impl Iterator<Item = (IntegrationId, &'a mut String)>) {
        let configuration = gateway.feed().configuration();
        let Some(configured) = configuration.org(self.org) else {
            return;
        };
        for (id, name) in named {
            if let Some(current) = configured.integration(id) {
                name.clone_from(&current.name);
            }
        }
    }
}

/// The organisation's time zone, or UTC.
async fn org_zone(gateway: &Gateway, org: OrgId) -> Result<Zone, ApiError> {
    if let Some(known) = gateway.feed().configuration().org(org) {
        return Ok(known.zone(org.as_entity()));
    }
    // Another gateway may have created it a moment ago.
    let timezone = organizations::get(gateway, org).await?.profile.timezone;
    Ok(timezone.and_then(|name| name.parse().ok()).unwrap_or_default())
}

fn parse_interval(text: Option<String>) -> Result<Interval, ApiError> {
    Ok(parse_name("interval", text)?.unwrap_or(Interval::Hour))
}

fn too_many_points(interval: Interval) -> ApiError {
    ApiError::parameter(
        "interval",
        format!(
            "would be more than {MAX_POINTS} points of a {}: give a longer interval or a shorter period",
            interval.as_str()
        ),
    )
}
