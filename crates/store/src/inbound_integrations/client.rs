//! Client authentication as stored: every secret is sealed for this place, which differs from that of outgoing credentials.

use std::time::Duration;

use ig_core::inbound::{ClientAuth, Hmac};
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::field::{millis, unsigned};
use crate::integrations::Sealer;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "inboundAuthType", content = "inboundAuthConfig", rename_all_fields = "camelCase")]
pub(super) enum ClientDocument {
    #[serde(rename = "NONE")]
    None,
    #[serde(rename = "API_KEY")]
    ApiKey { header_name: String, api_key: String },
    #[serde(rename = "BEARER")]
    Bearer { token: String },
    #[serde(rename = "BASIC")]
    Basic { username: String, password: String },
    #[serde(rename = "HMAC")]
    Hmac { secrets: Vec<String>, tolerance_ms: i64 },
}

impl ClientDocument {
    pub(super) fn new(auth: &ClientAuth, sealer: Sealer<'_>) -> Result<Self, StoreError> {
        Ok(match auth {
            ClientAuth::None => Self::None,
            ClientAuth::ApiKey { header_name, api_key } => Self::ApiKey {
                header_name: header_name.clone(),
                api_key: sealer.seal(api_key, "client apiKey")?,
            },
            ClientAuth::Bearer { token } => Self::Bearer {
                token: sealer.seal(token, "client token")?,
            },
            ClientAuth::Basic { username, password } => Self::Basic {
                username: username.clone(),
                password: sealer.seal(password, "client password")?,
            },
            ClientAuth::Hmac(Hmac { secrets, tolerance }) => Self::Hmac {
                secrets: sealer.signing(secrets, "client signing")?,
                tolerance_ms: millis(*tolerance),
            },
        })
    }

    pub(super) fn read(self, sealer: Sealer<'_>) -> Result<ClientAuth, StoreError> {
        Ok(match self {
            Self::None => ClientAuth::None,
            Self::ApiKey { header_name, api_key } => ClientAuth::ApiKey {
                header_name,
                api_key: sealer.open(&api_key, "client apiKey")?,
            },
            Self::Bearer { token } => ClientAuth::Bearer {
                token: sealer.open(&token, "client token")?,
            },
            Self::Basic { username, password } => ClientAuth::Basic {
                username,
                password: sealer.open(&password, "client password")?,
            },
            Self::Hmac { secrets, tolerance_ms } => ClientAuth::Hmac(Hmac {
                secrets: sealer.read_signing(&secrets, "client signing")?,
                tolerance: Duration::from_millis(unsigned(tolerance_ms)),
            }),
        })
    }
}
