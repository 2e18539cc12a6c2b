//! Delays: after a while, at a time from the payload, or at a time from a script.

use std::time::Duration;

use serde_json::Value;

use super::path;
use super::recurrence::parse_field;
use super::zone::Zone;
use crate::clock::Timestamp;
use crate::date::Moment;
use crate::fault::Faults;
use crate::integration::Script;

/// The longest delay: a year.
const MAX_DELAY_SECONDS: u64 = 366 * 86_400;

/// A configured delay.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    when: When,
    zone: Option<Zone>,
}

#[derive(Debug, Clone, PartialEq)]
enum When {
    After(Duration),
    At(path::Template),
    Script(Script),
}

/// A delay as written: exactly one of the first three fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DelayForm<'a> {
    /// Seconds after the event.
    pub delay_seconds: Option<u64>,
    /// A dotted path into the payload, or a text with `{{paths}}`, that yields the time.
    pub at: Option<&'a str>,
    /// A script that returns the time.
    pub script: Option<&'a str>,
    /// The zone of times without an offset; `None` means the tenant's.
    pub timezone: Option<&'a str>,
}

/// When a delayed delivery is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Due<'a> {
    /// At this time; at once where it has passed.
    At(Timestamp),
    /// At the time that this script returns: pass its result to [`Delay::parse_due`].
    Script(&'a Script),
}

impl Delay {
    /// Validates a delay; faults point at `/delaySeconds`, `/at`, `/script`, `/timezone`, or at the whole.
    pub fn new(form: DelayForm<'_>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let zone = parse_field(form.timezone, "/timezone", &mut faults);
        let when = parse_when(form, &mut faults);
        let when = when.unwrap_or(When::After(Duration::ZERO));
        faults.into_result(Self { when, zone })
    }

    /// Its own zone.
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// The script that yields the time, if any.
    pub fn script(&self) -> Option<&Script> {
        match &self.when {
            When::Script(script) => Some(script),
            When::After(_) | When::At(_) => None,
        }
    }

    /// When the delivery of an event is due; the error is a sentence that a tenant may read.
    pub fn due(&self, payload: &Value, event_at: Timestamp, tenant: Zone) -> Result<Due<'_>, String> {
        match &self.when {
            When::After(delay) => Ok(Due::At(event_at + *delay)),
            When::Script(script) => Ok(Due::Script(script)),
            When::At(template) => {
                let value = template
                    .filled(payload)
                    .map_err(|path| format!("The payload has nothing at {path}."))?;
                self.parse_due(&value, tenant).map(Due::At)
            }
        }
    }

    /// Reads the time from the payload's or the script's value.
    pub fn parse_due(&self, value: &Value, tenant: Zone) -> Result<Timestamp, String> {
        let moment = Moment::of(value).and_then(|moment| moment.start(&self.zone.unwrap_or(tenant).clocks()));
        moment.ok_or_else(|| format!("{} is not a time such as 2026-03-29T02:30:00.", shortened(&value.to_string())))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn parse_when(form: DelayForm<'_>, faults: &mut Faults) -> Option<When> {
    let DelayForm {
        delay_seconds,
        at,
        script,
        timezone: _,
    } = form;
    match (delay_seconds, at, script) {
        (Some(seconds), None, None) => {
            if seconds > MAX_DELAY_SECONDS {
                faults.add("/delaySeconds", "must be at most 31622400");
            }
            Some(When::After(Duration::from_secs(seconds)))
        }
        (None, Some(at), None) => parse_field(Some(at), "/at", faults).map(When::At),
        (None, None, Some(script)) => {
            let script = Script::new(script);
            script
                .map_err(|found| faults.add_below("/script", found))
                .ok()
                .map(When::Script)
        }
        _ => {
            faults.add("", "must have exactly one of delaySeconds, at and script");
            None
        }
    }
}
