//! Logging in and staying so: a token names a session, and what the session's person may do is asked of the database.

use std::net::IpAddr;
use std::time::Duration;

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::id::{SessionId, UserId};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_store::{Session, Store, User};

use super::Caller;
use super::caller::unauthorized;
use super::caller_cache::CallerCache;
use super::logins::Logins;
use super::tokens::{Token, Tokens};
use crate::config::AuthConfig;
use crate::error::ApiError;

/// A token is renewed when it is so old: once an hour, a write an hour.
const RENEWED_AFTER: Duration = Duration::from_hours(1);

/// The sessions that callers come with.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Store,
    tokens: Tokens,
    logins: Logins,
    lasting: Duration,
    known: CallerCache<SessionId, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    caller: Caller,
    user: UserId,
    expires_at: Timestamp,
}

/// A person who sends a request.
#[derive(Debug, Clone)]
pub(crate) struct LoggedIn {
    /// What they are as a caller.
    pub caller: Caller,
    /// Their identifier.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// A token in the place of theirs, which is getting old.
    pub renewed: Option<String>,
}

/// What a login answers.
#[derive(Debug)]
pub(crate) struct Begun {
    /// What requests carry from now on.
    pub token: String,
    /// Until when, unless it is renewed.
    pub expires_at: Timestamp,
    /// Who they are.
    pub user: User,
}

impl Sessions {
    /// Sessions as the store has them.
    pub(crate) fn new(store: Store, config: &AuthConfig) -> Self {
        let secret = config.jwt_secret.as_ref().map(|secret| Secret::new(secret.expose()));
        let tokens = Tokens::new(secret.as_ref(), &store.derived_keys("session tokens"));
        Self {
            logins: Logins::new(store.clone(), config),
            tokens,
            lasting: config.session(),
            store,
            known: CallerCache::default(),
        }
    }

    /// Whether somebody knows a person's password; failures are counted.
    pub(crate) async fn knows_password(&self, email: &str, password: &Secret, from: IpAddr) -> Result<bool, ApiError> {
        Ok(self.tried(email, password, from).await?.is_some())
    }

    async fn tried(&self, email: &str, password: &Secret, from: IpAddr) -> Result<Option<User>, ApiError> {
        let attempt = self.logins.attempt(email, from).await?;
        let user = self.store.users().recognise(email, password).await?;
        if user.is_some() {
            self.logins.succeeded(attempt).await;
        }
        Ok(user)
    }

    /// Begins a session for whoever knows the password.
    pub(crate) async fn log_in(&self, email: &str, password: &Secret, from: IpAddr) -> Result<Begun, ApiError> {
        let Some(user) = self.tried(email, password, from).await? else {
            return Err(unauthorized("The e-mail address or the password is wrong"));
        };
        let now = Utc::now();
        let session = Session {
            id: SessionId::new(format!("{:032x}", rand::random::<u128>())),
            user: user.id,
            expires_at: now + self.lasting,
        };
        self.store.sessions().begin(&session, now).await?;
        let expires_at = session.expires_at;
        let token = self.sign(session.id, now, expires_at)?;
        Ok(Begun { token, expires_at, user })
    }

    /// Who comes with a token, as long as their session and they themselves are active.
    pub(super) async fn person(&self, token: &str) -> Result<LoggedIn, ApiError> {
        let now = Utc::now();
        let refused = || unauthorized("The token is not known, or no longer valid: log in again");
        let token = self.tokens.verify(token, now).ok_or_else(refused)?;
        let known = self.known.or_look(&token.session, || self.load(&token.session, now)).await?;
        let known = known.ok_or_else(refused)?;
        if known.expires_at <= now {
            return Err(refused());
        }
        let renewed = self.renewed(&token, now).await;
        Ok(LoggedIn {
            caller: known.caller,
            user: known.user,
            session: token.session,
            renewed,
        })
    }

    async fn load(&self, id: &SessionId, now: Timestamp) -> Result<Option<Known>, StoreError> {
        let Some(session) = self.store.sessions().get(id, now).await? else {
            return Ok(None);
        };
        let Some(user) = self.store.users().get(session.user).await?.filter(|user| user.is_active) else {
            return Ok(None);
        };
        Ok(Some(Known {
            caller: Caller::person(&user),
            user: user.id,
            expires_at: session.expires_at,
        }))
    }

    /// Another token for a session in use; the request is served without one where it cannot be written down.
    async fn renewed(&self, token: &Token, now: Timestamp) -> Option<String> {
        let age = (now - token.issued_at).to_std().unwrap_or_default();
        if age < RENEWED_AFTER {
            return None;
        }
        let expires_at = now + self.lasting;
        self.store.sessions().extend(&token.session, expires_at).await.ok()?;
        self.sign(token.session.clone(), now, expires_at).ok()
    }

    /// Ends a session.
    pub(crate) async fn log_out(&self, id: &SessionId) -> Result<(), ApiError> {
        self.store.sessions().end(id).await?;
        self.known.forget(id).await;
        Ok(())
    }

    /// Ends a person's sessions, but for one where one is named.
    pub(crate) async fn end_all(&self, user: UserId, except: Option<&SessionId>) -> Result<(), ApiError> {
        self.store.sessions().end_all(user, except).await?;
        self.known.forget_all();
        Ok(())
    }

    fn sign(&self, session: SessionId, issued_at: Timestamp, expires_at: Timestamp) -> Result<String, ApiError> {
        let token = Token {
            session,
            issued_at,
            expires_at,
        };
        self.tokens.sign(&token).ok_or_else(ApiError::internal)
    }
}
