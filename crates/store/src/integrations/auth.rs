//! Credentials and signing secrets as stored: each is sealed for its integration and its place in it.

use ig_core::id::IntegrationId;
use ig_core::integration::{ClientCredentials, CredentialsPlace, OutgoingAuth, Signing, SigningSecret};
use ig_core::mask::hides;
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::secret_box::{SecretBox, SecretError};

/// The authentication of deliveries; every secret in it is sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "outgoingAuthType", content = "outgoingAuthConfig", rename_all_fields = "camelCase")]
pub(crate) enum AuthDocument {
    #[serde(rename = "NONE")]
    None,
    #[serde(rename = "API_KEY")]
    ApiKey { header_name: String, api_key: String },
    #[serde(rename = "BEARER")]
    Bearer { token: String },
    #[serde(rename = "BASIC")]
    Basic { username: String, password: String },
    #[serde(rename = "OAUTH2")]
    OAuth2 {
        token_url: String,
        client_id: String,
        client_secret: String,
        scope: Option<String>,
        audience: Option<String>,
        credentials_in: String,
    },
    #[serde(rename = "CUSTOM_HEADERS")]
    CustomHeaders { headers: Vec<SealedHeader> },
}

/// Additional request headers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeadersDocument {
    headers: Vec<(String, String)>,
    /// Absent in documents from before any headers were sealed.
    #[serde(default)]
    sealed_headers: Vec<SealedHeader>,
}

impl HeadersDocument {
    /// Only the headers that are not sealed.
    pub(crate) fn plain(self) -> Self {
        Self {
            sealed_headers: Vec::new(),
            ..self
        }
    }
}

/// A header with a sealed value.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SealedHeader {
    name: String,
    value: String,
}

/// Seals and opens the secrets of one integration.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    secrets: &'a SecretBox,
    integration: IntegrationId,
}

impl<'a> Sealer<'a> {
    pub(crate) fn of(secrets: &'a SecretBox, integration: IntegrationId) -> Self {
        Self { secrets, integration }
    }
}

impl Sealer<'_> {
    pub(crate) fn seal(self, secret: &Secret, place: &str) -> Result<String, StoreError> {
        self.secrets
            .seal(secret.expose(), &self.owner(place))
            .map_err(|error| refused(&error))
    }

    pub(crate) fn open(self, sealed: &str, place: &str) -> Result<Secret, StoreError> {
        self.secrets
            .open(sealed, &self.owner(place))
            .map(Secret::new)
            .map_err(|error| refused(&error))
    }

    fn owner(self, place: &str) -> String {
        format!("integration {} {place}", self.integration)
    }

    pub(crate) fn auth(self, auth: &OutgoingAuth) -> Result<AuthDocument, StoreError> {
        Ok(match auth {
            OutgoingAuth::None => AuthDocument::None,
            OutgoingAuth::ApiKey { header_name, api_key } => AuthDocument::ApiKey {
                header_name: header_name.clone(),
                api_key: self.seal(api_key, "apiKey")?,
            },
            OutgoingAuth::Bearer { token } => AuthDocument::Bearer {
                token: self.seal(token, "token")?,
            },
            OutgoingAuth::Basic { username, password } => AuthDocument::Basic {
                username: username.clone(),
                password: self.seal(password, "password")?,
            },
            OutgoingAuth::OAuth2(credentials) => self.client(credentials)?,
            OutgoingAuth::CustomHeaders { headers } => AuthDocument::CustomHeaders {
                headers: headers
                    .iter()
                    .map(|(name, value)| self.header(name, value))
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    pub(crate) fn read_auth(self, document: AuthDocument) -> Result<OutgoingAuth, StoreError> {
        Ok(match document {
            AuthDocument::None => OutgoingAuth::None,
            AuthDocument::ApiKey { header_name, api_key } => OutgoingAuth::ApiKey {
                header_name,
                api_key: self.open(&api_key, "apiKey")?,
            },
            AuthDocument::Bearer { token } => OutgoingAuth::Bearer {
                token: self.open(&token, "token")?,
            },
            AuthDocument::Basic { username, password } => OutgoingAuth::Basic {
                username,
                password: self.open(&password, "password")?,
            },
            AuthDocument::OAuth2 {
                token_url,
                client_id,
                client_secret,
                scope,
                audience,
                credentials_in,
            } => OutgoingAuth::OAuth2(Box::new(ClientCredentials {
                token_url: token_url.parse().map_err(|_| unreadable("tokenUrl"))?,
                client_id,
                client_secret: self.open(&client_secret, "clientSecret")?,
                scope,
                audience,
                placed: read_place(&credentials_in)?,
            })),
            AuthDocument::CustomHeaders { headers } => OutgoingAuth::CustomHeaders {
                headers: headers
                    .into_iter()
                    .map(|header| self.read_header(header))
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    fn client(self, credentials: &ClientCredentials) -> Result<AuthDocument, StoreError> {
        let ClientCredentials {
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            placed,
        } = credentials;
        Ok(AuthDocument::OAuth2 {
            token_url: token_url.to_string(),
            client_id: client_id.clone(),
            client_secret: self.seal(client_secret, "clientSecret")?,
            scope: scope.clone(),
            audience: audience.clone(),
            credentials_in: place(*placed).to_owned(),
        })
    }

    fn header(self, name: &str, value: &Secret) -> Result<SealedHeader, StoreError> {
        Ok(SealedHeader {
            name: name.to_owned(),
            value: self.seal(value, &format!("header {name}"))?,
        })
    }

    fn read_header(self, header: SealedHeader) -> Result<(String, Secret), StoreError> {
        let value = self.open(&header.value, &format!("header {}", header.name))?;
        Ok((header.name, value))
    }

    /// Splits headers into plain ones and sealed ones; those that look like credentials are sealed.
    pub(crate) fn headers(self, headers: &[(String, String)]) -> Result<HeadersDocument, StoreError> {
        let (secret, plain): (Vec<_>, Vec<_>) = headers.iter().partition(|(name, value)| hides(name, value));
        let sealed: Result<_, _> = secret
            .into_iter()
            .map(|(name, value)| self.header(name, &Secret::new(value)))
            .collect();
        Ok(HeadersDocument {
            headers: plain.into_iter().cloned().collect(),
            sealed_headers: sealed?,
        })
    }

    /// All headers, sorted by name.
    pub(crate) fn read_headers(self, document: HeadersDocument) -> Result<Vec<(String, String)>, StoreError> {
        let HeadersDocument {
            mut headers,
            sealed_headers,
        } = document;
        for sealed in sealed_headers {
            let (name, value) = self.read_header(sealed)?;
            headers.push((name, value.expose().to_owned()));
        }
        headers.sort_unstable();
        Ok(headers)
    }

    pub(crate) fn signing(self, signing: &Signing, place: &str) -> Result<Vec<String>, StoreError> {
        signing
            .secrets()
            .iter()
            .map(|secret| self.seal(secret.text(), place))
            .collect()
    }

    pub(crate) fn read_signing(self, sealed: &[String], place: &str) -> Result<Signing, StoreError> {
        let secrets: Result<Vec<_>, StoreError> = sealed.iter().map(|sealed| self.signing_secret(sealed, place)).collect();
        Signing::new(secrets?).map_err(|_| unreadable("signing"))
    }

    fn signing_secret(self, sealed: &str, place: &str) -> Result<SigningSecret, StoreError> {
        let text = self.open(sealed, place)?;
        SigningSecret::parse(text.expose()).map_err(|_| unreadable("signing"))
    }
}

fn place(placed: CredentialsPlace) -> &'static str {
    match placed {
        CredentialsPlace::Header => "HEADER",
        CredentialsPlace::Body => "BODY",
    }
}

fn read_place(text: &str) -> Result<CredentialsPlace, StoreError> {
    match text {
        "HEADER" => Ok(CredentialsPlace::Header),
        "BODY" => Ok(CredentialsPlace::Body),
        _ => Err(unreadable("credentialsIn")),
    }
}

fn refused(error: &SecretError) -> StoreError {
    StoreError::Refused(error.to_string())
}
