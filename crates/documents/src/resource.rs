//! What all documents of configuration have in common.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::secret::MASK;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::checks::Checks;
use crate::item::ConfigurationItem;
use crate::secret_binding::SecretBinding;
use crate::secrets::{SecretPlace, Secrets};

/// When a document was created and changed, which no client decides.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// When the document was created.
    pub created_at: Timestamp,
    /// The time of the current change.
    pub updated_at: Timestamp,
}

/// The document of one kind of configuration.
pub trait ResourceDocument: Serialize + DeserializeOwned {
    /// What the document describes.
    type Item: ConfigurationItem;

    /// Which secrets are sent to which addresses.
    const SECRET_BINDINGS: &'static [SecretBinding] = &[];

    /// The document of an item, with every secret in clear.
    fn from_item(item: Self::Item) -> Result<Self, Faults>;

    /// The item that the document describes, or everything that is wrong with the document by itself. The item is at revision 0 and
    /// on no hold, since no client decides either.
    fn into_item(
        self,
        org: OrgId,
        id: <Self::Item as ConfigurationItem>::Id,
        stamp: Stamp,
        checks: &dyn Checks,
    ) -> Result<Self::Item, Faults>;

    /// The revision of the last change, which guards against lost updates.
    fn revision(&mut self) -> &mut Option<u64>;

    /// Removes stored fields that a patch makes meaningless.
    fn drop_dependents(_stored: &mut Value, _patch: &Value) {}

    /// Visits every field that holds a secret. Masking and sealing both follow from it.
    fn visit_secrets(&mut self, _visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {}

    /// The same document, with the secrets masked as `secrets` says.
    #[must_use]
    fn masked(mut self, secrets: Secrets) -> Self {
        self.visit_secrets(&mut |place, text| {
            if place.is_masked(text, secrets) {
                MASK.clone_into(text);
            }
        });
        self
    }
}
