//! A trace as stored. It borrows what it writes, and owns what it reads.

use std::borrow::Cow;
use std::time::Duration;

use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Direction, ExecutionTrace, Step};
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::{StoredStep, StoredTrace};
use crate::delivery_logs::read_category;
use crate::error::unreadable;
use crate::field::{date, micros, object_id, timestamp, unsigned};
use crate::integrations::destination;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    trace_id: Cow<'a, str>,
    message_id: Cow<'a, str>,
    org_id: i64,
    integration_config_id: ObjectId,
    integration_name: Cow<'a, str>,
    event_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    direction: Cow<'a, str>,
    status: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i32>,
    target_url: Cow<'a, str>,
    http_method: Cow<'a, str>,
    steps: Vec<StepDocument<'a>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    console: Cow<'a, [String]>,
    created_at: bson::DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<bson::DateTime>,
    expires_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepDocument<'a> {
    name: Cow<'a, str>,
    offset_us: i64,
    duration_us: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

impl<'a> TraceDocument<'a> {
    pub(crate) fn new(log: &'a DeliveryLog, trace: &'a ExecutionTrace) -> Self {
        let ExecutionTrace { steps, console } = trace;
        Self {
            id: object_id(log.id.0),
            trace_id: log.trace_id.as_str().into(),
            message_id: log.message_id.to_string().into(),
            org_id: log.org_id.0,
            integration_config_id: object_id(log.integration.id.0),
            integration_name: log.integration.name.as_str().into(),
            event_id: log.event.id.as_str().into(),
            event_type: log.event.event_type.as_str().into(),
            direction: log.direction.as_str().into(),
            status: log.status.as_str().into(),
            error_category: log.error.as_ref().map(|(category, _)| category.as_str().into()),
            error_message: log.error.as_ref().map(|(_, message)| message.as_str().into()),
            response_status: log.attempts.last().and_then(|attempt| attempt.response_status).map(i32::from),
            target_url: log.target.url.to_string().into(),
            http_method: log.target.method.as_str().into(),
            steps: steps.iter().map(StepDocument::from).collect(),
            console: console.as_slice().into(),
            created_at: date(log.created_at),
            delivered_at: log.delivered_at.map(date),
            expires_at: date(log.expires_at),
        }
    }
}

impl<'a> From<&'a Step> for StepDocument<'a> {
    fn from(step: &'a Step) -> Self {
        let Step {
            name,
            offset,
            duration,
            detail,
        } = step;
        Self {
            name: Cow::Borrowed(name),
            offset_us: micros(*offset),
            duration_us: micros(*duration),
            detail: detail.as_deref().map(Cow::from),
        }
    }
}

impl TryFrom<TraceDocument<'_>> for StoredTrace {
    type Error = StoreError;

    fn try_from(stored: TraceDocument<'_>) -> Result<Self, StoreError> {
        let message = stored.error_message.unwrap_or_default().into_owned();
        let category = stored.error_category.map(|text| read_category(&text)).transpose()?;
        Ok(Self {
            id: LogId(stored.id.bytes()),
            trace_id: stored.trace_id.into_owned(),
            message_id: stored.message_id.into_owned(),
            org_id: OrgId(stored.org_id),
            integration_id: IntegrationId(stored.integration_config_id.bytes()),
            integration_name: stored.integration_name.into_owned(),
            event_id: EventId::new(stored.event_id),
            event_type: EventType::new(stored.event_type),
            direction: Direction::parse(&stored.direction).ok_or_else(|| unreadable("direction"))?,
            status: DeliveryStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            error: category.map(|category| (category, message)),
            response_status: stored.response_status.and_then(|status| u16::try_from(status).ok()),
            target: destination(&stored.target_url, &stored.http_method)?,
            steps: stored.steps.into_iter().map(StoredStep::from).collect(),
            console: stored.console.into_owned(),
            created_at: timestamp(stored.created_at),
            delivered_at: stored.delivered_at.map(timestamp),
        })
    }
}

impl From<StepDocument<'_>> for StoredStep {
    fn from(stored: StepDocument<'_>) -> Self {
        Self {
            name: stored.name.into_owned(),
            offset: Duration::from_micros(unsigned(stored.offset_us)),
            duration: Duration::from_micros(unsigned(stored.duration_us)),
            detail: stored.detail.map(Cow::into_owned),
        }
    }
}
