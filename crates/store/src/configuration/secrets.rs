//! Secrets in configuration and its history: counting them by encryption key, and re-encrypting them under the first key.
//!
//! Only the ciphertext changes. The revision and the history therefore stay as they are, and followers need no update.

mod secret_collection;
mod tally;

use futures::TryStreamExt as _;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use tally::SecretsTally;

use super::Configurations;
use super::kinds::resealed;
use crate::data_connections;
use crate::secret_sealer::SecretSealer;
use crate::stored::Stored;
use secret_collection::SecretCollection;
use tally::SecretsOutcome;

/// Documents processed concurrently; the server then makes their writes durable together.
const CONCURRENCY: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecretsPass {
    Count,
    Renew,
}

impl Configurations {
    /// Decrypts every secret, in history too, and counts them by encryption key.
    pub async fn count_secrets(&self) -> Result<Vec<SecretsTally>, StoreError> {
        self.run_pass(SecretsPass::Count).await
    }

    /// Re-encrypts, under the first key, every document that has a secret under another.
    ///
    /// Each document is written on its own, provided that it has not changed since it was read; secrets under the first
    /// key are left alone. The pass may therefore stop anywhere, and the next one does only what remains.
    pub async fn renew_secrets(&self) -> Result<Vec<SecretsTally>, StoreError> {
        self.run_pass(SecretsPass::Renew).await
    }

    async fn run_pass(&self, pass: SecretsPass) -> Result<Vec<SecretsTally>, StoreError> {
        let mut tallies = Vec::new();
        for source in SecretCollection::ALL {
            tallies.push(self.process_collection(source, pass).await?);
        }
        Ok(tallies)
    }

    async fn process_collection(&self, source: SecretCollection, pass: SecretsPass) -> Result<SecretsTally, StoreError> {
        let stored = self.database.collection::<Document>(source.collection());
        let cursor = self.database.within(stored.find(source.filter())).await?;
        let outcomes = cursor
            .map_err(|error| crate::error::store_error(&error))
            .map_ok(|Stored(stored)| self.process_document(source, stored, pass))
            .try_buffer_unordered(CONCURRENCY);
        let empty = SecretsTally::new(source.collection());
        outcomes.try_fold(empty, async |tally, outcome| Ok(tally.with(outcome))).await
    }

    async fn process_document(
        &self,
        source: SecretCollection,
        stored: Document,
        pass: SecretsPass,
    ) -> Result<SecretsOutcome, StoreError> {
        let secrets = self.database.secrets().counting();
        let renewed = match update_of(source, &stored, &secrets) {
            Ok(renewed) => renewed,
            Err(error) => {
                return Ok(SecretsOutcome::Faulty(format!(
                    "{}: {}",
                    source.name_of(&stored),
                    reason(error)
                )));
            }
        };
        let is_renewed = match renewed {
            Some((condition, change)) if pass == SecretsPass::Renew => {
                Some(self.update_if_unchanged(source, condition, change).await?)
            }
            Some(_) | None => None,
        };
        Ok(SecretsOutcome::Opened { secrets, is_renewed })
    }

    async fn update_if_unchanged(
        &self,
        source: SecretCollection,
        condition: Document,
        change: Document,
    ) -> Result<bool, StoreError> {
        let stored = self.database.collection::<Document>(source.collection());
        let update = stored.update_one(condition, change);
        let updated = self.database.within(update).await?;
        Ok(updated.matched_count > 0)
    }
}

/// The filter and the update that re-encrypt a document, if it needs any.
fn update_of(
    source: SecretCollection,
    stored: &Document,
    secrets: &SecretSealer,
) -> Result<Option<(Document, Document)>, StoreError> {
    let (content, update) = match source {
        SecretCollection::Connections => {
            let sealed = data_connections::resealed_address(stored, secrets)?;
            (stored, doc! { "$set": { "url": sealed } })
        }
        SecretCollection::Items | SecretCollection::Versions => {
            let Some((kind, content)) = source.content(stored)? else {
                return Ok(None);
            };
            (content, source.update(content, resealed(kind, content.clone(), secrets)?))
        }
    };
    let needs_it = secrets.opened().skip(1).any(|(_, opened)| opened > 0);
    Ok(needs_it.then(|| (source.unchanged(stored, content), update)))
}

/// The database did its part; the document cannot be decoded.
fn reason(error: StoreError) -> String {
    match error {
        StoreError::Refused(reason) | StoreError::Unavailable(reason) => reason,
    }
}
