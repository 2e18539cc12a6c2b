//! Statistics of deliveries, aggregated in the database.
//!
//! Every figure comes from pipelines of one shape: they group the deliveries of a range by the requested key (a time
//! interval, an integration, …), status and response time class, and then those groups by the key. The database thus
//! reduces a million deliveries to a few hundred numbers, percentiles are read from classes ([`ig_core::latency`]), and
//! no operator is needed that some servers lack.

mod buckets;
mod errors;
mod grouping;
mod over_time;
mod recent;
mod scope;
mod tallied;

use std::time::Duration;

use ig_core::calendar::{Grid, Interval, offset_spans};
use ig_core::figures::DeliveryFigures;
use ig_core::id::{EventType, IntegrationId};
use ig_core::schedule::Zone;
use mongodb::bson::{Bson, oid::ObjectId};

pub(crate) use buckets::TALLIED;
pub use errors::{ErrorFigures, Errors, IntegrationErrors};
pub(crate) use grouping::StatusClassDocument;
pub use recent::RecentDeliveries;
pub use scope::DeliveryScope;

use crate::aggregation::{Aggregation, CountError};
use crate::database::Database;

/// One integration's deliveries in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationFigures {
    /// The integration.
    pub id: IntegrationId,
    /// One of the names that it had.
    pub name: String,
    /// Its deliveries.
    pub figures: DeliveryFigures,
}

/// The statistics of deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryStatistics {
    database: Database,
    timeout: Duration,
}

impl DeliveryStatistics {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            timeout: Aggregation::DEFAULT_TIMEOUT,
        }
    }

    /// The same, with this deadline.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// All deliveries of the scope together.
    pub async fn summary(&self, scope: &DeliveryScope) -> Result<DeliveryFigures, CountError> {
        let all = self.grouped::<Option<i32>>(scope, Bson::Null, None).await?;
        Ok(all.into_iter().next().map(|group| group.figures).unwrap_or_default())
    }

    /// By interval of the grid, empty intervals included.
    pub async fn over_time(
        &self,
        scope: &DeliveryScope,
        grid: &Grid,
        interval: Interval,
        zone: Zone,
    ) -> Result<Vec<DeliveryFigures>, CountError> {
        let key = over_time::granule(&offset_spans(zone, scope.period), interval.granule());
        let granules = self.grouped::<i64>(scope, key, None).await?;
        Ok(over_time::filled_in(grid, granules))
    }

    /// By integration, largest count first.
    pub async fn by_integration(&self, scope: &DeliveryScope, most: u32) -> Result<Vec<IntegrationFigures>, CountError> {
        let groups = self
            .grouped::<ObjectId>(scope, "$integrationConfigId".into(), Some(most))
            .await?;
        let figures = groups.into_iter().map(|group| IntegrationFigures {
            id: IntegrationId(group.key.bytes()),
            name: group.name,
            figures: group.figures,
        });
        Ok(figures.collect())
    }

    /// By event type, largest count first.
    pub async fn by_event_type(&self, scope: &DeliveryScope, most: u32) -> Result<Vec<(EventType, DeliveryFigures)>, CountError> {
        let groups = self.grouped::<String>(scope, "$eventType".into(), Some(most)).await?;
        let figures = groups.into_iter().map(|group| (EventType::new(group.key), group.figures));
        Ok(figures.collect())
    }
}
