//! The configuration section `security`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What may be reached, and which certificates are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// Whether addresses must begin with `https`.
    pub enforce_https: bool,
    /// Addresses that are allowed although the guard would refuse them.
    pub egress: EgressConfig,
    /// A PEM file with certificate authorities to trust beside the platform's.
    pub private_ca_file: Option<PathBuf>,
}

/// Addresses that are allowed although the guard would refuse them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// Networks (`10.1.0.0/16`), addresses (`10.1.2.3`), or a host and its port (`hooks.internal:8443`, `[fd00::1]:80`).
    pub allow: Vec<String>,
}
