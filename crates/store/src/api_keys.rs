//! Keys for the API: kept as their SHA-256, found by it.

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

use crate::audit_logs::note;
use crate::database::Database;
use crate::error::{store_error, unreadable};
use crate::field::{binary, date, object_id, timestamp};
use crate::names::API_KEYS;
use crate::page::{Listed, Page, add_search};
use crate::stored::Stored;

/// What a key is found by. A key is as random as a hash, so it needs no slow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key as its holder presents it.
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

/// A key that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// The tenant; none for a key of the platform itself, which reaches every tenant.
    pub org_id: Option<OrgId>,
    /// Display name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// From when on it is refused, if ever.
    pub expires_at: Option<Timestamp>,
    /// Whether it may still be used; it expires by itself.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which keys are listed; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// The organisation that they are for.
    pub org: Option<OrgId>,
    /// Whether they were revoked.
    pub is_active: Option<bool>,
    /// Part of the name.
    pub search: Option<String>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// The tenant; none for a key of the platform itself.
    pub org_id: Option<OrgId>,
    /// Display name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// From when on it is refused, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it is made.
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

/// The keys.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    database: Database,
}

impl ApiKeys {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The key of this hash, unless it was revoked. Whether it has expired is for the caller's clock to say.
    pub async fn find(&self, hash: &KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let keys = self.database.collection::<KeyDocument>(API_KEYS);
        let filter = doc! { "keyHash": binary(hash.0.to_vec()), "isActive": true };
        let found = self.database.within(keys.find_one(filter)).await?;
        found.map(ApiKey::try_from).transpose()
    }

    /// Whether there ever was a key of this hash: one that was revoked stays known.
    pub async fn was_made(&self, hash: &KeyHash) -> Result<bool, StoreError> {
        let keys = self.database.collection::<Document>(API_KEYS);
        let found = keys
            .find_one(doc! { "keyHash": binary(hash.0.to_vec()) })
            .projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    /// Makes a key that is found by this hash from now on, and notes who did.
    pub async fn create(&self, hash: &KeyHash, key: NewApiKey, by: &Actor) -> Result<ApiKey, StoreError> {
        let document = KeyDocument::new(hash, key);
        let made = self
            .database
            .transact((self, &document, by), |session, (this, document, by)| {
                async move {
                    let keys = this.database.collection::<KeyDocument>(API_KEYS);
                    keys.insert_one(&**document).session(&mut *session).await?;
                    note(&this.database, session, by, &document.item(), None, Some(&document.shown())).await
                }
                .boxed()
            });
        made.await?.map_err(|error| store_error(&error))?;
        document.try_into()
    }
}

impl ApiKeys {
    /// One key, whether or not it was revoked.
    pub async fn get(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let keys = self.database.collection::<KeyDocument>(API_KEYS);
        let found = self.database.within(keys.find_one(doc! { "_id": object_id(id.0) })).await?;
        found.map(ApiKey::try_from).transpose()
    }

    /// Keys, the latest first.
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

    /// Ends a key for good, and notes who did; false where there is none, or it was revoked already.
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
                    note(&this.database, session, by, &before.item(), Some(&before.shown()), None).await?;
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

    /// As audit shows it.
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
