//! One request and its response as stored.

use std::borrow::Cow;
use std::time::Duration;

use ig_core::delivery_log::{Attempt, BodyExcerpt};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::StoreError;
use mongodb::bson;
use serde::{Deserialize, Serialize};

use super::document_budget::DocumentBudget;
use crate::error::unreadable;
use crate::field::{Received, date, micros, millis, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptDocument<'a> {
    started_at: bson::DateTime,
    duration_us: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i32>,
    /// One line `name: value` for each.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    response_headers: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Received<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    response_body_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<i64>,
}

impl<'a> AttemptDocument<'a> {
    pub(super) fn new(attempt: &'a Attempt, budget: &mut DocumentBudget) -> Self {
        let Attempt {
            started_at,
            duration,
            response_status,
            response_headers,
            response_body,
            failure,
        } = attempt;
        let kept = response_body.as_ref().and_then(|body| budget.take(&body.bytes));
        let left_out = kept.is_none() && response_body.is_some();
        Self {
            started_at: date(*started_at),
            duration_us: micros(*duration),
            response_status: response_status.map(i32::from),
            response_headers: response_headers.as_str().into(),
            response_body: kept.map(Received::from),
            response_body_truncated: left_out || response_body.as_ref().is_some_and(|body| body.truncated),
            error_category: failure.as_ref().map(|failure| failure.category.as_str().into()),
            error_message: failure.as_ref().map(|failure| failure.message.as_str().into()),
            retry_after_ms: failure.as_ref().and_then(|failure| failure.retry_after).map(millis),
        }
    }

    pub(super) fn status(&self) -> Option<i32> {
        self.response_status
    }

    pub(super) fn read(self) -> Result<Attempt, StoreError> {
        let truncated = self.response_body_truncated;
        let failure = read_failure(self.error_category, self.error_message, self.retry_after_ms)?;
        Ok(Attempt {
            started_at: timestamp(self.started_at),
            duration: Duration::from_micros(unsigned(self.duration_us)),
            response_status: self.response_status.and_then(|status| u16::try_from(status).ok()),
            response_headers: HeaderLines::read(self.response_headers),
            response_body: self.response_body.map(|bytes| BodyExcerpt {
                bytes: bytes.into(),
                truncated,
            }),
            failure,
        })
    }
}

fn read_failure(
    category: Option<Cow<'_, str>>,
    message: Option<Cow<'_, str>>,
    retry_after_ms: Option<i64>,
) -> Result<Option<Failure>, StoreError> {
    let Some(category) = category else {
        return Ok(None);
    };
    Ok(Some(Failure {
        category: ErrorCategory::parse(&category).ok_or_else(|| unreadable("attempts.errorCategory"))?,
        message: message.unwrap_or_default().into_owned(),
        retry_after: retry_after_ms.map(|ms| Duration::from_millis(unsigned(ms))),
    }))
}
