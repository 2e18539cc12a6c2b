//! Sliding rate windows: one small document for each key, changed by `_id` and version.

use std::time::Duration;

use async_trait::async_trait;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use ig_core::window::{Grant, LeaseRequest, RateLimit, RateWindows, Window, WindowKey};
use mongodb::bson::{self, doc};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, unsigned};
use crate::names::RATE_WINDOWS;

/// The pause after a lost update, multiplied by the number of losses.
const STEP_BACK: Duration = Duration::from_millis(2);
/// So many lost updates have another cause than contention.
const MAX_TRIES: u32 = 100;

/// The rate windows in MongoDB.
#[derive(Debug, Clone)]
pub struct MongoRateWindows {
    database: Database,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WindowDocument {
    #[serde(rename = "_id")]
    key: String,
    version: i64,
    slice_ms: i64,
    newest: i64,
    granted: Vec<i64>,
    expires_at: bson::DateTime,
}

impl MongoRateWindows {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    async fn get(&self, key: &str) -> Result<Window, StoreError> {
        let windows = self.database.collection::<WindowDocument>(RATE_WINDOWS);
        let found = self.database.within(windows.find_one(doc! { "_id": key })).await?;
        Ok(found.map_or_else(Window::default, WindowDocument::read))
    }

    /// Stores a window; false if another process changed it since it was read.
    async fn put(&self, key: &str, next: &Window) -> Result<bool, StoreError> {
        let windows = self.database.collection::<WindowDocument>(RATE_WINDOWS);
        let document = WindowDocument::new(key, next);
        if next.version == 1 {
            return match self.database.raw(windows.insert_one(document)).await? {
                Ok(_) => Ok(true),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(store_error(&error)),
            };
        }
        let read = doc! { "_id": key, "version": long(next.version - 1) };
        let replaced = self.database.within(windows.replace_one(read, document)).await?;
        Ok(replaced.matched_count > 0)
    }
}

#[async_trait]
impl RateWindows for MongoRateWindows {
    async fn lease(&self, key: &WindowKey, limit: &RateLimit, ask: LeaseRequest, now: Timestamp) -> Result<Grant, StoreError> {
        let key = key.to_string();
        for tried in 1..=MAX_TRIES {
            let (grant, next) = self.get(&key).await?.lease(limit, ask, now);
            let Some(next) = next else { return Ok(grant) };
            if self.put(&key, &next).await? {
                return Ok(grant);
            }
            tokio::time::sleep(STEP_BACK * tried).await;
        }
        Err(StoreError::Unavailable(format!("the window {key} is contended")))
    }
}

impl WindowDocument {
    fn new(key: &str, window: &Window) -> Self {
        let Window {
            version,
            slice_ms,
            newest,
            granted,
        } = window;
        Self {
            key: key.to_owned(),
            version: long(*version),
            slice_ms: *slice_ms,
            newest: *newest,
            granted: granted.iter().copied().map(i64::from).collect(),
            expires_at: date(window.expires_at()),
        }
    }

    fn read(self) -> Window {
        let count = |granted: i64| u32::try_from(granted).unwrap_or(u32::MAX);
        Window {
            version: unsigned(self.version),
            slice_ms: self.slice_ms,
            newest: self.newest,
            granted: self.granted.into_iter().map(count).collect(),
        }
    }
}
