//! Routes: who is told of which incidents, and when.

use std::time::Duration;

use super::{ChannelId, Incident, Matcher, QuietHours, Severity};
use crate::fault::Faults;

/// How long an incident waits for its first notice: one that ends before is not worth telling.
pub const GROUP_WAIT: Duration = Duration::from_secs(30);
/// How long after a notice the next one about the same incident follows, while it is open.
pub const REPEAT_INTERVAL: Duration = Duration::from_hours(4);

/// The most routes, quiet hours, channels of a route and escalations of a route.
const MAX_ITEMS: usize = 100;
/// The shortest time between two notices about one incident.
const MIN_REPEAT: Duration = Duration::from_mins(1);
/// The longest wait of any kind.
const MAX_WAIT: Duration = Duration::from_hours(30 * 24);
const DIGEST_FROM: u32 = 5;

/// Other channels are told where nobody acknowledges an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// How long after the first notice.
    pub after: Duration,
    /// The channels.
    pub channels: Vec<ChannelId>,
}

/// Who is told of some incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name, for people.
    pub name: String,
    /// The incidents.
    pub matcher: Matcher,
    /// The channels.
    pub channels: Vec<ChannelId>,
    /// How long an incident waits for its first notice.
    pub first_after: Duration,
    /// How long after a notice the next one follows.
    pub repeat_after: Duration,
    /// Who is told where nobody acknowledges.
    pub escalations: Vec<Escalation>,
    /// So many notices that are due together are one digest; `None` never is.
    pub digest_from: Option<u32>,
    /// Whether the routes after it are looked at too.
    pub continues: bool,
}

impl Route {
    /// A route of some incidents to channels, with the usual times.
    pub fn new(name: &str, matcher: Matcher, channels: Vec<ChannelId>) -> Self {
        Self {
            name: name.to_owned(),
            matcher,
            channels,
            first_after: GROUP_WAIT,
            repeat_after: REPEAT_INTERVAL,
            escalations: Vec::new(),
            digest_from: Some(DIGEST_FROM),
            continues: false,
        }
    }

    /// Where there is no route, all channels hear of what is more than worth knowing.
    pub(super) fn of_all(channels: impl IntoIterator<Item = ChannelId>) -> Self {
        let matcher = Matcher {
            severities: vec![Severity::Warning, Severity::Critical],
            ..Matcher::default()
        };
        Self::new("all channels", matcher, channels.into_iter().collect())
    }

    fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if let Err(inner) = self.matcher.check() {
            faults.add_below("/matcher", inner);
        }
        if self.channels.len() > MAX_ITEMS {
            faults.add("/channels", "must have at most 100 channels");
        }
        if self.first_after > MAX_WAIT {
            faults.add("/firstAfter", "must be at most 30 days");
        }
        if !(MIN_REPEAT..=MAX_WAIT).contains(&self.repeat_after) {
            faults.add("/repeatAfter", "must be from one minute to 30 days");
        }
        if self.escalations.len() > MAX_ITEMS || self.escalations.iter().any(|step| step.channels.len() > MAX_ITEMS) {
            faults.add("/escalations", "must be at most 100, with at most 100 channels each");
        }
        if self.escalations.iter().any(|step| step.after > MAX_WAIT) {
            faults.add("/escalations", "must follow within 30 days");
        }
        if self.digest_from.is_some_and(|count| count < 2) {
            faults.add("/digestFrom", "must be at least 2");
        }
        faults.into_result(())
    }
}

/// The routes and quiet hours of an organisation, or of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// The routes, in the order in which they are looked at.
    pub routes: Vec<Route>,
    /// The quiet hours.
    pub quiet_hours: Vec<QuietHours>,
}

impl Routing {
    /// Checks sizes and times; faults carry pointers such as `/routes/0/repeatAfter`.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if self.routes.len() > MAX_ITEMS {
            faults.add("/routes", "must be at most 100");
        }
        if self.quiet_hours.len() > MAX_ITEMS {
            faults.add("/quietHours", "must be at most 100");
        }
        for (number, route) in self.routes.iter().enumerate().take(MAX_ITEMS) {
            if let Err(inner) = route.check() {
                faults.add_below(&format!("/routes/{number}"), inner);
            }
        }
        faults.into_result(())
    }

    /// The routes of an incident: the first that matches, and those that follow a route which continues.
    pub(super) fn of<'a>(&'a self, incident: &Incident) -> Vec<&'a Route> {
        let mut found = Vec::new();
        for route in self.routes.iter().filter(|route| route.matcher.matches(incident)) {
            found.push(route);
            if !route.continues {
                break;
            }
        }
        found
    }
}
