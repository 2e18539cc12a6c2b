//! OAuth 2.0 tokens: requested once for all deliveries of a process, cached until shortly before they expire.

mod request;
mod response;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ig_core::id::OrgId;
use ig_core::integration::ClientCredentials;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::secret::Secret;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::deliverer::HttpClient;

/// The longest part of a delivery's time that requesting a token takes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Entries unused for this long are dropped when a new one is added.
const EXPIRE_UNUSED_AFTER: Duration = Duration::from_hours(24);

/// What tokens are cached by: a tenant's credentials. Tenants never share a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey(Arc<(OrgId, ClientCredentials)>);

impl TokenKey {
    pub(crate) fn new(org: OrgId, credentials: ClientCredentials) -> Self {
        Self(Arc::new((org, credentials)))
    }

    pub(crate) fn credentials(&self) -> &ClientCredentials {
        &self.0.1
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenKey").field(&self.0.0).finish()
    }
}

/// A granted token. Clones are the same token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Arc<Secret>);

impl Token {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A token, and until when it is used.
#[derive(Debug, Clone)]
struct CachedToken {
    token: Token,
    use_until: Instant,
}

/// The endpoint's last answers; every delivery that waited for the request lock shares them.
#[derive(Debug, Default)]
struct TokenEntryState {
    cached: Option<CachedToken>,
    refusal: Option<(Instant, Failure)>,
}

#[derive(Debug)]
struct TokenEntry {
    request_lock: tokio::sync::Mutex<()>,
    state: Mutex<TokenEntryState>,
    last_used: Mutex<Instant>,
}

/// The tokens of one process.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    entries: Mutex<HashMap<TokenKey, Arc<TokenEntry>>>,
}

impl TokenCache {
    /// A token that has not expired, cached or fresh. Concurrent calls share one request to the endpoint.
    pub(crate) async fn get(&self, key: &TokenKey, client: &HttpClient, deadline: Instant) -> Result<Token, Failure> {
        let entry = self.entry(key);
        if let Some(token) = entry.token() {
            return Ok(token);
        }
        let arrived_at = Instant::now();
        let waited = timeout_at(deadline, entry.request_lock.lock()).await;
        let _request_lock = waited.map_err(|_| request::timed_out())?;
        match entry.result_since(arrived_at) {
            Some(result) => result,
            None => {
                entry
                    .request_token(key, client, deadline.min(arrived_at + REQUEST_TIMEOUT))
                    .await
            }
        }
    }

    /// Drops this token from the cache.
    pub(crate) fn invalidate(&self, key: &TokenKey, refused: &Token) {
        let entry = self.entry(key);
        let mut state = entry.state.lock();
        if state.cached.as_ref().is_some_and(|cached| cached.token == *refused) {
            state.cached = None;
        }
    }

    fn entry(&self, key: &TokenKey) -> Arc<TokenEntry> {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(key) {
            *entry.last_used.lock() = now;
            return Arc::clone(entry);
        }
        entries.retain(|_, entry| now.duration_since(*entry.last_used.lock()) < EXPIRE_UNUSED_AFTER);
        let entry = Arc::new(TokenEntry {
            request_lock: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            last_used: Mutex::new(now),
        });
        entries.insert(key.clone(), Arc::clone(&entry));
        entry
    }
}

impl TokenEntry {
    fn token(&self) -> Option<Token> {
        let state = self.state.lock();
        let cached = state.cached.as_ref().filter(|cached| Instant::now() < cached.use_until);
        cached.map(|cached| cached.token.clone())
    }

    /// What another delivery's request brought while this one waited.
    fn result_since(&self, arrived_at: Instant) -> Option<Result<Token, Failure>> {
        if let Some(token) = self.token() {
            return Some(Ok(token));
        }
        let state = self.state.lock();
        let refused = state.refusal.as_ref().filter(|(at, _)| *at >= arrived_at);
        refused.map(|(_, failure)| Err(failure.clone()))
    }

    async fn request_token(&self, key: &TokenKey, client: &HttpClient, deadline: Instant) -> Result<Token, Failure> {
        let requested = timeout_at(deadline, request::request_token(key.credentials(), client, deadline)).await;
        let result = requested.unwrap_or_else(|_| Err(request::timed_out()));
        let mut state = self.state.lock();
        match result {
            Ok(cached) => {
                state.refusal = None;
                state.cached = Some(cached.clone());
                Ok(cached.token)
            }
            Err(failure) => {
                state.refusal = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }
}

/// The prefix tells failures of the endpoint from those of the target.
fn token_failure(category: ErrorCategory, what: impl fmt::Display) -> Failure {
    Failure::new(category, format!("No token was granted: {what}"))
}
