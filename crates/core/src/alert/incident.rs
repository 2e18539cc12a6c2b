//! The life of an incident: open, acknowledged, resolved.
//!
//! ```text
//!        a person               a report of the end, a quiet while, or a person
//! OPEN ───────────▶ ACKNOWLEDGED ───────────▶ RESOLVED
//!   ▲  ───────────────────────────────────────▶  │
//!   └──────────── a report within ten minutes ───┘
//! ```

use std::fmt;
use std::time::Duration;

use super::{Alert, AlertDetails, ChannelId, Ending, Fingerprint, NoticeKey};
use crate::clock::Timestamp;
use crate::delivery_log::named;

/// Trouble that comes back within this time is the same incident.
pub const REOPEN_WINDOW: Duration = Duration::from_mins(10);

/// An incident's identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(pub String);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

named! {
    /// The status of an incident.
    IncidentStatus {
        /// The trouble goes on, and no person takes care of it yet.
        Open = "OPEN",
        /// The trouble goes on, and a person takes care of it.
        Acknowledged = "ACKNOWLEDGED",
        /// The trouble has ended.
        Resolved = "RESOLVED",
    }
}

/// A person takes care of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The person.
    pub by: String,
    /// What the person says about it.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Who ended an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBy {
    /// A service that reported the end of the trouble.
    Report,
    /// Nobody: it was not reported for a while.
    Quiet,
    /// A person.
    Person(String),
}

/// The end of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Who ended it.
    pub by: ResolvedBy,
    /// What a person says about it.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The state of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentState {
    /// The trouble goes on.
    Open,
    /// A person takes care of it.
    Acknowledged(Acknowledgement),
    /// It has ended.
    Resolved(Resolution),
}

named! {
    /// What a channel heard last about an incident.
    ToldStage {
        /// That it is open.
        Firing = "FIRING",
        /// That a person takes care of it.
        Acknowledged = "ACKNOWLEDGED",
        /// That it has ended.
        Resolved = "RESOLVED",
    }
}

/// What one channel was told about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The channel.
    pub channel: ChannelId,
    /// What it heard last.
    pub stage: ToldStage,
    /// How many notices there were; the number of the next one.
    pub notices: u32,
    /// When it was first told since the incident opened.
    pub first_at: Timestamp,
    /// When it was last told.
    pub last_at: Timestamp,
    /// The first notice since the incident opened.
    pub first_notice: NoticeKey,
    /// The last notice that said that it is open.
    pub last_notice: NoticeKey,
}

/// Trouble of one kind with one subject, from its first report to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its identifier.
    pub id: IncidentId,
    /// What its reports share.
    pub fingerprint: Fingerprint,
    /// The last report, with the highest severity that was reported and the time of the first report.
    pub alert: Alert,
    /// The details of the last report.
    pub details: AlertDetails,
    /// How it ends.
    pub ending: Ending,
    /// Its state.
    pub state: IncidentState,
    /// How many reports there were.
    pub count: u64,
    /// When it was first reported.
    pub first_at: Timestamp,
    /// When it was last reported.
    pub last_at: Timestamp,
    /// When it opened, or opened again.
    pub opened_at: Timestamp,
    /// How often it opened again.
    pub reopened: u32,
    /// Whether a notice was held by a silence or by quiet hours.
    pub held: bool,
    /// What each channel was told.
    pub told: Vec<Told>,
    /// Rises with every change but a mere repetition.
    pub version: u64,
}

impl IncidentState {
    /// The status in documents.
    pub fn status(&self) -> IncidentStatus {
        match self {
            Self::Open => IncidentStatus::Open,
            Self::Acknowledged(_) => IncidentStatus::Acknowledged,
            Self::Resolved(_) => IncidentStatus::Resolved,
        }
    }

    /// Whether the trouble goes on.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open | Self::Acknowledged(_) => true,
            Self::Resolved(_) => false,
        }
    }
}

impl Incident {
    /// Whether a report at this time belongs to this incident, which opens again if it was resolved.
    pub fn takes_reports(&self, now: Timestamp) -> bool {
        match &self.state {
            IncidentState::Open | IncidentState::Acknowledged(_) => true,
            IncidentState::Resolved(resolution) => now < resolution.at + REOPEN_WINDOW,
        }
    }

    /// The state after a person takes care of it; `None` where it has ended.
    pub fn acknowledged(&self, acknowledgement: Acknowledgement) -> Option<IncidentState> {
        self.state.is_open().then_some(IncidentState::Acknowledged(acknowledgement))
    }

    /// The state after its end; `None` where it has ended before.
    pub fn resolved(&self, resolution: Resolution) -> Option<IncidentState> {
        self.state.is_open().then_some(IncidentState::Resolved(resolution))
    }
}
