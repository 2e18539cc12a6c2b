//! The audit log: one entry for each change, written in the same transaction.

use ig_core::access::{Actor, ActorKind};
use ig_core::clock::Timestamp;
use ig_core::history::{Action, Item, ItemKind};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use mongodb::error::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::database::Database;
use crate::error::unreadable;
use crate::field::{json, json_text, long, timestamp, unsigned};
use crate::names::{AUDIT_LOGS, ORGANIZATIONS};
use crate::page::{Listed, Page, Period, SortTime, TimedSearch};
use crate::stored::Stored;

/// Entries are kept for at least six years, as regulations in health care require.
const MIN_RETENTION_DAYS: i64 = 2_192;
const DAY_MS: i64 = 86_400_000;

/// One audit entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its identifier: 24 hexadecimal digits.
    pub id: String,
    /// The item that was changed.
    pub item: Item,
    /// The action.
    pub action: Action,
    /// Who performed it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// The configuration revision that the change created; the item's history holds the contents.
    pub revision: Option<u64>,
    /// The previous state of an item outside configuration, secrets masked.
    pub before: Option<Value>,
    /// The new state of an item outside configuration, secrets masked.
    pub after: Option<Value>,
}

/// Selects entries; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditLogFilter {
    /// Items that belong to this organisation.
    pub org: Option<OrgId>,
    /// Kind of item.
    pub kind: Option<ItemKind>,
    /// The item's identifier.
    pub item: Option<String>,
    /// The action.
    pub action: Option<Action>,
    /// The actor's identifier.
    pub actor: Option<String>,
    /// At this time or later.
    pub start: Option<Timestamp>,
    /// Before this time.
    pub end: Option<Timestamp>,
}

/// An actor as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ActorDocument {
    kind: String,
    id: String,
    name: String,
}

/// An entry as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: Option<i64>,
    kind: String,
    item: String,
    action: String,
    actor: ActorDocument,
    created_at: bson::DateTime,
    revision: Option<i64>,
    before: Option<String>,
    after: Option<String>,
    /// When it is deleted; entries from before this field existed stay for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
}

/// The repository of audit entries.
#[derive(Debug, Clone)]
pub struct AuditLogs {
    database: Database,
}

impl AuditLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Lists entries, newest first; a large total is counted only as far as needed.
    pub async fn list(&self, filter: &AuditLogFilter, page: Page) -> std::result::Result<Listed<AuditEntry>, StoreError> {
        let search = TimedSearch {
            collection: AUDIT_LOGS,
            query: filter.document(),
            keys: &["orgId"],
            time: SortTime::CREATED,
            period: Period {
                start: filter.start,
                end: filter.end,
            },
            without: Some(doc! { "before": 0, "after": 0 }),
        };
        let listed = self.database.latest::<AuditDocument>(search, page).await?;
        listed.try_map(AuditEntry::try_from)
    }

    /// Reads one entry.
    pub async fn get(&self, id: [u8; 12]) -> std::result::Result<Option<AuditEntry>, StoreError> {
        let entries = self.database.collection::<AuditDocument>(AUDIT_LOGS);
        let found = entries.find_one(doc! { "_id": ObjectId::from_bytes(id) });
        self.database.within(found).await?.map(AuditEntry::try_from).transpose()
    }
}

impl AuditLogFilter {
    fn document(&self) -> Document {
        let Self {
            org,
            kind,
            item,
            action,
            actor,
            start: _,
            end: _,
        } = self;
        let mut document = Document::new();
        let texts = [
            ("kind", kind.map(|kind| kind.as_str().to_owned())),
            ("item", item.clone()),
            ("action", action.map(|action| action.as_str().to_owned())),
            ("actor.id", actor.clone()),
        ];
        document.extend(
            texts
                .into_iter()
                .filter_map(|(field, text)| Some((field.to_owned(), text?.into()))),
        );
        if let Some(org) = org {
            document.insert("orgId", org.0);
        }
        document
    }
}

impl AuditDocument {
    /// An entry about configuration: the contents are in the item's history.
    pub(crate) fn of_configuration(item: &Item, revision: u64, action: Action, actor: &Actor, retention: Retention) -> Self {
        Self {
            revision: Some(long(revision)),
            ..Self::new(item, action, actor, retention)
        }
    }

    fn new(item: &Item, action: Action, actor: &Actor, retention: Retention) -> Self {
        Self {
            id: ObjectId::new(),
            org_id: item.org.map(|org| org.0),
            kind: item.kind.as_str().to_owned(),
            item: item.id.clone(),
            action: action.as_str().to_owned(),
            actor: actor.into(),
            created_at: bson::DateTime::now(),
            revision: None,
            before: None,
            after: None,
            expires_at: Some(retention.until),
        }
    }
}

/// How long the history and audit entries of changes made now are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// When they expire.
    pub(crate) until: bson::DateTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationDocument {
    retention_days: Option<i64>,
}

impl Retention {
    /// The organisation's retention of logs, and at least [`MIN_RETENTION_DAYS`].
    pub(crate) async fn of(database: &Database, session: &mut ClientSession, org: Option<OrgId>) -> Result<Self> {
        let own = match org {
            Some(org) => {
                let organizations = database.collection::<OrganizationDocument>(ORGANIZATIONS);
                let found = organizations
                    .find_one(doc! { "_id": org.0 })
                    .projection(doc! { "retentionDays": 1 });
                let found = found.session(session).await?;
                found.and_then(|Stored(organization)| organization.retention_days)
            }
            None => None,
        };
        let days = own.unwrap_or_default().max(MIN_RETENTION_DAYS);
        let until = bson::DateTime::now().timestamp_millis().saturating_add(days * DAY_MS);
        Ok(Self {
            until: bson::DateTime::from_millis(until),
        })
    }
}

/// Records a change to an item outside configuration, within the transaction that makes it.
pub(crate) async fn record_audit(
    database: &Database,
    session: &mut ClientSession,
    actor: &Actor,
    item: &Item,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<()> {
    let action = match (before, after) {
        (None, _) => Action::Create,
        (Some(_), Some(_)) => Action::Update,
        (Some(_), None) => Action::Delete,
    };
    let retention = Retention::of(database, session, item.org).await?;
    let entry = AuditDocument {
        before: before.map(json_text),
        after: after.map(json_text),
        ..AuditDocument::new(item, action, actor, retention)
    };
    let audit = database.collection::<AuditDocument>(AUDIT_LOGS);
    audit.insert_one(entry).session(session).await.map(drop)
}

impl From<&Actor> for ActorDocument {
    fn from(actor: &Actor) -> Self {
        let Actor { kind, id, name } = actor;
        Self {
            kind: kind.as_str().to_owned(),
            id: id.clone(),
            name: name.clone(),
        }
    }
}

impl ActorDocument {
    pub(crate) fn read(self) -> std::result::Result<Actor, StoreError> {
        let Self { kind, id, name } = self;
        let kind = ActorKind::parse(&kind).ok_or_else(|| unreadable("actor.kind"))?;
        Ok(Actor { kind, id, name })
    }
}

impl TryFrom<AuditDocument> for AuditEntry {
    type Error = StoreError;

    fn try_from(document: AuditDocument) -> std::result::Result<Self, StoreError> {
        let AuditDocument {
            id,
            org_id,
            kind,
            item,
            action,
            actor,
            created_at,
            revision,
            before,
            after,
            expires_at: _,
        } = document;
        Ok(Self {
            id: id.to_hex(),
            item: Item {
                org: org_id.map(OrgId),
                kind: ItemKind::parse(&kind).ok_or_else(|| unreadable("kind"))?,
                id: item,
            },
            action: Action::parse(&action).ok_or_else(|| unreadable("action"))?,
            actor: actor.read()?,
            at: timestamp(created_at),
            revision: revision.map(unsigned),
            before: before.map(|text| json("before", &text)).transpose()?,
            after: after.map(|text| json("after", &text)).transpose()?,
        })
    }
}
