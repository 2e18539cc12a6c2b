//! Silences: a person holds the notices of some incidents for a while.

use std::fmt;
use std::str::FromStr;

use super::{Incident, Matcher};
use crate::clock::Timestamp;
use crate::id::{IntegrationId, NotAnObjectId, OrgId};

/// A silence's identifier: 24 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(pub [u8; 12]);

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IntegrationId(self.0).fmt(f)
    }
}

impl FromStr for SilenceId {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        text.parse().map(|IntegrationId(bytes)| Self(bytes))
    }
}

/// Holds the notices of the incidents that it matches. They are recorded as ever, and resolved notices pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Its identifier.
    pub id: SilenceId,
    /// The tenant; `None` for the platform.
    pub org_id: Option<OrgId>,
    /// Which incidents it holds.
    pub matcher: Matcher,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who made it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Silence {
    /// When it ends, where it holds an incident now.
    pub fn holds_until(&self, incident: &Incident, now: Timestamp) -> Option<Timestamp> {
        let in_force = self.from <= now && now < self.until;
        (in_force && self.matcher.matches(incident)).then_some(self.until)
    }
}
