//! The timeouts of a proxied call's steps, as stored.

use std::time::Duration;

use ig_core::inbound::ProxyTimeouts;
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{millis, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "fields carry their unit")]
pub(super) struct TimeoutsDocument {
    connect_ms: i64,
    first_byte_ms: i64,
    idle_ms: i64,
    total_ms: i64,
}

impl From<ProxyTimeouts> for TimeoutsDocument {
    fn from(timeouts: ProxyTimeouts) -> Self {
        let ProxyTimeouts {
            connect,
            first_byte,
            idle,
            total,
        } = timeouts;
        Self {
            connect_ms: millis(connect),
            first_byte_ms: millis(first_byte),
            idle_ms: millis(idle),
            total_ms: millis(total),
        }
    }
}

impl TimeoutsDocument {
    pub(super) fn read(self) -> Result<ProxyTimeouts, StoreError> {
        let time = |ms: i64| Duration::from_millis(unsigned(ms));
        let timeouts = ProxyTimeouts {
            connect: time(self.connect_ms),
            first_byte: time(self.first_byte_ms),
            idle: time(self.idle_ms),
            total: time(self.total_ms),
        };
        timeouts.checked().map_err(|_| unreadable("timeouts"))
    }
}
