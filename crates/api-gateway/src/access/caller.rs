//! The caller of a request.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use ig_core::access::{Actor, ActorKind, Holder, Reach, Refusal, RequestScope, Right};
use ig_core::clock::Timestamp;
use ig_store::{ApiKey, User};

use super::sessions::AuthenticatedSession;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::response_extras::ResponseExtras;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Carries the token that the client uses from now on.
pub(crate) const RENEWED_TOKEN: HeaderName = HeaderName::from_static("x-renewed-token");
const BEARER_PREFIX: &str = "bearer ";

/// The caller of a request. Only a proof makes one, so nothing is served past this module.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    holder: Option<Holder>,
    actor: Actor,
    /// The moment from which a key is refused.
    expires_at: Option<Timestamp>,
}

impl Caller {
    /// Authenticates a request by the key or the token that it carries.
    pub(super) async fn authenticate(parts: &Parts, app: &AppState, right: Right) -> Result<Self, ApiError> {
        let caller = match Credential::of(parts, right)? {
            Credential::Key(key) => app
                .keys()
                .authenticate(key)
                .await?
                .ok_or_else(|| unauthorized("The API key is not known, or no longer valid"))?,
            Credential::Token(token) => return Self::authenticate_token(parts, app, token).await.map(|person| person.caller),
        };
        ResponseExtras::of(parts).note_caller(caller.actor());
        Ok(caller)
    }

    /// Authenticates a person by a token; the response carries the renewed token, if there is one.
    pub(super) async fn authenticate_token(parts: &Parts, app: &AppState, token: &str) -> Result<AuthenticatedSession, ApiError> {
        let person = app.sessions().authenticate(token).await?;
        let extras = ResponseExtras::of(parts);
        extras.note_caller(person.caller.actor());
        if let Some(token) = person
            .renewed_token
            .as_deref()
            .and_then(|token| HeaderValue::from_str(token).ok())
        {
            extras.add_header(RENEWED_TOKEN, token);
        }
        Ok(person)
    }

    /// A caller without any proof.
    pub(super) fn anonymous() -> Self {
        let actor = Actor {
            kind: ActorKind::System,
            id: String::new(),
            name: "nobody".to_owned(),
        };
        Self(Arc::new(Identity {
            holder: None,
            actor,
            expires_at: None,
        }))
    }

    /// A program with a key.
    pub(super) fn of_key(key: ApiKey) -> Self {
        let (reach, expires_at) = (key.org_id.map_or(Reach::Everything, Reach::Org), key.expires_at);
        let actor = Actor {
            kind: ActorKind::ApiKey,
            id: key.id.to_string(),
            name: key.name,
        };
        let holder = Holder::Key {
            reach,
            scopes: key.scopes,
        };
        Self(Arc::new(Identity {
            holder: Some(holder),
            actor,
            expires_at,
        }))
    }

    /// A logged-in person.
    pub(super) fn of_user(user: &User) -> Self {
        let actor = Actor {
            kind: ActorKind::User,
            id: user.id.to_string(),
            name: user.email.clone(),
        };
        Self(Arc::new(Identity {
            holder: Some(Holder::Person(user.rights)),
            actor,
            expires_at: None,
        }))
    }

    /// Whether the key has expired since it was looked up.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.0.expires_at.is_some_and(|end| end <= now)
    }

    /// The caller as history and audit log name it.
    pub(crate) fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The identity that the access rules judge.
    pub(crate) fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    /// Refuses a grant that exceeds the caller's own rights or outlasts its key.
    pub(crate) fn check_grant(&self, given: &Holder, until: Option<Timestamp>) -> Result<(), ApiError> {
        let holder = self.holder().ok_or_else(|| unauthorized(NO_CREDENTIAL))?;
        holder.may_grant(given)?;
        match self.0.expires_at {
            Some(end) if until.is_none_or(|until| until > end) => {
                let message = format!("What a key gives ends with it at the latest: {}", end.to_rfc3339());
                Err(ApiError::new(ErrorCode::Forbidden, message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a right that the caller does not have there.
    pub(crate) fn check_right(&self, right: Right, scope: RequestScope) -> Result<(), ApiError> {
        let holder = self.holder().ok_or_else(|| unauthorized(NO_CREDENTIAL))?;
        holder.may(right, scope).map_err(ApiError::from)
    }
}

const NO_CREDENTIAL: &str = "Send an API key as X-API-Key, or a token as Authorization: Bearer";

/// The credential that a request carries.
pub(super) enum Credential<'a> {
    Key(&'a [u8]),
    Token(&'a str),
}

impl<'a> Credential<'a> {
    /// Reads the credential. On a runtime call with a key, `Authorization` belongs to the inbound integration.
    pub(super) fn of(parts: &'a Parts, right: Right) -> Result<Self, ApiError> {
        let key = parts.headers.get(API_KEY);
        let token = parts.headers.get(AUTHORIZATION);
        match (key, token) {
            (Some(key), None) => Ok(Self::Key(key.as_bytes())),
            (Some(key), Some(_)) if right == Right::Runtime => Ok(Self::Key(key.as_bytes())),
            (None, Some(token)) => token
                .to_str()
                .ok()
                .and_then(bearer)
                .map(Self::Token)
                .ok_or_else(|| unauthorized("Authorization must be: Bearer, a space, the token")),
            (Some(_), Some(_)) => Err(unauthorized("Send either X-API-Key or Authorization, not both")),
            (None, None) => Err(unauthorized(NO_CREDENTIAL)),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(BEARER_PREFIX.len())?;
    scheme.eq_ignore_ascii_case(BEARER_PREFIX).then_some(token.trim())
}

/// The error of a request without a valid credential.
pub(super) fn unauthorized(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorCode::Forbidden, refusal.to_string())
    }
}
