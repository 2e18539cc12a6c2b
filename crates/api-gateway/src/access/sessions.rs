//! Sessions: a token names a session, and every request reads the person's rights from the database.

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
use super::login_limiter::LoginLimiter;
use super::tokens::{Token, Tokens};
use crate::config::AuthConfig;
use crate::error::ApiError;

/// The age at which a token is renewed: at most one write per session and hour.
const RENEW_AFTER: Duration = Duration::from_hours(1);

/// The sessions of callers.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Store,
    tokens: Tokens,
    limiter: LoginLimiter,
    lifetime: Duration,
    cache: CallerCache<SessionId, StoredSession>,
}

#[derive(Debug, Clone)]
struct StoredSession {
    caller: Caller,
    user: UserId,
    expires_at: Timestamp,
}

/// The person who sends a request.
#[derive(Debug, Clone)]
pub(crate) struct AuthenticatedSession {
    /// The person as a caller.
    pub caller: Caller,
    /// Their identifier.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The replacement for a token that is due for renewal.
    pub renewed_token: Option<String>,
}

/// The result of a login.
#[derive(Debug)]
pub(crate) struct NewSession {
    /// The token for further requests.
    pub token: String,
    /// When the session expires unless it is renewed.
    pub expires_at: Timestamp,
    /// The person who logged in.
    pub user: User,
}

impl Sessions {
    /// Reads sessions from the store.
    pub(crate) fn new(store: Store, config: &AuthConfig) -> Self {
        let secret = config.jwt_secret.as_ref().map(|secret| Secret::new(secret.expose()));
        let tokens = Tokens::new(secret.as_ref(), &store.derived_keys("session tokens"));
        Self {
            limiter: LoginLimiter::new(store.clone(), config),
            tokens,
            lifetime: config.session_lifetime(),
            store,
            cache: CallerCache::default(),
        }
    }

    /// Whether this is the person's password; failed attempts are counted.
    pub(crate) async fn verify_password(&self, email: &str, password: &Secret, from: IpAddr) -> Result<bool, ApiError> {
        Ok(self.attempt_login(email, password, from).await?.is_some())
    }

    async fn attempt_login(&self, email: &str, password: &Secret, from: IpAddr) -> Result<Option<User>, ApiError> {
        let attempt = self.limiter.begin_attempt(email, from).await?;
        let user = self.store.users().recognise(email, password).await?;
        if user.is_some() {
            self.limiter.refund(attempt).await;
        }
        Ok(user)
    }

    /// Begins a session if the password is right.
    pub(crate) async fn log_in(&self, email: &str, password: &Secret, from: IpAddr) -> Result<NewSession, ApiError> {
        let Some(user) = self.attempt_login(email, password, from).await? else {
            return Err(unauthorized("The e-mail address or the password is wrong"));
        };
        let now = Utc::now();
        let session = Session {
            id: SessionId::new(format!("{:032x}", rand::random::<u128>())),
            user: user.id,
            expires_at: now + self.lifetime,
        };
        self.store.sessions().begin(&session, now).await?;
        let expires_at = session.expires_at;
        let token = self.sign(session.id, now, expires_at)?;
        Ok(NewSession { token, expires_at, user })
    }

    /// The person behind a token, while both the session and the person are active.
    pub(super) async fn authenticate(&self, token: &str) -> Result<AuthenticatedSession, ApiError> {
        let now = Utc::now();
        let refused = || unauthorized("The token is not known, or no longer valid: log in again");
        let token = self.tokens.verify(token, now).ok_or_else(refused)?;
        let known = self
            .cache
            .get_or_load(&token.session, || self.load(&token.session, now))
            .await?;
        let known = known.ok_or_else(refused)?;
        if known.expires_at <= now {
            return Err(refused());
        }
        let renewed_token = self.renew(&token, now).await;
        Ok(AuthenticatedSession {
            caller: known.caller,
            user: known.user,
            session: token.session,
            renewed_token,
        })
    }

    async fn load(&self, id: &SessionId, now: Timestamp) -> Result<Option<StoredSession>, StoreError> {
        let Some(session) = self.store.sessions().get(id, now).await? else {
            return Ok(None);
        };
        let Some(user) = self.store.users().get(session.user).await?.filter(|user| user.is_active) else {
            return Ok(None);
        };
        Ok(Some(StoredSession {
            caller: Caller::of_user(&user),
            user: user.id,
            expires_at: session.expires_at,
        }))
    }

    /// A new token for a session in use. The request goes on without one if it cannot be stored.
    async fn renew(&self, token: &Token, now: Timestamp) -> Option<String> {
        let age = (now - token.issued_at).to_std().unwrap_or_default();
        if age < RENEW_AFTER {
            return None;
        }
        let expires_at = now + self.lifetime;
        self.store.sessions().extend(&token.session, expires_at).await.ok()?;
        self.sign(token.session.clone(), now, expires_at).ok()
    }

    /// Ends a session.
    pub(crate) async fn log_out(&self, id: &SessionId) -> Result<(), ApiError> {
        self.store.sessions().end(id).await?;
        self.cache.forget(id).await;
        Ok(())
    }

    /// Ends a person's sessions, except the given one.
    pub(crate) async fn end_all(&self, user: UserId, except: Option<&SessionId>) -> Result<(), ApiError> {
        self.store.sessions().end_all(user, except).await?;
        self.cache.forget_all();
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
