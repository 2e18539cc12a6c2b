//! Where documents with secrets are kept: the items themselves, and what their history has of them.

use ig_core::history::ItemKind;
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, Document, doc};

use crate::error::unreadable;
use crate::field::unsigned;
use crate::names::{CONFIG_VERSIONS, INTEGRATIONS};
use crate::{inbound_integrations, integrations, jobs};

/// A collection that has documents with secrets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Integrations of all kinds.
    Items,
    /// Every version of them.
    Versions,
}

impl Place {
    pub(super) const ALL: [Self; 2] = [Self::Items, Self::Versions];

    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Items => INTEGRATIONS,
            Self::Versions => CONFIG_VERSIONS,
        }
    }

    /// A version that deletes its item has no content.
    pub(super) fn filter(self) -> Document {
        let kinds = [
            ItemKind::OutboundIntegration,
            ItemKind::InboundIntegration,
            ItemKind::ScheduledJob,
        ];
        match self {
            Self::Items => doc! {},
            Self::Versions => doc! { "kind": { "$in": kinds.map(ItemKind::as_str).to_vec() }, "document": { "$ne": Bson::Null } },
        }
    }

    /// What stands in front of the names of an item's fields.
    fn prefix(self) -> &'static str {
        match self {
            Self::Items => "",
            Self::Versions => "document.",
        }
    }

    /// The item and its kind; nothing where there is none.
    pub(super) fn content(self, kept: &Document) -> Result<Option<(ItemKind, &Document)>, StoreError> {
        let content = match self {
            Self::Items => kept,
            Self::Versions => match kept.get_document("document") {
                Ok(content) => content,
                Err(_) => return Ok(None),
            },
        };
        let kind = match content.get_str("direction") {
            Ok(integrations::DIRECTION) => ItemKind::OutboundIntegration,
            Ok(inbound_integrations::DIRECTION) => ItemKind::InboundIntegration,
            Ok(jobs::DIRECTION) => ItemKind::ScheduledJob,
            Ok(_) | Err(_) => return Err(unreadable("direction")),
        };
        Ok(Some((kind, content)))
    }

    /// A document by its name, for people.
    pub(super) fn name_of(self, kept: &Document) -> String {
        let id = match kept.get("_id") {
            Some(Bson::ObjectId(id)) => id.to_hex(),
            Some(id) => id.to_string(),
            None => String::new(),
        };
        format!("{} {id}", self.collection())
    }

    /// Holds as long as nobody changed the item since it was read: whoever does raises its revision.
    pub(super) fn unchanged(self, kept: &Document, content: &Document) -> Document {
        let prefix = self.prefix();
        let mut condition = doc! { "_id": kept.get("_id").cloned() };
        condition.insert(format!("{prefix}revision"), content.get("revision").cloned());
        condition
    }

    /// The fields that differ, and no other: what a later version of this program has added stays as it is.
    pub(super) fn change(self, content: &Document, anew: Document) -> Document {
        let prefix = self.prefix();
        anew.into_iter()
            .filter(|(field, value)| content.get(field) != Some(value))
            .map(|(field, value)| (format!("{prefix}{field}"), value))
            .collect()
    }
}

/// The revision that an item has.
pub(super) fn revision(content: &Document) -> Result<u64, StoreError> {
    content.get_i64("revision").map(unsigned).map_err(|_| unreadable("revision"))
}
