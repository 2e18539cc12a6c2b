//! Outgoing credentials.

use ig_core::integration::{ClientCredentials, CredentialsLocation, OutgoingAuth};
use ig_core::secret::Secret;

use super::header;
use crate::invalid::{InvalidMessage, Within as _};
use crate::v1;
use crate::v1::outgoing_auth::Kind;

/// No credentials are an absent message.
pub(crate) fn to_wire(auth: &OutgoingAuth) -> Option<v1::OutgoingAuth> {
    let kind = match auth {
        OutgoingAuth::None => return None,
        OutgoingAuth::ApiKey { header_name, api_key } => Kind::ApiKey(v1::ApiKeyAuth {
            header_name: header_name.clone(),
            api_key: api_key.expose().to_owned(),
        }),
        OutgoingAuth::Bearer { token } => Kind::BearerToken(token.expose().to_owned()),
        OutgoingAuth::Basic { username, password } => Kind::Basic(v1::BasicAuth {
            username: username.clone(),
            password: password.expose().to_owned(),
        }),
        OutgoingAuth::OAuth2(credentials) => Kind::Oauth2(client_to_wire(credentials)),
        OutgoingAuth::CustomHeaders { headers } => Kind::CustomHeaders(v1::CustomHeaders {
            headers: header::secret_to_wire(headers),
        }),
    };
    Some(v1::OutgoingAuth { kind: Some(kind) })
}

impl TryFrom<v1::OutgoingAuth> for OutgoingAuth {
    type Error = InvalidMessage;

    fn try_from(message: v1::OutgoingAuth) -> Result<Self, InvalidMessage> {
        let v1::OutgoingAuth { kind } = message;
        // An unknown kind of credentials must not turn into none.
        let kind = kind.ok_or_else(|| InvalidMessage::value("must be given")).within("kind")?;
        Ok(match kind {
            Kind::ApiKey(v1::ApiKeyAuth { header_name, api_key }) => Self::ApiKey {
                header_name,
                api_key: Secret::new(api_key),
            },
            Kind::BearerToken(token) => Self::Bearer {
                token: Secret::new(token),
            },
            Kind::Basic(v1::BasicAuth { username, password }) => Self::Basic {
                username,
                password: Secret::new(password),
            },
            Kind::Oauth2(credentials) => Self::OAuth2(Box::new(client_from_wire(credentials).within("oauth2")?)),
            Kind::CustomHeaders(v1::CustomHeaders { headers }) => Self::CustomHeaders {
                headers: header::secret_from_wire(headers),
            },
        })
    }
}

fn client_to_wire(credentials: &ClientCredentials) -> v1::ClientCredentials {
    let ClientCredentials {
        token_url,
        client_id,
        client_secret,
        scope,
        audience,
        location,
    } = credentials;
    v1::ClientCredentials {
        token_url: token_url.to_string(),
        client_id: client_id.clone(),
        client_secret: client_secret.expose().to_owned(),
        scope: scope.clone(),
        audience: audience.clone(),
        in_body: *location == CredentialsLocation::Body,
    }
}

fn client_from_wire(message: v1::ClientCredentials) -> Result<ClientCredentials, InvalidMessage> {
    let v1::ClientCredentials {
        token_url,
        client_id,
        client_secret,
        scope,
        audience,
        in_body,
    } = message;
    Ok(ClientCredentials {
        token_url: token_url.parse().map_err(InvalidMessage::from).within("token_url")?,
        client_id,
        client_secret: Secret::new(client_secret),
        scope,
        audience,
        location: if in_body {
            CredentialsLocation::Body
        } else {
            CredentialsLocation::Header
        },
    })
}
