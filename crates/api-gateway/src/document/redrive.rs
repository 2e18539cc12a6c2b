//! Redrives, as clients request and read them.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::outcome::ErrorCategory;
use ig_core::redrive::{Redrive, RedriveFilter, RedriveOrder, RedriveProgress};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::listing::listing;
use crate::body::validated;
use crate::query::{INVALID_MOMENT, parse_day_or_moment};

const INVALID_CATEGORY: &str = "must be a class of failure, such as SERVER_ERROR";

/// Which dead letters to retry; absent filters match all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RedriveAsked {
    /// Only those of this integration.
    pub integration_id: Option<String>,
    /// Only those whose last error has this category, such as `SERVER_ERROR`.
    pub error_category: Option<String>,
    /// Only those created on or after this day, or at or after this moment.
    pub start_date: Option<String>,
    /// Only those created up to the end of this day, or before this moment.
    pub end_date: Option<String>,
}
validated!(RedriveAsked);

/// A redrive and its progress.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Redrive)]
pub(crate) struct RedriveEntry {
    /// The redrive's identifier.
    id: String,
    /// The organisation.
    org_id: i64,
    /// RUNNING, COMPLETED or CANCELLED.
    state: &'static str,
    /// The estimated number of dead letters when it began.
    estimated: u64,
    /// How many dead letters were delivered.
    delivered: u64,
    /// How many dead letters failed again.
    failed: u64,
    /// How many dead letters are still queued.
    waiting: u64,
    /// Only those of this integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_id: Option<String>,
    /// Only those of this error category.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// Only those created at or after this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    /// Only those created before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was completed or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

listing! {
    /// A page of redrives, the latest first.
    RedriveList { redrives: RedriveEntry }
}

impl RedriveAsked {
    /// The redrive to order for an organisation, or what is wrong with its filters.
    pub(crate) fn order(self, org: OrgId) -> Result<RedriveOrder, Faults> {
        let Self {
            integration_id,
            error_category,
            start_date,
            end_date,
        } = self;
        let mut faults = Faults::default();
        let mut parser = FilterParser(&mut faults);
        let filter = RedriveFilter {
            integration_id: parser.parse("/integrationId", integration_id, "must be 24 hexadecimal digits", |text| {
                text.parse().ok()
            }),
            category: parser.parse("/errorCategory", error_category, INVALID_CATEGORY, ErrorCategory::parse),
            from: parser.parse("/startDate", start_date, INVALID_MOMENT, |text| parse_day_or_moment(text, 0)),
            until: parser.parse("/endDate", end_date, INVALID_MOMENT, |text| parse_day_or_moment(text, 1)),
        };
        faults.into_result(RedriveOrder { org_id: org, filter })
    }
}

/// Parses filters and collects their faults.
struct FilterParser<'a>(&'a mut Faults);

impl FilterParser<'_> {
    fn parse<T>(&mut self, pointer: &str, text: Option<String>, message: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let found = read(&text);
        if found.is_none() {
            self.0.add(pointer, message);
        }
        found
    }
}

impl From<Redrive> for RedriveEntry {
    fn from(redrive: Redrive) -> Self {
        let Redrive {
            key,
            filter,
            state,
            progress,
            created_at,
            ended_at,
        } = redrive;
        let RedriveFilter {
            integration_id,
            category,
            from,
            until,
        } = filter;
        let RedriveProgress {
            estimated,
            delivered,
            failed,
            waiting,
        } = progress;
        Self {
            id: key.id.to_string(),
            org_id: key.org_id.0,
            state: state.as_str(),
            estimated,
            delivered,
            failed,
            waiting,
            integration_id: integration_id.map(|id| id.to_string()),
            error_category: category.map(ErrorCategory::as_str),
            start_date: from,
            end_date: until,
            created_at,
            ended_at,
        }
    }
}
