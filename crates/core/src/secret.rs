//! A value that never shows itself.

use std::fmt;

/// What takes a secret's place wherever configuration or logs are shown.
pub const MASK: &str = "********";

/// A credential: it prints as [`MASK`], and is read through [`Secret::expose`] alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The credential itself, for the place that has to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
