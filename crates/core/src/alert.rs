//! Alerts: trouble that people hear of once.
//!
//! A report of trouble is an [`Alert`]. The reports of one kind about one subject are an [`Incident`], which is open until the trouble
//! ends. Two laws decide who hears of it:
//!
//! - [`plan`] takes one incident with the rules of its organisation, and says which channels are due a notice now, and when to look again.
//! - [`flush`] takes all notices that wait for one channel, and says which of them go out alone, which go out together as one digest, and
//!   which are no longer of interest.

use crate::clock::Timestamp;
use crate::delivery_log::named;
use crate::id::OrgId;

mod channel;
mod details;
mod end;
mod fingerprint;
mod incident;
mod matcher;
mod pace;
mod quiet_hours;
mod routing;
mod silence;
mod telling;
#[cfg(test)]
mod tests;

pub use channel::{ChannelId, ChannelSettings, DEFAULT_MAX_PER_HOUR, HeartbeatRequest, NotificationChannel};
pub use details::{AlertDetails, AlertReport, AlertSubject, Ending};
pub use end::AlertEnd;
pub use fingerprint::Fingerprint;
pub use incident::{
    Acknowledgement, Incident, IncidentId, IncidentState, IncidentStatus, REOPEN_WINDOW, Resolution, ResolvedBy, Told, ToldStage,
};
pub use matcher::Matcher;
pub use pace::{DigestMark, Flush, GROUP_INTERVAL, NoticeStatus, OpenDigest, Pace, PaceLimits, QueuedNotice, flush};
pub use quiet_hours::QuietHours;
pub use routing::{Escalation, GROUP_WAIT, REPEAT_INTERVAL, Route, Routing};
pub use silence::{Silence, SilenceId};
pub use telling::{DueNotice, NOTIFICATION_FAILED, NoticeKey, Rules, TellingKind, TellingPlan, plan};

named! {
    /// How severe an alert is.
    Severity {
        /// Worth knowing.
        Info = "INFO",
        /// An operator should look.
        Warning = "WARNING",
        /// Deliveries are failing.
        Critical = "CRITICAL",
    }
}

impl Severity {
    /// Its place among the severities; the most severe has the highest.
    pub fn rank(self) -> u8 {
        match self {
            Self::Info => 0,
            Self::Warning => 1,
            Self::Critical => 2,
        }
    }
}

/// Trouble, as reported by the service that noticed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The tenant that it concerns; `None` when it concerns the platform.
    pub org_id: Option<OrgId>,
    /// What kind of trouble, such as `circuit-open`.
    pub kind: String,
    /// The deduplication key that reports of the same trouble share, such as an integration's identifier.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}
