//! Where documents with secrets are stored: the items themselves, and the versions in their history.

use ig_core::history::ItemKind;
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, Document, doc};

use super::super::format::{self, FORMAT};
use super::super::kinds::integration_kind;
use crate::names::{CONFIG_VERSIONS, DATA_CONNECTIONS, INTEGRATIONS};

/// A collection of documents with secrets.
#[derive(Debug, Clone, Copy)]
pub(super) enum SecretCollection {
    /// Integrations of all kinds.
    Items,
    /// Every version of them.
    Versions,
    /// Connections to the databases that jobs read.
    Connections,
}

impl SecretCollection {
    pub(super) const ALL: [Self; 3] = [Self::Items, Self::Versions, Self::Connections];

    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Items => INTEGRATIONS,
            Self::Versions => CONFIG_VERSIONS,
            Self::Connections => DATA_CONNECTIONS,
        }
    }

    /// A version that records a deletion has no content.
    pub(super) fn filter(self) -> Document {
        let kinds = [
            ItemKind::OutboundIntegration,
            ItemKind::InboundIntegration,
            ItemKind::ScheduledJob,
        ];
        match self {
            Self::Items | Self::Connections => doc! {},
            Self::Versions => doc! { "kind": { "$in": kinds.map(ItemKind::as_str).to_vec() }, "document": { "$ne": Bson::Null } },
        }
    }

    /// The prefix of an item's field names.
    fn prefix(self) -> &'static str {
        match self {
            Self::Items | Self::Connections => "",
            Self::Versions => "document.",
        }
    }

    /// The integration and its kind, if the document has one.
    pub(super) fn content(self, stored: &Document) -> Result<Option<(ItemKind, &Document)>, StoreError> {
        let content = match self {
            Self::Connections => return Ok(None),
            Self::Items => stored,
            Self::Versions => match stored.get_document("document") {
                Ok(content) => content,
                Err(_) => return Ok(None),
            },
        };
        let kind = integration_kind(content)?;
        Ok(Some((kind, content)))
    }

    /// Names a document for people to read.
    pub(super) fn name_of(self, stored: &Document) -> String {
        let id = match stored.get("_id") {
            Some(Bson::ObjectId(id)) => id.to_hex(),
            Some(id) => id.to_string(),
            None => String::new(),
        };
        format!("{} {id}", self.collection())
    }

    /// A filter that matches as long as the item is unchanged since it was read: every change raises its revision.
    pub(super) fn unchanged(self, stored: &Document, content: &Document) -> Document {
        let prefix = self.prefix();
        let mut condition = doc! { "_id": stored.get("_id").cloned() };
        condition.insert(format!("{prefix}revision"), content.get("revision").cloned());
        condition
    }

    /// The update of the fields that differ and no others: fields that a later version of this program added stay as they
    /// are. Of a document of an earlier format nothing stays but what the current one has.
    pub(super) fn update(self, content: &Document, resealed: Document) -> Document {
        let prefix = self.prefix();
        let path = |field: &str| format!("{prefix}{field}");
        let is_earlier = format::of(content) < FORMAT;
        let gone = content.keys().filter(|field| is_earlier && !resealed.contains_key(field));
        let unset: Document = gone.map(|field| (path(field), Bson::Null)).collect();
        let differing = resealed
            .into_iter()
            .filter(|(field, value)| content.get(field) != Some(value));
        let set: Document = differing.map(|(field, value)| (path(&field), value)).collect();
        let mut update = doc! { "$set": set };
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        update
    }
}
