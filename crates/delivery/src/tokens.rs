//! Tokens of OAuth 2.0: granted once for all deliveries of a process, kept until shortly before they expire.

mod answer;
mod request;

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

/// The most that asking for a token takes of a delivery's time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Grants that nobody asked for in so long are forgotten when another one comes.
const UNUSED: Duration = Duration::from_hours(24);

/// What tokens are granted for: a tenant's credentials. Tenants never share a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Grant(Arc<(OrgId, ClientCredentials)>);

impl Grant {
    pub(crate) fn new(org: OrgId, credentials: ClientCredentials) -> Self {
        Self(Arc::new((org, credentials)))
    }

    pub(crate) fn credentials(&self) -> &ClientCredentials {
        &self.0.1
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Grant").field(&self.0.0).finish()
    }
}

/// A token that was granted. Clones are the same token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Arc<Secret>);

impl Token {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A token, and until when it is to be used.
#[derive(Debug, Clone)]
struct Granted {
    token: Token,
    until: Instant,
}

/// What was last heard about a grant; whoever waits for the lock while somebody asks hears the same.
#[derive(Debug, Default)]
struct Heard {
    granted: Option<Granted>,
    refused: Option<(Instant, Failure)>,
}

#[derive(Debug)]
struct Entry {
    asking: tokio::sync::Mutex<()>,
    heard: Mutex<Heard>,
    used: Mutex<Instant>,
}

/// The tokens of one process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    entries: Mutex<HashMap<Grant, Arc<Entry>>>,
}

impl Tokens {
    /// A token that has not expired: the one that is kept, or a fresh one. However many ask at once, the endpoint is asked by one of them.
    pub(crate) async fn get(&self, grant: &Grant, client: &HttpClient, deadline: Instant) -> Result<Token, Failure> {
        let entry = self.entry(grant);
        if let Some(token) = entry.token() {
            return Ok(token);
        }
        let came = Instant::now();
        let waited = timeout_at(deadline, entry.asking.lock()).await;
        let _asking = waited.map_err(|_| request::too_late())?;
        match entry.heard_since(came) {
            Some(heard) => heard,
            None => entry.ask(grant, client, deadline.min(came + PATIENCE)).await,
        }
    }

    /// Does not give this token out again.
    pub(crate) fn forget(&self, grant: &Grant, refused: &Token) {
        let entry = self.entry(grant);
        let mut heard = entry.heard.lock();
        if heard.granted.as_ref().is_some_and(|granted| granted.token == *refused) {
            heard.granted = None;
        }
    }

    fn entry(&self, grant: &Grant) -> Arc<Entry> {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(grant) {
            *entry.used.lock() = now;
            return Arc::clone(entry);
        }
        entries.retain(|_, entry| now.duration_since(*entry.used.lock()) < UNUSED);
        let entry = Arc::new(Entry {
            asking: tokio::sync::Mutex::default(),
            heard: Mutex::default(),
            used: Mutex::new(now),
        });
        entries.insert(grant.clone(), Arc::clone(&entry));
        entry
    }
}

impl Entry {
    fn token(&self) -> Option<Token> {
        let heard = self.heard.lock();
        let granted = heard.granted.as_ref().filter(|granted| Instant::now() < granted.until);
        granted.map(|granted| granted.token.clone())
    }

    /// What somebody else heard while this one waited.
    fn heard_since(&self, came: Instant) -> Option<Result<Token, Failure>> {
        if let Some(token) = self.token() {
            return Some(Ok(token));
        }
        let heard = self.heard.lock();
        let refused = heard.refused.as_ref().filter(|(at, _)| *at >= came);
        refused.map(|(_, failure)| Err(failure.clone()))
    }

    async fn ask(&self, grant: &Grant, client: &HttpClient, deadline: Instant) -> Result<Token, Failure> {
        let asked = timeout_at(deadline, request::send(grant.credentials(), client, deadline)).await;
        let answered = asked.unwrap_or_else(|_| Err(request::too_late()));
        let mut heard = self.heard.lock();
        match answered {
            Ok(granted) => {
                heard.refused = None;
                heard.granted = Some(granted.clone());
                Ok(granted.token)
            }
            Err(failure) => {
                heard.refused = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }
}

/// What the endpoint did is told apart from what the target does.
fn failure(category: ErrorCategory, what: impl fmt::Display) -> Failure {
    Failure::new(category, format!("No token was granted: {what}"))
}
