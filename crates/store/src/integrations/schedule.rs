//! The schedule of an integration's deliveries, as stored.

use ig_core::ports::StoreError;
use ig_core::schedule::{Schedule, ScheduleMode};
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{json, json_text};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleDocument {
    /// Absent in integrations from before schedules existed.
    scheduling_mode: Option<String>,
    /// JSON text as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduling_config: Option<String>,
}

impl From<&Schedule> for ScheduleDocument {
    fn from(schedule: &Schedule) -> Self {
        Self {
            scheduling_mode: Some(schedule.mode().as_str().to_owned()),
            scheduling_config: schedule.config().map(json_text),
        }
    }
}

impl ScheduleDocument {
    pub(super) fn read(self) -> Result<Schedule, StoreError> {
        let Some(mode) = self.scheduling_mode else {
            return Ok(Schedule::default());
        };
        let mode = ScheduleMode::parse(&mode).ok_or_else(|| unreadable("schedulingMode"))?;
        let config = self
            .scheduling_config
            .map(|text| json("schedulingConfig", &text))
            .transpose()?;
        Schedule::read(mode, config.as_ref()).map_err(|_| unreadable("schedulingConfig"))
    }
}
