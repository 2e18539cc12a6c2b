//! Units of organisations: `_id` is the globally unique `rid`.

use ig_core::id::{OrgId, Rid};
use ig_core::ports::StoreError;
use ig_documents::UnitDocument;
use mongodb::bson::{Bson, Document};

use crate::configuration::{Configured, ItemSealer, SearchFilter, StoredDocument, format};
use crate::error::unreadable;
use crate::names::ORG_UNITS;

/// Read access to units.
pub type OrgUnits = Configured<UnitDocument>;

impl StoredDocument for UnitDocument {
    type Filter = SearchFilter;

    const COLLECTION: &'static str = ORG_UNITS;

    fn key(_: OrgId, id: &Rid) -> Bson {
        id.0.into()
    }

    fn conditions(filter: &SearchFilter) -> Document {
        filter.conditions(&["name", "code"])
    }

    fn id(stored: &Document) -> Result<Rid, StoreError> {
        stored.get_i64("rid").map(Rid).map_err(|_| unreadable("rid"))
    }

    fn upgrade(stored: &mut Document, _: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::drop_nulls(stored);
        Ok(())
    }
}
