//! A key for the API as administrators make and read it.

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_store::{ApiKey, NewApiKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::ScopeName;
use super::listing::listing;
use super::text::{name, noted, org_id};
use crate::body::shaped;

const LONGEST_NAME: usize = 200;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApiKeyAsked {
    /// What it is called.
    pub name: String,
    /// The organisation that it is for; one that is left out, or null, reaches all of them.
    pub org_id: Option<i64>,
    /// What it may be used for: one at least.
    #[schema(min_items = 1)]
    pub scopes: Vec<ScopeName>,
    /// From when on it is refused; never where absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}
shaped!(ApiKeyAsked);

/// A key; the key itself is shown in the answer that makes it, and never again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyEntry {
    /// Its identifier.
    id: String,
    /// What it is called.
    name: String,
    /// The organisation that it is for; null reaches all of them.
    org_id: Option<i64>,
    /// What it may be used for.
    scopes: Vec<ScopeName>,
    /// Whether it may be used: neither revoked nor expired.
    is_active: bool,
    /// From when on it is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// What requests carry as `X-API-Key`; in the answer that makes it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

listing! {
    /// A page of keys.
    ApiKeyList { api_keys: ApiKeyEntry }
}

impl ApiKeyAsked {
    /// A key to be made, or everything that is wrong.
    pub(crate) fn new_key(self, now: Timestamp) -> Result<NewApiKey, Faults> {
        let Self {
            name: shown,
            org_id: org,
            mut scopes,
            expires_at,
        } = self;
        let mut faults = Faults::default();
        let shown = noted(&mut faults, "/name", name(&shown, LONGEST_NAME)).unwrap_or_default();
        let org = org.and_then(|org| noted(&mut faults, "/orgId", org_id(org)));
        if expires_at.is_some_and(|end| end <= now) {
            faults.add("/expiresAt", "has passed already");
        }
        scopes.sort_unstable();
        scopes.dedup();
        faults.into_result(NewApiKey {
            org_id: org,
            name: shown,
            scopes: scopes.into_iter().map(ScopeName::into).collect(),
            expires_at,
            created_at: now,
        })
    }
}

impl ApiKeyEntry {
    /// With the key itself, for the one answer that shows it.
    pub(crate) fn shown_once(key: ApiKey, text: String) -> Self {
        Self {
            key: Some(text),
            ..key.into()
        }
    }
}

impl From<ApiKey> for ApiKeyEntry {
    fn from(key: ApiKey) -> Self {
        let ApiKey {
            id,
            org_id,
            name,
            scopes,
            expires_at,
            is_active,
            created_at,
        } = key;
        Self {
            id: id.to_string(),
            name,
            org_id: org_id.map(|org| org.0),
            scopes: scopes.into_iter().map(ScopeName::from).collect(),
            is_active: is_active && expires_at.is_none_or(|end| Utc::now() < end),
            expires_at,
            created_at,
            key: None,
        }
    }
}
