//! The history of configuration: the content of each item after each change.

use ig_core::configuration::Change;
use ig_core::history::{Action, Item, ItemKind, Version};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc};
use mongodb::error::Result;
use serde::{Deserialize, Serialize};

use super::Configurations;
use super::kinds::decode_change;
use super::log::Subject;
use crate::audit_logs::{ActorDocument, AuditDocument, Retention};
use crate::error::unreadable;
use crate::field::{long, timestamp, unsigned};
use crate::names::{AUDIT_LOGS, CONFIG_VERSIONS};
use crate::page::{Listed, Page};
use crate::stored::Stored;

/// How many versions of one item are retention at most, whatever their age.
const MAX_VERSIONS: u64 = 500;

#[derive(Debug, Deserialize)]
struct RevisionDocument {
    #[serde(rename = "_id")]
    revision: i64,
}

/// One version as stored: its secrets are sealed as in the item itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionDocument {
    #[serde(rename = "_id")]
    revision: i64,
    org_id: i64,
    kind: String,
    item: String,
    action: String,
    actor: ActorDocument,
    created_at: bson::DateTime,
    document: Option<Document>,
    /// When it expires: only a version that another has superseded, or that records a deletion, has such a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
}

impl Configurations {
    /// Stores the item's new content and the actor, within the transaction of the change.
    pub(super) async fn record_version(
        &self,
        session: &mut ClientSession,
        revision: u64,
        subject: &Subject,
        action: Action,
        document: Option<Document>,
    ) -> Result<()> {
        let item = subject.item();
        let retention = Retention::of(&self.database, session, item.org).await?;
        self.supersede(session, revision, &item, retention).await?;
        let version = VersionDocument {
            expires_at: document.is_none().then_some(retention.until),
            revision: long(revision),
            org_id: subject.org().0,
            kind: item.kind.as_str().to_owned(),
            item: item.id,
            action: action.as_str().to_owned(),
            actor: ActorDocument::from(&self.author),
            created_at: bson::DateTime::now(),
            document,
        };
        let versions = self.database.collection::<VersionDocument>(CONFIG_VERSIONS);
        versions.insert_one(version).session(&mut *session).await?;
        let entry = AuditDocument::of_configuration(&subject.item(), revision, action, &self.author, retention);
        self.insert_audit_entry(session, entry).await
    }

    /// Sets the expiry of the versions that this one supersedes, and deletes those beyond [`MAX_VERSIONS`] at once.
    async fn supersede(&self, session: &mut ClientSession, revision: u64, item: &Item, retention: Retention) -> Result<()> {
        let versions = self.database.collection::<RevisionDocument>(CONFIG_VERSIONS);
        let mut latest = item_filter(item);
        latest.insert("_id", doc! { "$lt": long(revision) });
        let mut lasting = latest.clone();
        lasting.insert("expiresAt", doc! { "$exists": false });
        let expiring = doc! { "$set": { "expiresAt": retention.until } };
        versions.update_many(lasting, expiring).session(&mut *session).await?;
        let beyond = versions
            .find_one(latest.clone())
            .sort(doc! { "_id": -1 })
            .skip(MAX_VERSIONS - 1)
            .projection(doc! { "_id": 1 });
        if let Some(Stored(RevisionDocument { revision })) = beyond.session(&mut *session).await? {
            latest.insert("_id", doc! { "$lte": revision });
            versions.delete_many(latest).session(session).await?;
        }
        Ok(())
    }

    /// Records the actor of a change, within its transaction.
    pub(super) async fn record_audit(
        &self,
        session: &mut ClientSession,
        revision: u64,
        subject: &Subject,
        action: Action,
    ) -> Result<()> {
        let item = subject.item();
        let retention = Retention::of(&self.database, session, item.org).await?;
        let entry = AuditDocument::of_configuration(&item, revision, action, &self.author, retention);
        self.insert_audit_entry(session, entry).await
    }

    async fn insert_audit_entry(&self, session: &mut ClientSession, entry: AuditDocument) -> Result<()> {
        let audit = self.database.collection::<AuditDocument>(AUDIT_LOGS);
        audit.insert_one(entry).session(session).await.map(drop)
    }

    /// Lists the versions of an item, newest first, without their content.
    pub async fn versions(&self, item: &Item, page: Page) -> std::result::Result<Listed<Version>, StoreError> {
        let listed = self
            .database
            .page::<VersionDocument>(
                CONFIG_VERSIONS,
                item_filter(item),
                doc! { "_id": -1 },
                Some(doc! { "document": 0 }),
                page,
            )
            .await?;
        listed.try_map(|version| version.read(|_, _| Ok(None)))
    }

    /// The version of an item that was in force at a revision: the last one at or before it.
    pub async fn version_at(&self, item: &Item, revision: u64) -> std::result::Result<Option<Version>, StoreError> {
        let versions = self.database.collection::<VersionDocument>(CONFIG_VERSIONS);
        let mut filter = item_filter(item);
        filter.insert("_id", doc! { "$lte": long(revision) });
        let find = versions.find_one(filter).sort(doc! { "_id": -1 });
        let found = self.database.within(find).await?;
        found
            .map(|version| version.read(|kind, document| self.content(kind, document).map(Some)))
            .transpose()
    }

    pub(super) fn content(&self, kind: ItemKind, document: Document) -> std::result::Result<Change, StoreError> {
        decode_change(kind, document, self.database.secrets())
    }
}

impl VersionDocument {
    fn read(
        self,
        content: impl Fn(ItemKind, Document) -> std::result::Result<Option<Change>, StoreError>,
    ) -> std::result::Result<Version, StoreError> {
        let Self {
            revision,
            org_id,
            kind,
            item,
            action,
            actor,
            created_at,
            document,
            expires_at: _,
        } = self;
        let kind = ItemKind::parse(&kind).ok_or_else(|| unreadable("kind"))?;
        let content = match document {
            Some(document) => content(kind, document)?,
            None => None,
        };
        Ok(Version {
            item: Item {
                org: Some(ig_core::id::OrgId(org_id)),
                kind,
                id: item,
            },
            revision: unsigned(revision),
            action: Action::parse(&action).ok_or_else(|| unreadable("action"))?,
            actor: actor.read()?,
            at: timestamp(created_at),
            content,
        })
    }
}

fn item_filter(item: &Item) -> Document {
    doc! { "orgId": item.org.map(|org| org.0), "kind": item.kind.as_str(), "item": &item.id }
}
