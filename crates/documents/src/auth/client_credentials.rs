//! OAuth 2.0 client credentials.

use ig_core::integration::{ClientCredentials, CredentialsLocation, OutgoingAuth, TargetUrl};

use super::{AuthConfig, CredentialsIn, Form};

impl Form<'_> {
    /// The credentials. Where a field is at fault its placeholder does not matter: faulty credentials are never used.
    pub(super) fn client_credentials(&mut self) -> OutgoingAuth {
        let token_url = self.token_url();
        let client_id = self.required("clientId", |config| config.client_id.take());
        let client_secret = self.secret("clientSecret", |config| config.client_secret.take());
        let scope = self.optional("scope", |config| config.scope.take());
        let audience = self.optional("audience", |config| config.audience.take());
        let location = match self.config.credentials_in.take() {
            None | Some(CredentialsIn::Header) => CredentialsLocation::Header,
            Some(CredentialsIn::Body) => CredentialsLocation::Body,
        };
        let Some(token_url) = token_url else {
            return OutgoingAuth::None;
        };
        OutgoingAuth::OAuth2(Box::new(ClientCredentials {
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            location,
        }))
    }

    fn token_url(&mut self) -> Option<TargetUrl> {
        let text = self.required("tokenUrl", |config| config.token_url.take());
        if text.is_empty() {
            return None;
        }
        let parsed = text.parse();
        parsed.map_err(|faults| self.faults.add_below("/tokenUrl", faults)).ok()
    }

    fn required(&mut self, key: &str, take: impl FnOnce(&mut AuthConfig) -> Option<String>) -> String {
        let text = take(&mut self.config).unwrap_or_default();
        if text.is_empty() {
            self.faults.add(format!("/{key}"), "is required");
        }
        text
    }

    fn optional(&mut self, key: &str, take: impl FnOnce(&mut AuthConfig) -> Option<String>) -> Option<String> {
        let text = take(&mut self.config);
        if text.as_deref() == Some("") {
            self.faults.add(format!("/{key}"), "must not be empty; leave it out instead");
        }
        text
    }
}

pub(crate) fn shown(credentials: ClientCredentials) -> AuthConfig {
    let ClientCredentials {
        token_url,
        client_id,
        client_secret,
        scope,
        audience,
        location,
    } = credentials;
    AuthConfig {
        token_url: Some(token_url.to_string()),
        client_id: Some(client_id),
        client_secret: Some(client_secret.expose().to_owned()),
        scope,
        audience,
        credentials_in: Some(match location {
            CredentialsLocation::Header => CredentialsIn::Header,
            CredentialsLocation::Body => CredentialsIn::Body,
        }),
        ..AuthConfig::default()
    }
}
