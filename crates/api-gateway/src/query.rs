//! Query strings, parsed by hand so that faults are reported by parameter name.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Query};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use http::request::Parts;
use ig_core::clock::Timestamp;
use ig_core::id::IntegrationId;
use ig_core::named::Named;
use ig_store::Page;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::error::ApiError;
use crate::gateway::AppState;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;
const MAX_PAGE: u64 = 1_000_000;

/// The values of a query string, all as text, so that parsing the query itself never fails.
#[derive(Debug)]
pub(crate) struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|error| ApiError::parameter("query", error.body_text()))
    }
}

/// Selects a page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The page number, from 1.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000)]
    page: Option<String>,
    /// The number of items per page; 50 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500)]
    limit: Option<String>,
}

impl Paging {
    /// The page.
    pub(crate) fn page(self) -> Result<Page, ApiError> {
        let Self { page, limit } = self;
        Ok(Page {
            number: parse_in_range("page", page, 1..=MAX_PAGE)?.unwrap_or(1),
            limit: parse_in_range("limit", limit, 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

/// A number within an inclusive range.
pub(crate) fn parse_in_range<N>(name: &str, text: Option<String>, allowed: RangeInclusive<N>) -> Result<Option<N>, ApiError>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    number.map(Some).ok_or_else(|| {
        ApiError::parameter(
            name,
            format!("must be an integer from {} to {}", allowed.start(), allowed.end()),
        )
    })
}

/// Any number.
pub(crate) fn parse_number(name: &str, text: Option<String>) -> Result<Option<i64>, ApiError> {
    parse_in_range(name, text, 1..=i64::MAX)
}

/// True or false.
pub(crate) fn parse_flag(name: &str, text: Option<String>) -> Result<Option<bool>, ApiError> {
    parse_with(name, text, |text| text.parse().ok(), "true or false")
}

/// One of a fixed set of names.
pub(crate) fn parse_name<T: Named>(name: &str, text: Option<String>) -> Result<Option<T>, ApiError> {
    let one = |text: &str| T::all().iter().copied().find(|value| value.name() == text);
    let names: Vec<_> = T::all().iter().map(|value| value.name()).collect();
    parse_with(name, text, one, &format!("one of {}", names.join(", ")))
}

/// Applies a parser to a text, or reports what the text must be.
pub(crate) fn parse_with<T>(
    name: &str,
    text: Option<String>,
    read: impl Fn(&str) -> Option<T>,
    must_be: &str,
) -> Result<Option<T>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let found = read(&text).map(Some);
    found.ok_or_else(|| ApiError::parameter(name, format!("must be {must_be}")))
}

/// An integration's identifier.
pub(crate) fn parse_integration_id(text: Option<String>) -> Result<Option<IntegrationId>, ApiError> {
    let id = |text: &str| text.parse().ok();
    parse_with(
        "integrationId",
        text,
        id,
        "an integration's identifier: 24 hexadecimal digits",
    )
}

/// A fixed set of names, for the API description.
pub(crate) struct OneOf<T>(PhantomData<T>);

impl<T: Named> PartialSchema for OneOf<T> {
    fn schema() -> RefOr<Schema> {
        let names = T::all().iter().map(|value| value.name());
        let texts = ObjectBuilder::new().schema_type(Type::String);
        texts.enum_values(Some(names)).into()
    }
}

impl<T: Named> ToSchema for OneOf<T> {}

/// The inclusive start of a time range: a moment, or the start of a day.
pub(crate) fn parse_start(name: &str, text: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    parse_moment(name, text, 0)
}

/// The exclusive end of a time range: a moment, or the end of a day.
pub(crate) fn parse_end(name: &str, text: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    parse_moment(name, text, 1)
}

fn parse_moment(name: &str, text: Option<String>, day_offset: u64) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    parse_day_or_moment(&text, day_offset)
        .map(Some)
        .ok_or_else(|| ApiError::parameter(name, INVALID_MOMENT))
}

/// The fault of a text that is neither.
pub(crate) const INVALID_MOMENT: &str = "must be a day (2024-01-31) or a moment (2024-01-31T10:00:00Z)";

/// A moment, or the start of the day `day_offset` days after the named one.
pub(crate) fn parse_day_or_moment(text: &str, day_offset: u64) -> Option<Timestamp> {
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    let day = || text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(day_offset));
    exact.or_else(|| day().map(|day| day.and_time(NaiveTime::MIN).and_utc()))
}
