//! Secrets in configuration and its history: counting them by encryption key, and re-encrypting them under the first key.
//!
//! Only the ciphertext changes. The revision and the history therefore stay as they are, and followers need no update.

mod place;
mod tally;

use futures::TryStreamExt as _;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use tally::SecretsTally;

use super::Configurations;
use super::stored_document::revision;
use crate::secret_sealer::SecretSealer;
use crate::stored::Stored;
use place::Place;
use tally::Outcome;

/// Documents processed concurrently; the server then makes their writes durable together.
const AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Count,
    Renew,
}

impl Configurations {
    /// Decrypts every secret, in history too, and counts them by encryption key.
    pub async fn count_secrets(&self) -> Result<Vec<SecretsTally>, StoreError> {
        self.pass(Pass::Count).await
    }

    /// Re-encrypts, under the first key, every document that has a secret under another.
    ///
    /// Each document is written on its own, provided that it has not changed since it was read; secrets under the first
    /// key are left alone. The pass may therefore stop anywhere, and the next one does only what remains.
    pub async fn renew_secrets(&self) -> Result<Vec<SecretsTally>, StoreError> {
        self.pass(Pass::Renew).await
    }

    async fn pass(&self, pass: Pass) -> Result<Vec<SecretsTally>, StoreError> {
        let mut tallies = Vec::new();
        for place in Place::ALL {
            tallies.push(self.pass_over(place, pass).await?);
        }
        Ok(tallies)
    }

    async fn pass_over(&self, place: Place, pass: Pass) -> Result<SecretsTally, StoreError> {
        let kept = self.database.collection::<Document>(place.collection());
        let cursor = self.database.within(kept.find(place.filter())).await?;
        let outcomes = cursor
            .map_err(|error| crate::error::store_error(&error))
            .map_ok(|Stored(kept)| self.look_into(place, kept, pass))
            .try_buffer_unordered(AT_ONCE);
        let empty = SecretsTally::new(place.collection());
        outcomes.try_fold(empty, async |tally, outcome| Ok(tally.with(outcome))).await
    }

    async fn look_into(&self, place: Place, kept: Document, pass: Pass) -> Result<Outcome, StoreError> {
        let secrets = self.database.secrets().counting();
        let renewed = match self.sealed_anew(place, &kept, &secrets) {
            Ok(renewed) => renewed,
            Err(error) => return Ok(Outcome::Faulty(format!("{}: {}", place.name_of(&kept), reason(error)))),
        };
        let is_renewed = match renewed {
            Some((condition, change)) if pass == Pass::Renew => Some(self.replaced(place, condition, change).await?),
            Some(_) | None => None,
        };
        Ok(Outcome::Opened { secrets, is_renewed })
    }

    /// The filter and the update that re-encrypt a document, if it needs any.
    fn sealed_anew(
        &self,
        place: Place,
        kept: &Document,
        secrets: &SecretSealer,
    ) -> Result<Option<(Document, Document)>, StoreError> {
        let Some((kind, content)) = place.content(kept)? else {
            return Ok(None);
        };
        let sealing = Self::new(self.database.with_secrets(secrets.clone()));
        let item = sealing.content(kind, content.clone())?;
        if secrets.opened().skip(1).all(|(_, opened)| opened == 0) {
            return Ok(None);
        }
        let resealed = sealing.document(&item, revision(content)?)?;
        Ok(resealed.map(|resealed| (place.unchanged(kept, content), place.change(content, resealed))))
    }

    async fn replaced(&self, place: Place, condition: Document, change: Document) -> Result<bool, StoreError> {
        let kept = self.database.collection::<Document>(place.collection());
        let update = kept.update_one(condition, doc! { "$set": change });
        let updated = self.database.within(update).await?;
        Ok(updated.matched_count > 0)
    }
}

/// The database did its part; the document cannot be decoded.
fn reason(error: StoreError) -> String {
    match error {
        StoreError::Refused(reason) | StoreError::Unavailable(reason) => reason,
    }
}
