//! The query parameters of analytics.

use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::schedule::Zone;
use ig_store::DeliveryScope;
use serde::Deserialize;
use utoipa::IntoParams;

use super::period;
use crate::error::ApiError;
use crate::path;
use crate::query::{parse_in_range, parse_integration_id, parse_with};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// Selects the deliveries that started within a period.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct AnalyticsQuery {
    /// The first day or moment; 24 hours before the end by default.
    start_date: Option<String>,
    /// The last day (inclusive) or moment (exclusive); now by default. A period covers at most 90 days.
    end_date: Option<String>,
    /// The time zone of the days, such as `Europe/Berlin`; the organisation's by default.
    timezone: Option<String>,
    /// Only deliveries of this integration.
    integration_id: Option<String>,
    /// Only deliveries of events of this type.
    event_type: Option<String>,
}

impl AnalyticsQuery {
    /// The time zone, if the query names one.
    pub(super) fn zone(&self) -> Result<Option<Zone>, ApiError> {
        let zone = |name: &str| name.parse().ok();
        parse_with(
            "timezone",
            self.timezone.clone(),
            zone,
            "a time zone's name, such as Europe/Berlin",
        )
    }

    /// The period, with days in the given time zone.
    pub(super) fn period(&self, zone: Zone, now: Timestamp) -> Result<Period, ApiError> {
        period::parse(self.start_date.as_deref(), self.end_date.as_deref(), zone, now)
    }

    /// Narrows a scope to the integration and event type of the query.
    pub(super) fn narrow(self, scope: DeliveryScope) -> Result<DeliveryScope, ApiError> {
        Ok(DeliveryScope {
            integration_id: parse_integration_id(self.integration_id)?,
            event_type: self.event_type.as_deref().map(path::event_type),
            ..scope
        })
    }
}

/// Limits the number of rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TopQuery {
    /// The maximum number of rows; 50 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500)]
    limit: Option<String>,
}

impl TopQuery {
    /// The maximum number of rows.
    pub(crate) fn limit(self) -> Result<u32, ApiError> {
        Ok(parse_in_range("limit", self.limit, 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT))
    }
}
