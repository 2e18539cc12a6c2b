//! How clients authenticate to an inbound integration.

use std::time::Duration;

use crate::integration::Signing;
use crate::secret::Secret;

/// The credentials of a client's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing.
    None,
    /// A key in a header.
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
    /// A Standard Webhooks signature over the body as it came.
    Hmac(Hmac),
}

/// How a signature is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// The secrets that clients may have signed with.
    pub secrets: Signing,
    /// How far a call's timestamp may be from now.
    pub tolerance: Duration,
}

impl Hmac {
    /// The tolerance that Standard Webhooks recommends.
    pub const TOLERANCE: Duration = Duration::from_mins(5);
}
