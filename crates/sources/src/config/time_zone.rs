//! The time zone of a database's local times.

use std::fmt;

use ig_core::schedule::Zone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A zone's name, or `session` for the zone that the database gives its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeZone {
    /// This zone.
    Named(Zone),
    /// The database's own zone.
    Session,
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Named(zone) => zone.name(),
            Self::Session => "session",
        })
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeZoneVisitor)
    }
}

struct TimeZoneVisitor;

impl de::Visitor<'_> for TimeZoneVisitor {
    type Value = TimeZone;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`session` or a time zone's name, such as Europe/Berlin")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeZone, E> {
        match text {
            "session" => Ok(TimeZone::Session),
            name => name
                .parse()
                .map(TimeZone::Named)
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
