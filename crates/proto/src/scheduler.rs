//! Requests about scheduled deliveries.

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::schedule::{Schedule, ScheduleMode, Zone};
use ig_core::scheduled::{CancelDelivery, MAX_PREVIEW_OCCURRENCES, PreviewSchedule, RescheduleDelivery};
use serde_json::Value;

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

const SHOWN: usize = 5;

impl From<&CancelDelivery> for v1::CancelRequest {
    fn from(cancel: &CancelDelivery) -> Self {
        let CancelDelivery { org_id, id, reason } = cancel;
        Self {
            org_id: org_id.0,
            id: id.to_string(),
            reason: reason.clone(),
        }
    }
}

impl TryFrom<v1::CancelRequest> for CancelDelivery {
    type Error = InvalidMessage;

    fn try_from(message: v1::CancelRequest) -> Result<Self, InvalidMessage> {
        let v1::CancelRequest { org_id, id, reason } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            id: id.parse().within("id")?,
            reason,
        })
    }
}

impl From<&RescheduleDelivery> for v1::RescheduleRequest {
    fn from(reschedule: &RescheduleDelivery) -> Self {
        let RescheduleDelivery { org_id, id, at } = reschedule;
        Self {
            org_id: org_id.0,
            id: id.to_string(),
            scheduled_for: Some(timestamp_to_wire(at)),
        }
    }
}

impl TryFrom<v1::RescheduleRequest> for RescheduleDelivery {
    type Error = InvalidMessage;

    fn try_from(message: v1::RescheduleRequest) -> Result<Self, InvalidMessage> {
        let v1::RescheduleRequest {
            org_id,
            id,
            scheduled_for,
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            id: id.parse().within("id")?,
            at: timestamp_from_wire(scheduled_for, "scheduled_for")?,
        })
    }
}

impl From<&PreviewSchedule> for v1::PreviewRequest {
    fn from(preview: &PreviewSchedule) -> Self {
        let PreviewSchedule {
            schedule,
            payload,
            count,
            zone,
            event_at,
        } = preview;
        Self {
            scheduling_config: schedule.config().map(Value::to_string).unwrap_or_default(),
            payload: payload.to_string(),
            count: u32::try_from(*count).unwrap_or(u32::MAX),
            scheduling_mode: schedule.mode().as_str().to_owned(),
            timezone: zone.name().to_owned(),
            event_at: event_at.as_ref().map(timestamp_to_wire),
        }
    }
}

impl TryFrom<v1::PreviewRequest> for PreviewSchedule {
    type Error = InvalidMessage;

    fn try_from(message: v1::PreviewRequest) -> Result<Self, InvalidMessage> {
        let v1::PreviewRequest {
            scheduling_config,
            payload,
            count,
            scheduling_mode,
            timezone,
            event_at,
        } = message;
        let mode = ScheduleMode::parse(&scheduling_mode)
            .ok_or_else(|| InvalidMessage::value("must be IMMEDIATE, DELAYED or RECURRING"))
            .within("scheduling_mode")?;
        let config = value(&scheduling_config).within("scheduling_config")?;
        Ok(Self {
            schedule: Schedule::read(mode, Some(&config)).within("scheduling_config")?,
            payload: value(&payload).within("payload")?,
            count: count_from_wire(count).within("count")?,
            zone: zone(&timezone).within("timezone")?,
            event_at: event_at.map(|at| timestamp_from_wire(Some(at), "event_at")).transpose()?,
        })
    }
}

fn value(text: &str) -> Result<Value, InvalidMessage> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    json::from_wire(text)
}

fn zone(name: &str) -> Result<Zone, InvalidMessage> {
    if name.is_empty() {
        return Ok(Zone::default());
    }
    Ok(name.parse()?)
}

fn count_from_wire(count: u32) -> Result<usize, InvalidMessage> {
    match usize::try_from(count).unwrap_or(usize::MAX) {
        0 => Ok(SHOWN),
        count if count <= MAX_PREVIEW_OCCURRENCES => Ok(count),
        _ => Err(InvalidMessage::value(format!("must be at most {MAX_PREVIEW_OCCURRENCES}"))),
    }
}

impl From<Vec<Timestamp>> for v1::PreviewResponse {
    fn from(times: Vec<Timestamp>) -> Self {
        Self {
            occurrences: times.iter().map(timestamp_to_wire).collect(),
        }
    }
}

impl TryFrom<v1::PreviewResponse> for Vec<Timestamp> {
    type Error = InvalidMessage;

    fn try_from(message: v1::PreviewResponse) -> Result<Self, InvalidMessage> {
        let v1::PreviewResponse { occurrences } = message;
        let times = occurrences.into_iter();
        times.map(|at| timestamp_from_wire(Some(at), "occurrences")).collect()
    }
}

impl v1::SchedulerNudgeRequest {
    /// A nudge with the earliest due time of the rows.
    pub fn of(earliest: Timestamp) -> Self {
        Self {
            earliest: Some(timestamp_to_wire(&earliest)),
        }
    }

    /// The earliest due time of the rows, if given.
    pub fn earliest(self) -> Result<Option<Timestamp>, InvalidMessage> {
        let Self { earliest } = self;
        earliest.map(|at| timestamp_from_wire(Some(at), "earliest")).transpose()
    }
}
