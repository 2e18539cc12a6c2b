//! The channels that notices go to.
//!
//! What gives access is sealed: the addresses of Slack, Teams and heartbeats, the keys of `PagerDuty` and `Opsgenie`, signing secrets, and the
//! values of headers. Each is sealed for `notification_channels/<id>/<field>`, so that it opens nowhere else.

mod document;

use std::collections::BTreeSet;

use ig_core::alert::{ChannelId, ChannelSettings, NotificationChannel};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde::Deserialize;

use document::ChannelDocument;

use crate::alerts::Alerts;
use crate::database::{Database, Documents};
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, object_id};
use crate::names::{NOTICE_QUEUES, NOTIFICATION_CHANNELS};
use crate::notices::Notices;
use crate::page::{Listed, Page, org_filter};

/// The most channels of one organisation that take part at a time.
const MAX_ACTIVE: i64 = 1_000;

/// A channel as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundChannel {
    /// It is whole.
    Readable(Box<NotificationChannel>),
    /// One of its secrets does not open, or a later version wrote it.
    Unreadable {
        /// Its identifier.
        id: ChannelId,
        /// Its tenant; `None` for the platform.
        org_id: Option<OrgId>,
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// The channels of all organisations and of the platform.
#[derive(Debug, Clone)]
pub struct NotificationChannels {
    database: Database,
}

#[derive(Debug, Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl NotificationChannels {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a new channel, or a new revision of one whose stored revision is one less; false where that is another.
    pub async fn put(&self, channel: &NotificationChannel) -> Result<bool, StoreError> {
        let document = ChannelDocument::seal(channel, self.database.secrets())?;
        let now = channel.updated_at;
        if !self.store(channel, document).await? {
            return Ok(false);
        }
        self.keep_beating(channel, now).await?;
        Alerts::new(self.database.clone()).look_again(channel.org_id, now).await?;
        Ok(true)
    }

    async fn store(&self, channel: &NotificationChannel, document: ChannelDocument) -> Result<bool, StoreError> {
        let channels = self.channels::<ChannelDocument>();
        if channel.revision > 1 {
            let mut unchanged = identity(channel.org_id, channel.id);
            unchanged.insert("revision", long(channel.revision - 1));
            let replaced = self.database.within(channels.replace_one(unchanged, document)).await?;
            return Ok(replaced.matched_count > 0);
        }
        match self.database.raw(channels.insert_one(document)).await? {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(store_error(&error)),
        }
    }

    /// The queue of a dead man's switch is due without any notice.
    async fn keep_beating(&self, channel: &NotificationChannel, now: Timestamp) -> Result<(), StoreError> {
        match channel.settings {
            ChannelSettings::Heartbeat { .. } => {
                let notices = Notices::new(self.database.clone());
                notices.wake((channel.id, channel.org_id), 0, now).await
            }
            ChannelSettings::Email { .. }
            | ChannelSettings::Slack { .. }
            | ChannelSettings::Teams { .. }
            | ChannelSettings::Webhook { .. }
            | ChannelSettings::PagerDuty { .. }
            | ChannelSettings::Opsgenie { .. }
            | ChannelSettings::Alertmanager { .. } => Ok(()),
        }
    }

    /// Deletes a channel; the notices that wait for it are dropped. False where it does not exist.
    pub async fn delete(&self, org: Option<OrgId>, id: ChannelId, now: Timestamp) -> Result<bool, StoreError> {
        let channels = self.channels::<Document>();
        let deleted = self.database.within(channels.delete_one(identity(org, id))).await?;
        let queues = self.database.collection::<Document>(NOTICE_QUEUES);
        let due = doc! { "$set": { "nextAt": date(now) } };
        self.database
            .within(queues.update_one(doc! { "_id": object_id(id.0) }, due))
            .await?;
        Ok(deleted.deleted_count > 0)
    }

    /// Reads one channel of an organisation, or of the platform.
    pub async fn get(&self, org: Option<OrgId>, id: ChannelId) -> Result<Option<FoundChannel>, StoreError> {
        let channels = self.channels::<ChannelDocument>();
        let found = self.database.within(channels.find_one(identity(org, id))).await?;
        Ok(found.map(|document| self.open(document)))
    }

    /// The channels of an organisation, or of the platform, by name.
    pub async fn list(&self, org: Option<OrgId>, page: Page) -> Result<Listed<FoundChannel>, StoreError> {
        let theirs = org_filter(org.map(|org| org.0), []);
        let order = doc! { "name": 1, "_id": 1 };
        let listed = self
            .database
            .page::<ChannelDocument>(NOTIFICATION_CHANNELS, theirs, order, None, page);
        Ok(listed.await?.map(|document| self.open(document)))
    }

    /// The active channels of an organisation, or of the platform, that take notices of incidents.
    pub async fn active(&self, org: Option<OrgId>) -> Result<BTreeSet<ChannelId>, StoreError> {
        let channels = self.channels::<Id>();
        let theirs = doc! { "orgId": org.map(|org| org.0), "isActive": true, "kind": { "$ne": document::HEARTBEAT } };
        let found = channels.find(theirs).limit(MAX_ACTIVE).projection(doc! { "_id": 1 });
        let found = self.database.all(found).await?;
        Ok(found.into_iter().map(|Id { id }| ChannelId(id.bytes())).collect())
    }

    fn open(&self, document: ChannelDocument) -> FoundChannel {
        let (id, org_id, name) = (document.id(), document.org(), document.name().to_owned());
        match document.open(self.database.secrets()) {
            Ok(channel) => FoundChannel::Readable(Box::new(channel)),
            Err(error) => FoundChannel::Unreadable {
                id,
                org_id,
                name,
                why: error.to_string(),
            },
        }
    }

    fn channels<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(NOTIFICATION_CHANNELS)
    }
}

fn identity(org: Option<OrgId>, id: ChannelId) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.map(|org| org.0) }
}
