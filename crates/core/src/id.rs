//! Identifiers: small, comparable, and never confused with each other.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Takes the text unchecked; callers validate it at the boundary.
            pub fn new(text: impl Into<SmolStr>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 12]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotAnObjectId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }
    };
}

integer_id! {
    /// The tenant: an organisation's number.
    OrgId
}
integer_id! {
    /// The entity of an event: a unit's globally unique number, or the organisation's own.
    Rid
}
text_id! {
    /// The type of an event, such as `appointment-created`.
    EventType
}
text_id! {
    /// The event source of an event, such as `mysql` or `push`.
    SourceId
}
text_id! {
    /// An event's identifier within its source.
    EventId
}
text_id! {
    /// The name of a lookup table, such as `DEPARTMENT`.
    LookupType
}
object_id! {
    /// A lookup row's identifier: 24 hexadecimal digits.
    LookupId
}
object_id! {
    /// The identifier of an import of lookup rows: 24 hexadecimal digits.
    ImportId
}
object_id! {
    /// An integration's identifier: 24 hexadecimal digits.
    IntegrationId
}
object_id! {
    /// A template's identifier: 24 hexadecimal digits.
    TemplateId
}
object_id! {
    /// A redrive's identifier: 24 hexadecimal digits.
    RedriveId
}
object_id! {
    /// A person's identifier: 24 hexadecimal digits.
    UserId
}
object_id! {
    /// An API key's identifier: 24 hexadecimal digits.
    ApiKeyId
}
text_id! {
    /// A session's identifier: 32 hexadecimal digits, as random as a key.
    SessionId
}
object_id! {
    /// A delivery log's identifier, derived from its message id so that a second write of the same delivery is refused.
    LogId
}
object_id! {
    /// The identifier of a scheduled delivery: that of the log which its first request will have.
    ScheduledId
}

/// The text is not 24 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 24 hexadecimal digits")]
pub struct NotAnObjectId;

fn parse_hex(text: &str) -> Result<[u8; 12], NotAnObjectId> {
    let digits = text.as_bytes();
    if digits.len() != 24 {
        return Err(NotAnObjectId);
    }
    let mut bytes = [0; 12];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(bytes)
}

fn nibble(digit: u8) -> Result<u8, NotAnObjectId> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(NotAnObjectId)
}

impl OrgId {
    /// The organisation as an entity that events may name.
    pub fn as_entity(self) -> Rid {
        Rid(self.0)
    }
}

impl EventId {
    /// The identifier of a pushed event outside the queue of pushed events, where identifiers of all organisations meet: the
    /// organisation's number, a colon, and the client's own identifier. A number holds no colon, so no two events share one.
    #[must_use]
    pub fn pushed_by(&self, org: OrgId) -> Self {
        Self::new(format!("{org}:{self}"))
    }
}

/// A position in a source: the row number.
pub type Position = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_id_parses_what_it_prints() {
        let id: IntegrationId = "00ff10a0b1c2d3e4f5061728".parse().unwrap();
        assert_eq!(id.to_string(), "00ff10a0b1c2d3e4f5061728");
    }

    #[test]
    fn an_object_id_refuses_what_is_not_24_hex_digits() {
        for text in [
            "",
            "00ff",
            "zzff10a0b1c2d3e4f5061728",
            "00ff10a0b1c2d3e4f506172800",
            "é0ff10a0b1c2d3e4f506172",
        ] {
            assert_eq!(text.parse::<IntegrationId>(), Err(NotAnObjectId), "{text}");
        }
    }
}
