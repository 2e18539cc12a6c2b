//! Login sessions: a session ends when its user logs out or is deactivated, or when it has not been used for a while.

use ig_core::clock::Timestamp;
use ig_core::id::{SessionId, UserId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::field::{date, object_id, timestamp};
use crate::names::{SESSIONS, USERS};

/// One login of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier, which tokens carry.
    pub id: SessionId,
    /// Its user.
    pub user: UserId,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionDocument {
    #[serde(rename = "_id")]
    id: String,
    user_id: ObjectId,
    created_at: bson::DateTime,
    expires_at: bson::DateTime,
}

/// The repository of sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    database: Database,
}

impl Sessions {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Starts a session when a user logs in.
    pub async fn begin(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        let Session { id, user, expires_at } = session;
        let document = SessionDocument {
            id: id.as_str().to_owned(),
            user_id: object_id(user.0),
            created_at: date(now),
            expires_at: date(*expires_at),
        };
        let sessions = self.database.collection::<SessionDocument>(SESSIONS);
        self.database.within(sessions.insert_one(document)).await?;
        let users = self.database.collection::<Document>(USERS);
        let login = doc! { "$set": { "lastLoginAt": date(now) } };
        let update = users.update_one(doc! { "_id": object_id(user.0) }, login);
        self.database.within(update).await.map(drop)
    }

    /// Reads a session that has not ended.
    pub async fn get(&self, id: &SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let sessions = self.database.collection::<SessionDocument>(SESSIONS);
        let filter = doc! { "_id": id.as_str(), "expiresAt": { "$gt": date(now) } };
        let found = self.database.within(sessions.find_one(filter)).await?;
        Ok(found.map(|found| Session {
            id: SessionId::new(found.id),
            user: UserId(found.user_id.bytes()),
            expires_at: timestamp(found.expires_at),
        }))
    }

    /// Postpones a session's end; an ended session stays ended.
    pub async fn extend(&self, id: &SessionId, until: Timestamp) -> Result<(), StoreError> {
        let sessions = self.database.collection::<SessionDocument>(SESSIONS);
        let change = doc! { "$max": { "expiresAt": date(until) } };
        let extended = sessions.update_one(doc! { "_id": id.as_str() }, change);
        self.database.within(extended).await.map(drop)
    }

    /// Ends a session.
    pub async fn end(&self, id: &SessionId) -> Result<(), StoreError> {
        let sessions = self.database.collection::<SessionDocument>(SESSIONS);
        let ended = sessions.delete_one(doc! { "_id": id.as_str() });
        self.database.within(ended).await.map(drop)
    }

    /// Ends all sessions of a user, except one if named.
    pub async fn end_all(&self, user: UserId, except: Option<&SessionId>) -> Result<(), StoreError> {
        let sessions = self.database.collection::<SessionDocument>(SESSIONS);
        let mut filter = doc! { "userId": object_id(user.0) };
        if let Some(kept) = except {
            filter.insert("_id", doc! { "$ne": kept.as_str() });
        }
        self.database.within(sessions.delete_many(filter)).await.map(drop)
    }
}
