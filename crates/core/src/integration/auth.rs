//! How a delivery proves to its target who it comes from.

use crate::secret::Secret;

/// Credentials that a delivery carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingAuth {
    /// None.
    None,
    /// A key in a header of the target's choice.
    ApiKey {
        /// The header's name.
        header_name: String,
        /// The key.
        api_key: Secret,
    },
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user name, which holds no colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Any headers.
    CustomHeaders {
        /// Names and values; every value is treated as a secret.
        headers: Vec<(String, Secret)>,
    },
}
