//! How a delivery proves to its target who it comes from.

use super::target::TargetUrl;
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
    /// `Authorization: Bearer …` with a token that a token endpoint grants (OAuth 2.0 client credentials).
    OAuth2(Box<ClientCredentials>),
    /// Any headers.
    CustomHeaders {
        /// Names and values; every value is treated as a secret.
        headers: Vec<(String, Secret)>,
    },
}

/// What a token is granted for (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: TargetUrl,
    /// Who asks.
    pub client_id: String,
    /// The proof of it.
    pub client_secret: Secret,
    /// What the token is to allow, where the endpoint wants to know.
    pub scope: Option<String>,
    /// Whom the token is for, where the endpoint wants to know.
    pub audience: Option<String>,
    /// Where the endpoint expects identifier and secret.
    pub placed: CredentialsPlace,
}

/// Where a token endpoint expects the client's identifier and secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum CredentialsPlace {
    /// In `Authorization: Basic …`, which every endpoint has to understand.
    #[default]
    Header,
    /// In the form, which some insist on.
    Body,
}
