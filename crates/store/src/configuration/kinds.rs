//! Every kind of configuration that is a document: the one list that encoding, reading, following and rewriting share.

use ig_core::configuration::Change;
use ig_core::history::ItemKind;
use ig_core::ports::StoreError;
use ig_documents::{
    ConfigurationItem, EventTypeDocument, InboundDocument, JobDocument, OrganizationDocument, OutboundDocument, TemplateDocument,
    UnitDocument,
};
use mongodb::bson::{Document, doc};

use super::item::{self, ReadItem};
use super::stored_document::{StoredDocument, decode, encode};
use crate::error::unreadable;
use crate::names::INTEGRATIONS;
use crate::secret_sealer::SecretSealer;

/// A kind of configuration as followers read it.
#[derive(Clone, Copy)]
pub(super) struct FollowedKind {
    /// The collection that holds it.
    pub(super) collection: &'static str,
    /// Its `direction`, where several kinds share a collection.
    pub(super) direction: Option<&'static str>,
    /// Decodes a document for followers.
    pub(super) read: ReadItem,
}

impl FollowedKind {
    const fn of<D: StoredDocument>(read: ReadItem) -> Self {
        Self {
            collection: D::COLLECTION,
            direction: D::DIRECTION,
            read,
        }
    }

    /// Selects the documents of this kind in its collection.
    pub(super) fn filter(self) -> Document {
        self.direction
            .map_or_else(Document::new, |direction| doc! { "direction": direction })
    }
}

/// The kinds that a snapshot carries, in its order: what others refer to comes first.
pub(super) const IN_SNAPSHOTS: [FollowedKind; 6] = [
    FollowedKind::of::<OrganizationDocument>(item::organization),
    FollowedKind::of::<UnitDocument>(item::unit),
    FollowedKind::of::<EventTypeDocument>(item::event_type),
    FollowedKind::of::<OutboundDocument>(item::outbound),
    FollowedKind::of::<InboundDocument>(item::inbound),
    FollowedKind::of::<JobDocument>(item::job),
];

/// Templates are changes like all others, but no follower holds them.
pub(super) const TEMPLATES_KIND: FollowedKind = FollowedKind::of::<TemplateDocument>(item::template);

/// Runs code for the document of a kind.
macro_rules! for_kind {
    ($kind:expr, $document:ident => $code:expr) => {
        match $kind {
            ItemKind::Organization => for_kind!(@run $document, OrganizationDocument, $code),
            ItemKind::Unit => for_kind!(@run $document, UnitDocument, $code),
            ItemKind::EventType => for_kind!(@run $document, EventTypeDocument, $code),
            ItemKind::Template => for_kind!(@run $document, TemplateDocument, $code),
            ItemKind::OutboundIntegration => for_kind!(@run $document, OutboundDocument, $code),
            ItemKind::InboundIntegration => for_kind!(@run $document, InboundDocument, $code),
            ItemKind::ScheduledJob => for_kind!(@run $document, JobDocument, $code),
            ItemKind::Lookups | ItemKind::User | ItemKind::ApiKey | ItemKind::DataConnection => Err(unreadable("kind")),
        }
    };
    (@run $document:ident, $type:ty, $code:expr) => {{
        type $document = $type;
        $code
    }};
}

/// The stored document of what a change puts; `None` for a change that puts nothing.
pub(super) fn encode_change(change: &Change, revision: u64, secrets: &SecretSealer) -> Result<Option<Document>, StoreError> {
    let document = match change {
        Change::PutOrganization(organization) => encode::<OrganizationDocument>(organization, revision, secrets),
        Change::PutUnit(unit) => encode::<UnitDocument>(unit, revision, secrets),
        Change::PutEventType(definition) => encode::<EventTypeDocument>(definition, revision, secrets),
        Change::PutIntegration(integration) => encode::<OutboundDocument>(integration, revision, secrets),
        Change::PutInbound(inbound) => encode::<InboundDocument>(inbound, revision, secrets),
        Change::PutJob(job) => encode::<JobDocument>(job, revision, secrets),
        Change::PutTemplate(template) => encode::<TemplateDocument>(template, revision, secrets),
        Change::DeleteOrganization(_)
        | Change::DeleteUnit(..)
        | Change::DeleteIntegration(..)
        | Change::DeleteInbound(..)
        | Change::DeleteJob(..)
        | Change::DeleteTemplate(..)
        | Change::DeleteEventType(..)
        | Change::LookupsChanged(..) => return Ok(None),
    };
    document.map(Some)
}

/// The change that puts what a stored document holds.
pub(super) fn decode_change(kind: ItemKind, stored: Document, secrets: &SecretSealer) -> Result<Change, StoreError> {
    for_kind!(kind, D => decode::<D>(stored, secrets).map(ConfigurationItem::put))
}

/// A document in the current format, provided that it can be read. A process that lacks the key of some secrets would seal others under
/// a key that the next process may lack.
pub(super) fn rewritten(kind: ItemKind, stored: Document, secrets: &SecretSealer) -> Result<Document, StoreError> {
    for_kind!(kind, D => {
        let rewritten = super::stored_document::current::<D>(stored, secrets)?;
        decode::<D>(rewritten.clone(), secrets)?;
        Ok(rewritten)
    })
}

/// A document with its secrets sealed under the first key. It need not satisfy any rule of its kind.
pub(super) fn resealed(kind: ItemKind, stored: Document, secrets: &SecretSealer) -> Result<Document, StoreError> {
    for_kind!(kind, D => super::stored_document::resealed::<D>(stored, secrets))
}

/// The kind of a document in a collection.
pub(super) fn kind_in(collection: &str, stored: &Document) -> Result<ItemKind, StoreError> {
    let kinds = [
        (OrganizationDocument::COLLECTION, ItemKind::Organization),
        (UnitDocument::COLLECTION, ItemKind::Unit),
        (EventTypeDocument::COLLECTION, ItemKind::EventType),
        (TemplateDocument::COLLECTION, ItemKind::Template),
    ];
    match kinds.iter().find(|(name, _)| *name == collection) {
        Some((_, kind)) => Ok(*kind),
        None if collection == INTEGRATIONS => integration_kind(stored),
        None => Err(unreadable("kind")),
    }
}

/// The kind of a document in the collection that all integrations share.
pub(super) fn integration_kind(stored: &Document) -> Result<ItemKind, StoreError> {
    let kinds = [
        (OutboundDocument::DIRECTION, ItemKind::OutboundIntegration),
        (InboundDocument::DIRECTION, ItemKind::InboundIntegration),
        (JobDocument::DIRECTION, ItemKind::ScheduledJob),
    ];
    let direction = stored.get_str("direction").ok();
    let found = kinds.iter().find(|(name, _)| *name == direction && direction.is_some());
    found.map(|(_, kind)| *kind).ok_or_else(|| unreadable("direction"))
}
