//! The credentials of deliveries, as clients write them.

use std::collections::BTreeMap;

use ig_core::fault::Faults;
use ig_core::integration::OutgoingAuth;
use ig_core::secret::{MASK, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::header;
use crate::secrets::{SecretPlace, visit_headers};

mod client_credentials;

/// How deliveries authenticate with the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// No authentication.
    None,
    /// A key in a header: `headerName`, `apiKey`.
    ApiKey,
    /// `Authorization: Bearer`: `token`.
    Bearer,
    /// `Authorization: Basic`: `username`, `password`.
    Basic,
    /// A token from a token endpoint (OAuth 2.0 client credentials): `tokenUrl`, `clientId`, `clientSecret`, and optionally
    /// `scope`, `audience` and `credentialsIn`.
    #[serde(rename = "OAUTH2")]
    OAuth2,
    /// Arbitrary headers: `headers`.
    CustomHeaders,
}

/// The credentials. The type decides which fields are required; any other field is a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthConfig {
    /// `API_KEY`: the header's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_name: Option<String>,
    /// `API_KEY`: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// `BEARER`: the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// `BASIC`: the user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `BASIC`: the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// `OAUTH2`: the token endpoint, an absolute http or https address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// `OAUTH2`: the client identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `OAUTH2`: the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// `OAUTH2`: the scope to request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `OAUTH2`: the audience to request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// `OAUTH2`: how the endpoint expects the client credentials; HEADER by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_in: Option<CredentialsIn>,
    /// `CUSTOM_HEADERS`: values by name, each a secret.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::entries")]
    pub headers: Option<BTreeMap<String, String>>,
}

/// How a token endpoint expects the client credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CredentialsIn {
    /// In `Authorization: Basic`.
    Header,
    /// In the form body.
    Body,
}

/// The credentials of a type, or what is missing, wrong or unexpected.
pub(crate) fn into_domain(kind: AuthType, config: Option<AuthConfig>, checks: &dyn Checks) -> Result<OutgoingAuth, Faults> {
    let mut form = Form {
        checks,
        config: config.unwrap_or_default(),
        faults: Faults::default(),
    };
    let auth = match kind {
        AuthType::None => OutgoingAuth::None,
        AuthType::ApiKey => OutgoingAuth::ApiKey {
            header_name: form.header_name(),
            api_key: form.secret("apiKey", |config| config.api_key.take()),
        },
        AuthType::Bearer => OutgoingAuth::Bearer {
            token: form.secret("token", |config| config.token.take()),
        },
        AuthType::Basic => OutgoingAuth::Basic {
            username: form.username(),
            password: form.secret("password", |config| config.password.take()),
        },
        AuthType::OAuth2 => form.client_credentials(),
        AuthType::CustomHeaders => OutgoingAuth::CustomHeaders { headers: form.headers() },
    };
    form.nothing_left();
    form.faults.into_result(auth)
}

struct Form<'a> {
    checks: &'a dyn Checks,
    config: AuthConfig,
    faults: Faults,
}

impl Form<'_> {
    fn header_name(&mut self) -> String {
        let name = self.config.header_name.take().unwrap_or_default();
        if let Err(message) = header::header_name(&name, self.checks) {
            self.faults.add("/headerName", message);
        }
        name
    }

    fn secret(&mut self, key: &str, take: impl FnOnce(&mut AuthConfig) -> Option<String>) -> Secret {
        match take(&mut self.config) {
            None => self.faults.add(format!("/{key}"), "is required"),
            Some(text) => {
                self.check(&format!("/{key}"), &text);
                return Secret::new(text);
            }
        }
        Secret::new("")
    }

    fn username(&mut self) -> String {
        let name = self.config.username.take().unwrap_or_default();
        if name.is_empty() || name.contains(':') {
            self.faults.add("/username", "must be given and hold no colon");
        }
        name
    }

    fn headers(&mut self) -> Vec<(String, Secret)> {
        let given = self.config.headers.take().unwrap_or_default();
        if given.is_empty() {
            self.faults.add("/headers", "must name at least one header");
        }
        if let Err(found) = header::headers(&given, self.checks) {
            self.faults.add_below("/headers", found);
        }
        given.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
    }

    fn check(&mut self, place: &str, secret: &str) {
        if secret == MASK {
            self.faults.add(
                place,
                "is a mask, and no secret is stored at this place that it could stand for",
            );
        } else if secret.is_empty() {
            self.faults.add(place, "must not be empty");
        }
    }

    fn nothing_left(&mut self) {
        let AuthConfig {
            header_name,
            api_key,
            token,
            username,
            password,
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            credentials_in,
            headers,
        } = &self.config;
        let left = [
            ("headerName", header_name.is_some()),
            ("apiKey", api_key.is_some()),
            ("token", token.is_some()),
            ("username", username.is_some()),
            ("password", password.is_some()),
            ("tokenUrl", token_url.is_some()),
            ("clientId", client_id.is_some()),
            ("clientSecret", client_secret.is_some()),
            ("scope", scope.is_some()),
            ("audience", audience.is_some()),
            ("credentialsIn", credentials_in.is_some()),
            ("headers", headers.is_some()),
        ];
        for (key, _) in left.into_iter().filter(|(_, given)| *given) {
            self.faults.add(format!("/{key}"), "does not belong to this outgoingAuthType");
        }
    }
}

/// The type and the credentials, secrets included.
pub(crate) fn shown(auth: OutgoingAuth) -> (AuthType, Option<AuthConfig>) {
    let config = AuthConfig::default();
    let exposed = |secret: &Secret| Some(secret.expose().to_owned());
    let (kind, config) = match auth {
        OutgoingAuth::None => return (AuthType::None, None),
        OutgoingAuth::ApiKey { header_name, api_key } => (
            AuthType::ApiKey,
            AuthConfig {
                header_name: Some(header_name),
                api_key: exposed(&api_key),
                ..config
            },
        ),
        OutgoingAuth::Bearer { token } => (
            AuthType::Bearer,
            AuthConfig {
                token: exposed(&token),
                ..config
            },
        ),
        OutgoingAuth::Basic { username, password } => (
            AuthType::Basic,
            AuthConfig {
                username: Some(username),
                password: exposed(&password),
                ..config
            },
        ),
        OutgoingAuth::OAuth2(credentials) => (AuthType::OAuth2, client_credentials::shown(*credentials)),
        OutgoingAuth::CustomHeaders { headers } => {
            let headers = headers.into_iter().map(|(name, value)| (name, value.expose().to_owned()));
            (
                AuthType::CustomHeaders,
                AuthConfig {
                    headers: Some(headers.collect()),
                    ..config
                },
            )
        }
    };
    (kind, Some(config))
}

impl AuthConfig {
    /// Visits every secret.
    pub(crate) fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        let Self {
            header_name: _,
            api_key,
            token,
            username: _,
            password,
            token_url: _,
            client_id: _,
            client_secret,
            scope: _,
            audience: _,
            credentials_in: _,
            headers,
        } = self;
        let credentials = [
            ("apiKey", api_key),
            ("token", token),
            ("password", password),
            ("clientSecret", client_secret),
        ];
        for (name, secret) in credentials {
            if let Some(secret) = secret {
                visit(SecretPlace::Credential(name), secret);
            }
        }
        visit_headers(headers, SecretPlace::CredentialHeader, visit);
    }
}
