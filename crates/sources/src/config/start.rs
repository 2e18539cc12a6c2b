//! Where the first read of a source begins.

use std::fmt;

use ig_core::id::Position;
use ig_core::ports::StartPosition;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `now`, `beginning`, or the id of the row after which to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// After the rows that are there now.
    #[default]
    Now,
    /// From the first row.
    Beginning,
    /// After the row of this id.
    After(Position),
}

impl From<Start> for StartPosition {
    fn from(start: Start) -> Self {
        match start {
            Start::Now => Self::Now,
            Start::Beginning => Self::Beginning,
            Start::After(position) => Self::After(position),
        }
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Now => serializer.serialize_str("now"),
            Self::Beginning => serializer.serialize_str("beginning"),
            Self::After(position) => serializer.serialize_str(&position.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StartVisitor)
    }
}

struct StartVisitor;

impl de::Visitor<'_> for StartVisitor {
    type Value = Start;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`now`, `beginning` or the id of a row")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Start, E> {
        match text {
            "now" => Ok(Start::Now),
            "beginning" => Ok(Start::Beginning),
            id => id
                .parse()
                .map(Start::After)
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<Start, E> {
        Ok(Start::After(id))
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<Start, E> {
        u64::try_from(id)
            .map(Start::After)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(id), &self))
    }
}
