//! Delivery statistics of an organisation, as clients read them.

use ig_core::calendar::{Interval, Period};
use ig_core::clock::Timestamp;
use ig_core::figures::DeliveryFigures;
use ig_core::id::EventType;
use ig_core::schedule::Zone;
use ig_store::{ErrorFigures, Errors, IntegrationErrors, IntegrationFigures};
use serde::Serialize;
use utoipa::ToSchema;

use super::Figures;

/// The period that the figures cover.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Counted)]
struct CountedPeriod {
    /// The start of the period, inclusive.
    #[schema(value_type = String, format = DateTime)]
    start_date: Timestamp,
    /// The end of the period, exclusive.
    #[schema(value_type = String, format = DateTime)]
    end_date: Timestamp,
}

/// The totals of all deliveries in a period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnalyticsSummary)]
pub(crate) struct Summary {
    #[serde(flatten)]
    period: CountedPeriod,
    /// The timezone in which the period's dates are read.
    timezone: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

/// The deliveries of a period, grouped by the time at which the gateway accepted them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnalyticsTimeSeries)]
pub(crate) struct TimeSeries {
    #[serde(flatten)]
    period: CountedPeriod,
    /// The timezone in which points begin.
    timezone: &'static str,
    /// minute, hour, day, week or month.
    interval: &'static str,
    /// The points. They cover the whole period without a gap, empty intervals included.
    points: Vec<Point>,
}

/// The deliveries that the gateway accepted in one interval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnalyticsPoint)]
pub(crate) struct Point {
    /// The start of the interval, inclusive.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// The end of the interval, exclusive.
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
    #[serde(flatten)]
    figures: Figures,
}

/// The deliveries of a period by integration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationAnalytics {
    #[serde(flatten)]
    period: CountedPeriod,
    /// The integrations, those with the most deliveries first.
    integrations: Vec<IntegrationRow>,
    /// Whether there are further integrations.
    has_more: bool,
}

/// One integration's deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationFigures)]
struct IntegrationRow {
    /// The integration.
    integration_config_id: String,
    /// Its name, or its last known name where it is deleted.
    integration_name: String,
    #[serde(flatten)]
    figures: Figures,
}

/// The deliveries of a period by event type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventTypeAnalytics {
    #[serde(flatten)]
    period: CountedPeriod,
    /// The event types, those with the most deliveries first.
    event_types: Vec<EventTypeRow>,
    /// Whether there are further event types.
    has_more: bool,
}

/// One event type's deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventTypeFigures)]
struct EventTypeRow {
    /// The event type.
    event_type: String,
    #[serde(flatten)]
    figures: Figures,
}

/// The failed deliveries of a period: those that are FAILED, RETRYING or ABANDONED.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorAnalytics {
    #[serde(flatten)]
    period: CountedPeriod,
    /// Failures by category, the most frequent first.
    categories: Vec<CategoryRow>,
    /// Failures by integration and category, the most frequent first.
    integrations: Vec<IntegrationCategoryRow>,
    /// Whether there are further pairs of integration and category.
    has_more: bool,
}

/// The deliveries that failed with one error category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErrorFigures)]
struct CategoryRow {
    /// The error category, such as `SERVER_ERROR`.
    error_category: &'static str,
    /// How many deliveries failed with it.
    count: u64,
    /// The error message of the most recent of these deliveries.
    last_message: String,
    /// When the gateway accepted the most recent of these deliveries.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
}

/// One integration's deliveries that failed with one error category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationErrorFigures)]
struct IntegrationCategoryRow {
    /// The integration.
    integration_config_id: String,
    /// Its name, or its last known name where it is deleted.
    integration_name: String,
    #[serde(flatten)]
    errors: CategoryRow,
}

impl Summary {
    pub(crate) fn new(period: Period, zone: Zone, figures: DeliveryFigures) -> Self {
        Self {
            period: period.into(),
            timezone: zone.name(),
            figures: figures.into(),
        }
    }
}

impl TimeSeries {
    pub(crate) fn new(period: Period, zone: Zone, interval: Interval, points: Vec<Point>) -> Self {
        Self {
            period: period.into(),
            timezone: zone.name(),
            interval: interval.as_str(),
            points,
        }
    }
}

impl Point {
    pub(crate) fn new(piece: Period, figures: DeliveryFigures) -> Self {
        Self {
            start: piece.start(),
            end: piece.end(),
            figures: figures.into(),
        }
    }
}

impl IntegrationAnalytics {
    /// The first `limit` integrations.
    pub(crate) fn new(period: Period, found: Vec<IntegrationFigures>, limit: u32) -> Self {
        let (integrations, has_more) = first_rows(found, limit);
        Self {
            period: period.into(),
            integrations,
            has_more,
        }
    }
}

impl EventTypeAnalytics {
    /// The first `limit` event types.
    pub(crate) fn new(period: Period, found: Vec<(EventType, DeliveryFigures)>, limit: u32) -> Self {
        let (event_types, has_more) = first_rows(found, limit);
        Self {
            period: period.into(),
            event_types,
            has_more,
        }
    }
}

impl ErrorAnalytics {
    /// The first `limit` pairs of integration and category.
    pub(crate) fn new(period: Period, errors: Errors, limit: u32) -> Self {
        let Errors {
            by_category,
            by_integration,
        } = errors;
        let (integrations, has_more) = first_rows(by_integration, limit);
        Self {
            period: period.into(),
            categories: by_category.into_iter().map(Into::into).collect(),
            integrations,
            has_more,
        }
    }
}

/// The first `limit` items, and whether there are further ones.
fn first_rows<T, U: From<T>>(found: Vec<T>, limit: u32) -> (Vec<U>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    (found.into_iter().take(limit).map(U::from).collect(), has_more)
}

impl From<Period> for CountedPeriod {
    fn from(period: Period) -> Self {
        Self {
            start_date: period.start(),
            end_date: period.end(),
        }
    }
}

impl From<IntegrationFigures> for IntegrationRow {
    fn from(found: IntegrationFigures) -> Self {
        let IntegrationFigures { id, name, figures } = found;
        Self {
            integration_config_id: id.to_string(),
            integration_name: name,
            figures: figures.into(),
        }
    }
}

impl From<(EventType, DeliveryFigures)> for EventTypeRow {
    fn from((event_type, figures): (EventType, DeliveryFigures)) -> Self {
        Self {
            event_type: event_type.to_string(),
            figures: figures.into(),
        }
    }
}

impl From<ErrorFigures> for CategoryRow {
    fn from(errors: ErrorFigures) -> Self {
        let ErrorFigures {
            category,
            count,
            last_message,
            last_at,
        } = errors;
        Self {
            error_category: category.as_str(),
            count,
            last_message,
            last_at,
        }
    }
}

impl From<IntegrationErrors> for IntegrationCategoryRow {
    fn from(found: IntegrationErrors) -> Self {
        let IntegrationErrors { id, name, errors } = found;
        Self {
            integration_config_id: id.to_string(),
            integration_name: name,
            errors: errors.into(),
        }
    }
}
