//! Redrives as clients ask for them and read them.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::outcome::ErrorCategory;
use ig_core::redrive::{Redrive, RedriveFilter, RedriveOrder, RedriveProgress};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::listing::listing;
use crate::body::shaped;
use crate::query::{NO_MOMENT, day_or_moment};

const NO_CATEGORY: &str = "must be a class of failure, such as SERVER_ERROR";

/// Which dead letters to try again; what is left out does not matter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RedriveAsked {
    /// Those of this integration alone.
    pub integration_id: Option<String>,
    /// Those whose last failure is of this class alone, such as `SERVER_ERROR`.
    pub error_category: Option<String>,
    /// Those made on this day, or at this moment, or later.
    pub start_date: Option<String>,
    /// Those made up to the end of this day, or before this moment.
    pub end_date: Option<String>,
}
shaped!(RedriveAsked);

/// A redrive and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Redrive)]
pub(crate) struct RedriveEntry {
    /// Its identifier.
    id: String,
    /// The organisation.
    org_id: i64,
    /// RUNNING, COMPLETED or CANCELLED.
    state: &'static str,
    /// How many dead letters it was estimated to cover when it began.
    estimated: u64,
    /// How many were delivered.
    delivered: u64,
    /// How many failed again.
    failed: u64,
    /// How many have not had their turn.
    waiting: u64,
    /// Those of this integration alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_id: Option<String>,
    /// Those of this class alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// Those made at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    /// Those made before this moment.
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
    /// What is asked for an organisation.
    pub(crate) fn order(self, org: OrgId) -> Result<RedriveOrder, Faults> {
        let Self {
            integration_id,
            error_category,
            start_date,
            end_date,
        } = self;
        let mut faults = Faults::default();
        let mut read = Reading(&mut faults);
        let filter = RedriveFilter {
            integration_id: read.at("/integrationId", integration_id, "must be 24 hexadecimal digits", |text| {
                text.parse().ok()
            }),
            category: read.at("/errorCategory", error_category, NO_CATEGORY, ErrorCategory::parse),
            from: read.at("/startDate", start_date, NO_MOMENT, |text| day_or_moment(text, 0)),
            until: read.at("/endDate", end_date, NO_MOMENT, |text| day_or_moment(text, 1)),
        };
        faults.into_result(RedriveOrder { org_id: org, filter })
    }
}

/// Reads texts and notes which cannot be understood.
struct Reading<'a>(&'a mut Faults);

impl Reading<'_> {
    fn at<T>(&mut self, place: &str, text: Option<String>, otherwise: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let found = read(&text);
        if found.is_none() {
            self.0.add(place, otherwise);
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
