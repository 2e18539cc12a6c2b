//! How a delivery authenticates to its target.

use super::target::TargetUrl;
use crate::secret::Secret;

/// The credentials of a delivery.
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
    /// `Authorization: Bearer …` with a token from a token endpoint (OAuth 2.0 client credentials).
    OAuth2(Box<ClientCredentials>),
    /// Arbitrary headers.
    CustomHeaders {
        /// Names and values; every value is treated as a secret.
        headers: Vec<(String, Secret)>,
    },
}

/// Client credentials for a token (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: TargetUrl,
    /// The client's identifier.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope of the token, where the endpoint requires one.
    pub scope: Option<String>,
    /// The audience of the token, where the endpoint requires one.
    pub audience: Option<String>,
    /// Where the endpoint expects the client's credentials.
    pub location: CredentialsLocation,
}

/// Where a token endpoint expects the client's credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum CredentialsLocation {
    /// In `Authorization: Basic …`, which every endpoint has to support.
    #[default]
    Header,
    /// In the form body, which some endpoints insist on.
    Body,
}
