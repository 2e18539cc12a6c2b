//! Schedules of deliveries.

use ig_core::schedule::{Schedule, ScheduleMode};
use serde_json::Value;

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;

pub(super) fn to_wire(schedule: &Schedule) -> String {
    schedule.config().map(Value::to_string).unwrap_or_default()
}

pub(super) fn from_wire(mode: &str, config: &str) -> Result<Schedule, InvalidMessage> {
    let mode = mode_from_wire(mode).within("scheduling_mode")?;
    let config = config_from_wire(config).within("scheduling_config")?;
    Schedule::read(mode, config.as_ref()).within("scheduling_config")
}

/// A sender that predates schedules leaves the mode empty.
fn mode_from_wire(mode: &str) -> Result<ScheduleMode, InvalidMessage> {
    if mode.is_empty() {
        return Ok(ScheduleMode::Immediate);
    }
    ScheduleMode::parse(mode).ok_or_else(|| InvalidMessage::value("must be IMMEDIATE, DELAYED or RECURRING"))
}

fn config_from_wire(config: &str) -> Result<Option<Value>, InvalidMessage> {
    if config.is_empty() {
        return Ok(None);
    }
    json::from_wire(config).map(Some)
}
