//! API keys, as administrators create and read them.

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_store::{ApiKey, NewApiKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::ScopeName;
use super::listing::listing;
use crate::body::validated;
use ig_documents::text::{collect_faults, name, org_id};

const MAX_NAME_LENGTH: usize = 200;

/// An API key to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApiKeyAsked {
    /// Its display name.
    pub name: String,
    /// The organisation that the key belongs to. Where absent or null, the key reaches all organisations.
    pub org_id: Option<i64>,
    /// What the key may be used for; at least one scope.
    #[schema(min_items = 1)]
    pub scopes: Vec<ScopeName>,
    /// When the key expires; never where absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}
validated!(ApiKeyAsked);

/// An API key. The secret itself appears once, in the response that creates it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyEntry {
    /// The key's identifier.
    id: String,
    /// Its display name.
    name: String,
    /// The organisation that the key belongs to; null for a key that reaches all organisations.
    org_id: Option<i64>,
    /// What the key may be used for.
    scopes: Vec<ScopeName>,
    /// Whether the key works: it is neither revoked nor expired.
    is_active: bool,
    /// When the key expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When the key was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The value of the `X-API-Key` header. Only the response that creates the key holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

listing! {
    /// A page of API keys.
    ApiKeyList { api_keys: ApiKeyEntry }
}

impl ApiKeyAsked {
    /// The domain's new key, or everything that is wrong with the document.
    pub(crate) fn new_key(self, now: Timestamp) -> Result<NewApiKey, Faults> {
        let Self {
            name: display_name,
            org_id: org,
            mut scopes,
            expires_at,
        } = self;
        let mut faults = Faults::default();
        let display_name = collect_faults(&mut faults, "/name", name(&display_name, MAX_NAME_LENGTH)).unwrap_or_default();
        let org = org.and_then(|org| collect_faults(&mut faults, "/orgId", org_id(org)));
        if expires_at.is_some_and(|end| end <= now) {
            faults.add("/expiresAt", "has passed already");
        }
        scopes.sort_unstable();
        scopes.dedup();
        faults.into_result(NewApiKey {
            org_id: org,
            name: display_name,
            scopes: scopes.into_iter().map(ScopeName::into).collect(),
            expires_at,
            created_at: now,
        })
    }
}

impl ApiKeyEntry {
    /// The entry with the key itself, for the response that creates it.
    pub(crate) fn with_secret(key: ApiKey, text: String) -> Self {
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
