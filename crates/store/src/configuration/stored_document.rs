//! Configuration as stored: the documents of `ig-documents` with their secrets sealed.
//!
//! A stored document carries the number of its format. One of an earlier format is read as if it had been rewritten
//! already, so that reading does not depend on how far the rewriting is.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::StoreError;
use ig_documents::{ConfigurationItem, HoldDocument, ResourceDocument, SecretPlace, Stamp, Unchecked};
use mongodb::bson::{self, Bson, Document, doc};

use super::format::{self, FORMAT};
use crate::error::unreadable;
use crate::field::{date, long, timestamp, unsigned};
use crate::maybe_readable::{MaybeReadable, Unreadable};
use crate::secret_sealer::{SecretError, SecretSealer};
use crate::stored::read_document;

/// The identifier of the items that a document describes.
pub(super) type ItemId<D> = <<D as ResourceDocument>::Item as ConfigurationItem>::Id;

/// A document of configuration in the store.
pub trait StoredDocument: ResourceDocument + 'static {
    /// Selects items in a list.
    type Filter: Default + Send + Sync;

    /// The collection that holds it.
    const COLLECTION: &'static str;
    /// Its `direction`, where several kinds share a collection.
    const DIRECTION: Option<&'static str> = None;

    /// The item's `_id`.
    fn key(org: OrgId, id: &ItemId<Self>) -> Bson;

    /// The conditions of a filter.
    fn conditions(filter: &Self::Filter) -> Document;

    /// The item's identifier within its organisation, from a stored document.
    fn id(stored: &Document) -> Result<ItemId<Self>, StoreError>;

    /// The fields that this version always writes and whose absence would open something: a document without one of them
    /// is unreadable.
    const REQUIRED: &'static [&'static str] = &[];
    /// The fields that a stand-in for an unreadable item keeps, at first as many as possible; empty if there is none.
    const STAND_INS: &'static [&'static [&'static str]] = &[];

    /// Rewrites a document of format 1.
    fn upgrade(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError>;

    /// The document's hold.
    fn take_hold(&mut self) -> Option<HoldDocument> {
        None
    }

    /// Seals what is sealed as a whole.
    fn seal_whole(&self, _stored: &mut Document, _sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Opens what is sealed as a whole.
    fn open_whole(_stored: &mut Document, _sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Seals and opens the secrets of one item.
#[derive(Debug, Clone, Copy)]
pub struct ItemSealer<'a> {
    secrets: &'a SecretSealer,
    /// The item's `_id` as text.
    owner: &'a str,
}

/// Marks a sealed text where a plain one may stand as well.
pub(crate) const SEALED: &str = "sealed:";

impl ItemSealer<'_> {
    /// Seals a text for a place, unless it is plain there.
    pub(crate) fn seal_at(&self, text: &str, place: SecretPlace<'_>) -> Result<String, StoreError> {
        if place.is_in_source() || (place.is_plain(text) && !text.starts_with(SEALED)) {
            return Ok(text.to_owned());
        }
        let sealed = self.seal(text, &place.to_string())?;
        let mark = if place.may_be_plain() { SEALED } else { "" };
        Ok(format!("{mark}{sealed}"))
    }

    fn open_at(&self, stored: &str, place: SecretPlace<'_>) -> Result<String, StoreError> {
        match stored.strip_prefix(SEALED) {
            _ if place.is_in_source() => Ok(stored.to_owned()),
            Some(sealed) if place.may_be_plain() => self.open(sealed, &place.to_string()),
            None if place.may_be_plain() => Ok(stored.to_owned()),
            _ => self.open(stored, &place.to_string()),
        }
    }

    pub(crate) fn seal(&self, secret: &str, place: &str) -> Result<String, StoreError> {
        let sealed = self.secrets.seal(secret, &self.owner_of(place));
        sealed.map_err(|error| refused(&error))
    }

    pub(crate) fn open(&self, sealed: &str, place: &str) -> Result<String, StoreError> {
        let opened = self.secrets.open(sealed, &self.owner_of(place));
        opened.map_err(|error| refused(&error))
    }

    fn owner_of(&self, place: &str) -> String {
        format!("integration {} {place}", self.owner)
    }

    /// Seals every secret of a document in its place.
    pub(crate) fn seal_all(&self, document: &mut impl ResourceDocument) -> Result<(), StoreError> {
        replaced(document, |place, text| self.seal_at(text, place))
    }

    fn open_all(&self, document: &mut impl ResourceDocument) -> Result<(), StoreError> {
        replaced(document, |place, text| self.open_at(text, place))
    }
}

fn replaced(
    document: &mut impl ResourceDocument,
    replace: impl Fn(SecretPlace<'_>, &str) -> Result<String, StoreError>,
) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    document.visit_secrets(&mut |place, text| {
        if outcome.is_ok() {
            outcome = replace(place, text).map(|replacement| *text = replacement);
        }
    });
    outcome
}

/// The stored document of an item.
pub(crate) fn encode<D: StoredDocument>(item: &D::Item, revision: u64, secrets: &SecretSealer) -> Result<Document, StoreError> {
    let (key, stamp) = (D::key(item.org_id(), &item.id()), item.stamp());
    let mut document = D::from_item(item.clone()).map_err(|faults| invalid(&faults))?;
    let hold = document.take_hold();
    let owner = key_text(&key);
    let sealer = ItemSealer { secrets, owner: &owner };
    sealer.seal_all(&mut document)?;
    let mut stored = serialized(&document)?;
    document.seal_whole(&mut stored, &sealer)?;
    stored.remove("id");
    let mut whole = doc! { "_id": key, "format": FORMAT };
    whole.extend(stored);
    if let Some(hold) = hold {
        whole.insert("hold", hold_document(&hold)?);
    }
    whole.insert("revision", long(revision));
    whole.insert("createdAt", date(stamp.created_at));
    whole.insert("updatedAt", date(stamp.updated_at));
    Ok(whole)
}

/// A hold as stored.
pub(crate) fn hold_document(hold: &HoldDocument) -> Result<Document, StoreError> {
    let mut stored = serialized(hold)?;
    let since = stored.get_str("since").ok().and_then(|since| since.parse().ok());
    let since: Timestamp = since.ok_or_else(|| unreadable("hold.since"))?;
    stored.insert("since", date(since));
    Ok(stored)
}

/// A document in the binary format, whose free JSON is text.
pub(crate) fn serialized<T: serde::Serialize>(document: &T) -> Result<Document, StoreError> {
    let raw = bson::serialize_to_raw_document_buf(document);
    let stored = raw.and_then(|raw| Document::try_from(&*raw));
    stored.map_err(|error| StoreError::Refused(error.to_string()))
}

/// The item of a stored document.
pub(crate) fn decode<D: StoredDocument>(stored: Document, secrets: &SecretSealer) -> Result<D::Item, StoreError> {
    let mut stored = current::<D>(stored, secrets)?;
    check_required::<D>(&stored)?;
    let key = key_text(stored.get("_id").unwrap_or(&Bson::Null));
    let sealer = ItemSealer { secrets, owner: &key };
    D::open_whole(&mut stored, &sealer)?;
    let mut document = parsed::<D>(&stored)?;
    sealer.open_all(&mut document)?;
    into_item(document, &stored)
}

/// A stored document with its secrets sealed anew. No rule applies to it but that its secrets can be found and opened.
pub(super) fn resealed<D: StoredDocument>(stored: Document, secrets: &SecretSealer) -> Result<Document, StoreError> {
    let mut stored = current::<D>(stored, secrets)?;
    let key = key_text(stored.get("_id").unwrap_or(&Bson::Null));
    let sealer = ItemSealer { secrets, owner: &key };
    D::open_whole(&mut stored, &sealer)?;
    let mut document = parsed::<D>(&stored)?;
    document.take_hold();
    sealer.open_all(&mut document)?;
    sealer.seal_all(&mut document)?;
    let mut sealed = serialized(&document)?;
    document.seal_whole(&mut sealed, &sealer)?;
    sealed.remove("id");
    stored.extend(sealed.into_iter().filter(|(field, _)| !IDENTITY.contains(&field.as_str())));
    Ok(stored)
}

/// Checks what an absent field would leave open, and that no secret would be made up.
fn check_required<D: StoredDocument>(stored: &Document) -> Result<(), StoreError> {
    if let Some(field) = D::REQUIRED.iter().find(|field| !stored.contains_key(field)) {
        return Err(unreadable(field));
    }
    let Ok(signing) = stored.get_document("signing") else {
        return Ok(());
    };
    let has_secrets = signing.get_array("secrets").is_ok_and(|secrets| !secrets.is_empty());
    match signing.get_bool("enabled") {
        Ok(true) if !has_secrets => Err(unreadable("signing")),
        _ => Ok(()),
    }
}

/// The fields of every document, which every stand-in keeps.
const IDENTITY: [&str; 6] = ["_id", "orgId", "direction", "revision", "createdAt", "updatedAt"];

/// A stand-in for an item that cannot be decoded: on hold, without secrets, and with as many of its other fields as can be
/// read. An item that was switched off stays off.
pub(crate) fn stand_in<D: StoredDocument>(stored: Document, secrets: &SecretSealer, reason: &str) -> Option<D::Item> {
    let stored = current::<D>(stored.clone(), secrets).unwrap_or(stored);
    let updated_at = time(&stored, "updatedAt").ok()?;
    let is_draft = stored.get_bool("isActive").is_ok_and(|is_active| !is_active) && stored.get_document("hold").is_err();
    let hold = (!is_draft).then(|| HoldDocument::unreadable(reason, updated_at));
    let hold = hold.as_ref().map(hold_document).transpose().ok()?;
    D::STAND_INS.iter().find_map(|kept| {
        let mut bare = Document::new();
        for (field, value) in &stored {
            if kept.contains(&field.as_str()) || IDENTITY.contains(&field.as_str()) {
                bare.insert(field.clone(), value.clone());
            }
        }
        for (field, value) in [("name", "unreadable"), ("targetUrl", "https://unreadable.invalid/")] {
            if !bare.contains_key(field) {
                bare.insert(field, value);
            }
        }
        bare.insert("passthrough", false);
        bare.insert("isActive", false);
        bare.insert("hold", hold.clone().map_or(Bson::Null, Bson::Document));
        untransform_actions(&mut bare);
        into_item(parsed::<D>(&bare).ok()?, &bare).ok()
    })
}

/// Leaves of actions what they are sent for and where to.
fn untransform_actions(stored: &mut Document) {
    let Ok(actions) = stored.get_array_mut("actions") else {
        return;
    };
    for action in actions.iter_mut().filter_map(Bson::as_document_mut) {
        for field in [
            "transformationMode",
            "fieldMappings",
            "staticFields",
            "passthrough",
            "transformScript",
        ] {
            action.remove(field);
        }
    }
}

/// What is known of an item without decoding it.
pub(super) fn found<D: StoredDocument>(stored: Document, secrets: &SecretSealer) -> Result<MaybeReadable<D::Item>, StoreError> {
    let id = D::id(&stored).map_or_else(|_| key_text(stored.get("_id").unwrap_or(&Bson::Null)), |id| id.to_string());
    let known = Unreadable {
        id,
        name: stored.get_str("name").unwrap_or_default().to_owned(),
        revision: revision(&stored).unwrap_or_default(),
        created_at: time(&stored, "createdAt").unwrap_or_default(),
        reason: String::new(),
    };
    MaybeReadable::of(known, decode::<D>(stored, secrets))
}

/// The document in the current format.
pub(crate) fn current<D: StoredDocument>(mut stored: Document, secrets: &SecretSealer) -> Result<Document, StoreError> {
    let format = format::of(&stored);
    if format > FORMAT {
        return Err(StoreError::Refused(format!(
            "it is in format {format}, which a later version wrote: this version reads formats up to {FORMAT}"
        )));
    }
    if format < FORMAT {
        let key = key_text(stored.get("_id").unwrap_or(&Bson::Null));
        D::upgrade(&mut stored, &ItemSealer { secrets, owner: &key })?;
        stored.insert("format", FORMAT);
    }
    Ok(stored)
}

fn parsed<D: StoredDocument>(stored: &Document) -> Result<D, StoreError> {
    read_document(stored).map_err(|error| StoreError::Refused(error.to_string()))
}

fn into_item<D: StoredDocument>(mut document: D, stored: &Document) -> Result<D::Item, StoreError> {
    let org = stored.get_i64("orgId").map_err(|_| unreadable("orgId"))?;
    let stamp = Stamp {
        created_at: time(stored, "createdAt")?,
        updated_at: time(stored, "updatedAt")?,
    };
    let hold = document.take_hold().map(HoldDocument::into_domain).transpose();
    let hold = hold.map_err(|faults| invalid(&faults))?;
    let item = document.into_item(OrgId(org), D::id(stored)?, stamp, &Unchecked);
    let item = item.map_err(|faults| invalid(&faults))?;
    let mut item = item.at_revision(revision(stored)?);
    if let Some((_, held)) = item.activity() {
        *held = hold;
    }
    Ok(item)
}

/// The item's revision.
pub(crate) fn revision(stored: &Document) -> Result<u64, StoreError> {
    stored.get_i64("revision").map(unsigned).map_err(|_| unreadable("revision"))
}

fn time(stored: &Document, field: &'static str) -> Result<Timestamp, StoreError> {
    stored
        .get_datetime(field)
        .map(|at| timestamp(*at))
        .map_err(|_| unreadable(field))
}

/// An identifier as text.
pub(crate) fn key_text(key: &Bson) -> String {
    match key {
        Bson::ObjectId(id) => id.to_hex(),
        Bson::String(text) => text.clone(),
        key => key.to_string(),
    }
}

/// An identifier from the document's `_id`.
pub(crate) fn integration_id(stored: &Document) -> Result<IntegrationId, StoreError> {
    let id = stored.get_object_id("_id").map_err(|_| unreadable("_id"))?;
    Ok(IntegrationId(id.bytes()))
}

fn invalid(faults: &Faults) -> StoreError {
    StoreError::Refused(format!("the stored document is invalid: {faults}"))
}

fn refused(error: &SecretError) -> StoreError {
    StoreError::Refused(error.to_string())
}
