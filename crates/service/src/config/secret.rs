//! Secrets, which are never printed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text printed in place of a secret.
pub const MASK: &str = "********";

/// A credential from the configuration: printed and serialized as [`MASK`], read through [`Secret::expose`] alone.
///
/// A secret has no built-in default, so serializing the defaults loses nothing. The mask is refused as a value,
/// which catches a printed configuration that is loaded again.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The credential itself, for the code that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        if value == MASK {
            return Err(de::Error::custom("this is a mask, not a secret"));
        }
        Ok(Self(value))
    }
}
