//! How clients of an inbound integration authenticate, as configured.

use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::inbound::{ClientAuth, Hmac};
use ig_core::secret::{MASK, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secrets::SecretPlace;
use crate::signing::{parsed as parsed_secrets, texts as shown_secrets};

/// How clients authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InboundAuthType {
    /// No authentication.
    None,
    /// A key in a header: `headerName`, `apiKey`.
    ApiKey,
    /// `Authorization: Bearer`: `token`.
    Bearer,
    /// `Authorization: Basic`: `username`, `password`.
    Basic,
    /// A Standard Webhooks signature over the body as received: `secrets`, and `toleranceSeconds` where five minutes do not fit.
    Hmac,
}

/// The client credentials to check against. The type decides which fields are required; any other field is a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InboundAuthConfig {
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
    /// `HMAC`: the secrets that clients may sign with (`whsec_…`), at most five.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 5)]
    pub secrets: Option<Vec<String>>,
    /// `HMAC`: how far a call's timestamp may be from now, in seconds, from 1 to 3,600; 300 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3600)]
    pub tolerance_seconds: Option<u64>,
}

/// The client authentication of a type, or what is missing, wrong or unexpected.
pub(crate) fn into_domain(kind: InboundAuthType, config: Option<InboundAuthConfig>) -> Result<ClientAuth, Faults> {
    let mut form = Form {
        config: config.unwrap_or_default(),
        faults: Faults::default(),
    };
    let auth = match kind {
        InboundAuthType::None => ClientAuth::None,
        InboundAuthType::ApiKey => ClientAuth::ApiKey {
            header_name: form.header_name(),
            api_key: form.secret("/apiKey", |config| config.api_key.take()),
        },
        InboundAuthType::Bearer => ClientAuth::Bearer {
            token: form.secret("/token", |config| config.token.take()),
        },
        InboundAuthType::Basic => ClientAuth::Basic {
            username: form.username(),
            password: form.secret("/password", |config| config.password.take()),
        },
        InboundAuthType::Hmac => match form.hmac() {
            Some(hmac) => ClientAuth::Hmac(hmac),
            None => ClientAuth::None,
        },
    };
    form.nothing_left();
    form.faults.into_result(auth)
}

struct Form {
    config: InboundAuthConfig,
    faults: Faults,
}

impl Form {
    fn header_name(&mut self) -> String {
        let name = self.config.header_name.take().unwrap_or_default();
        match name.parse::<http::HeaderName>() {
            // The gateway reads these headers for its own authentication.
            Ok(name) if name == "x-api-key" || name == "authorization" => {
                self.faults.add(
                    "/headerName",
                    "is a header of the gateway's own authentication: choose another",
                );
            }
            Ok(_) => {}
            Err(_) => self.faults.add("/headerName", "is no header's name"),
        }
        name
    }

    fn username(&mut self) -> String {
        let name = self.config.username.take().unwrap_or_default();
        if name.is_empty() || name.contains(':') {
            self.faults.add("/username", "must be given and hold no colon");
        }
        name
    }

    fn secret(&mut self, place: &str, take: impl FnOnce(&mut InboundAuthConfig) -> Option<String>) -> Secret {
        let text = take(&mut self.config);
        match text.as_deref() {
            None => self.faults.add(place, "is required"),
            Some("") => self.faults.add(place, "must not be empty"),
            Some(MASK) => self.faults.add(
                place,
                "is a mask, and no secret is stored at this place that it could stand for",
            ),
            Some(_) => {}
        }
        Secret::new(text.unwrap_or_default())
    }

    fn hmac(&mut self) -> Option<Hmac> {
        let tolerance = self.config.tolerance_seconds.take();
        let given = self.config.secrets.take().unwrap_or_default();
        let secrets = if given.is_empty() {
            Err(Faults::single("/secrets", "are required: at least one"))
        } else {
            parsed_secrets(&given)
        };
        match secrets {
            Ok(secrets) => Some(Hmac {
                secrets,
                tolerance: tolerance.map_or(Hmac::TOLERANCE, Duration::from_secs),
            }),
            Err(found) => {
                self.faults.add_below("", found);
                None
            }
        }
    }

    fn nothing_left(&mut self) {
        let InboundAuthConfig {
            header_name,
            api_key,
            token,
            username,
            password,
            secrets,
            tolerance_seconds,
        } = &self.config;
        let left = [
            ("/headerName", header_name.is_some()),
            ("/apiKey", api_key.is_some()),
            ("/token", token.is_some()),
            ("/username", username.is_some()),
            ("/password", password.is_some()),
            ("/secrets", secrets.is_some()),
            ("/toleranceSeconds", tolerance_seconds.is_some()),
        ];
        for (place, _) in left.into_iter().filter(|(_, given)| *given) {
            self.faults.add(place, "does not belong to this inboundAuthType");
        }
    }
}

/// The type and its configuration, secrets included.
pub(crate) fn shown(auth: ClientAuth) -> (InboundAuthType, Option<InboundAuthConfig>) {
    let config = InboundAuthConfig::default();
    let exposed = |secret: &Secret| Some(secret.expose().to_owned());
    let (kind, config) = match auth {
        ClientAuth::None => return (InboundAuthType::None, None),
        ClientAuth::ApiKey { header_name, api_key } => (
            InboundAuthType::ApiKey,
            InboundAuthConfig {
                header_name: Some(header_name),
                api_key: exposed(&api_key),
                ..config
            },
        ),
        ClientAuth::Bearer { token } => (
            InboundAuthType::Bearer,
            InboundAuthConfig {
                token: exposed(&token),
                ..config
            },
        ),
        ClientAuth::Basic { username, password } => (
            InboundAuthType::Basic,
            InboundAuthConfig {
                username: Some(username),
                password: exposed(&password),
                ..config
            },
        ),
        ClientAuth::Hmac(Hmac { secrets, tolerance }) => (
            InboundAuthType::Hmac,
            InboundAuthConfig {
                secrets: Some(shown_secrets(&secrets)),
                tolerance_seconds: Some(tolerance.as_secs()),
                ..config
            },
        ),
    };
    (kind, Some(config))
}

impl InboundAuthConfig {
    /// Visits every secret.
    pub(crate) fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        let Self {
            header_name: _,
            api_key,
            token,
            username: _,
            password,
            secrets,
            tolerance_seconds: _,
        } = self;
        for (name, secret) in [("apiKey", api_key), ("token", token), ("password", password)] {
            if let Some(secret) = secret {
                visit(SecretPlace::ClientCredential(name), secret);
            }
        }
        for secret in secrets.iter_mut().flatten() {
            visit(SecretPlace::ClientSigning, secret);
        }
    }
}
