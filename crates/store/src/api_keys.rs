//! API keys: stored and looked up by their SHA-256.

use std::fmt;

use futures::FutureExt;
use ig_core::access::{Actor, KeyScope};
use ig_core::clock::Timestamp;
use ig_core::history::{Item, ItemKind};
use ig_core::id::{ApiKeyId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Binary, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::audit_logs::record_audit;
use crate::database::Database;
use crate::error::{store_error, unreadable};
use crate::field::{binary, date, object_id, timestamp};
use crate::names::API_KEYS;
use crate::page::{Listed, Page, add_search};
use crate::stored::Stored;

/// The hash that a key is looked up by. A key is as random as a hash, so it needs no slow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes a key as a client presents it.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }
}

/// In hexadecimal digits.
impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// The tenant; `None` for a platform key, which reaches every tenant.
    pub org_id: Option<OrgId>,
    /// Display name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// From when on it is refused; `None` if it never expires.
    pub expires_at: Option<Timestamp>,
    /// False once it is revoked; expiry is separate.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Selects keys; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// The organisation that they belong to.
    pub org: Option<OrgId>,
    /// Whether they are active or revoked.
    pub is_active: Option<bool>,
    /// Part of the name.
    pub search: Option<String>,
}

/// A key to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// The tenant; `None` for a platform key.
    pub org_id: Option<OrgId>,
    /// Display name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// From when on it is refused; `None` if it never expires.
    pub expires_at: Option<Timestamp>,
    /// When it is created.
    pub created_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    key_hash: Binary,
    org_id: Option<i64>,
    name: String,
    scopes: Vec<String>,
    is_active: bool,
    expires_at: Option<bson::DateTime>,
    created_at: bson::DateTime,
}

/// The repository of API keys.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    database: Database,
}

impl ApiKeys {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The key with this hash, unless it is revoked. The caller checks expiry against its own clock.
    pub async fn find(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let keys = self.database.collection::<KeyDocument>(API_KEYS);
        let filter = doc! { "keyHash": binary(hash.0.to_vec()), "isActive": true };
        let found = self.database.within(keys.find_one(filter)).await?;
        found.map(ApiKey::try_from).transpose()
    }

    /// Whether a key with this hash ever existed, revoked ones included.
    pub async fn was_created(&self, hash: &KeyHash) -> Result<bool, StoreError> {
        let keys = self.database.collection::<Document>(API_KEYS);
        let found = keys
            .find_one(doc! { "keyHash": binary(hash.0.to_vec()) })
            .projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    /// Creates a key with this hash, and records the actor in the audit log.
    pub async fn create(&self, hash: &KeyHash, key: NewApiKey, by: &Actor) -> Result<ApiKey, StoreError> {
        let document = KeyDocument::new(hash, key);
        let made = self
            .database
            .transact((self, &document, by), |session, (this, document, by)| {
                async move {
                    let keys = this.database.collection::<KeyDocument>(API_KEYS);
                    keys.insert_one(&**document).session(&mut *session).await?;
                    record_audit(&this.database, session, by, &document.item(), None, Some(&document.shown())).await
                }
                .boxed()
            });
        made.await?.map_err(|error| store_error(&error))?;
        document.try_into()
    }
}

impl ApiKeys {
    /// Reads one key, revoked or not.
    pub async fn get(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let keys = self.database.collection::<KeyDocument>(API_KEYS);
        let found = self.database.within(keys.find_one(doc! { "_id": object_id(id.0) })).await?;
        found.map(ApiKey::try_from).transpose()
    }

    /// Lists keys, newest first.
    pub async fn list(&self, filter: &ApiKeyFilter, page: Page) -> Result<Listed<ApiKey>, StoreError> {
        let ApiKeyFilter { org, is_active, search } = filter;
        let mut document = Document::new();
        if let Some(org) = org {
            document.insert("orgId", org.0);
        }
        if let Some(is_active) = is_active {
            document.insert("isActive", is_active);
        }
        add_search(&mut document, search.as_deref(), &["name"]);
        let listed = self
            .database
            .page::<KeyDocument>(API_KEYS, document, doc! { "_id": -1 }, None, page)
            .await?;
        listed.try_map(ApiKey::try_from)
    }

    /// Revokes a key for good and records the actor; false if the key does not exist or is revoked already.
    pub async fn revoke(&self, id: ApiKeyId, by: &Actor, now: Timestamp) -> Result<bool, StoreError> {
        let active = doc! { "_id": object_id(id.0), "isActive": true };
        let change = doc! { "$set": { "isActive": false, "revokedAt": date(now) } };
        let revoked = self
            .database
            .transact((self, active, change, by), |session, (this, active, change, by)| {
                async move {
                    let keys = this.database.collection::<KeyDocument>(API_KEYS);
                    let Some(Stored(before)) = keys
                        .find_one_and_update(active.clone(), change.clone())
                        .session(&mut *session)
                        .await?
                    else {
                        return Ok(false);
                    };
                    record_audit(&this.database, session, by, &before.item(), Some(&before.shown()), None).await?;
                    Ok(true)
                }
                .boxed()
            });
        revoked.await?.map_err(|error| store_error(&error))
    }
}

impl KeyDocument {
    fn new(hash: &KeyHash, key: NewApiKey) -> Self {
        let NewApiKey {
            org_id,
            name,
            scopes,
            expires_at,
            created_at,
        } = key;
        Self {
            id: ObjectId::new(),
            key_hash: binary(hash.0.to_vec()),
            org_id: org_id.map(|org| org.0),
            name,
            scopes: scopes.into_iter().map(|scope| scope.as_str().to_owned()).collect(),
            is_active: true,
            expires_at: expires_at.map(date),
            created_at: date(created_at),
        }
    }
}

impl KeyDocument {
    fn item(&self) -> Item {
        Item {
            org: self.org_id.map(OrgId),
            kind: ItemKind::ApiKey,
            id: self.id.to_hex(),
        }
    }

    /// The key as the audit log shows it.
    fn shown(&self) -> Value {
        let Self {
            id: _,
            key_hash: _,
            org_id,
            name,
            scopes,
            is_active,
            expires_at,
            created_at: _,
        } = self;
        let expires_at = expires_at.map(|end| timestamp(end).to_rfc3339());
        json!({"name": name, "orgId": org_id, "scopes": scopes, "isActive": is_active, "expiresAt": expires_at})
    }
}

impl TryFrom<KeyDocument> for ApiKey {
    type Error = StoreError;

    fn try_from(document: KeyDocument) -> Result<Self, StoreError> {
        let scopes: Option<Vec<_>> = document.scopes.iter().map(|scope| KeyScope::parse(scope)).collect();
        Ok(Self {
            id: ApiKeyId(document.id.bytes()),
            org_id: document.org_id.map(OrgId),
            name: document.name,
            scopes: scopes.ok_or_else(|| unreadable("scopes"))?,
            expires_at: document.expires_at.map(timestamp),
            is_active: document.is_active,
            created_at: timestamp(document.created_at),
        })
    }
}
