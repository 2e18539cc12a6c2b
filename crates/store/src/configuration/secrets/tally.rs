//! The result of a pass over the secrets of a collection.

use std::collections::BTreeMap;

use crate::secret_sealer::SecretSealer;

/// How many faults are described; further ones are only counted.
const MAX_FAULTS: usize = 20;

/// The secrets found in one collection, and what the pass did with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsTally {
    /// The collection.
    pub collection: &'static str,
    /// Documents that have secrets.
    pub documents: u64,
    /// Secrets by the key under which they were found.
    pub by_key: BTreeMap<String, u64>,
    /// Documents that were re-encrypted.
    pub renewed: u64,
    /// Documents that changed before they could be re-encrypted.
    pub overtaken: u64,
    /// Documents whose secrets cannot be decrypted.
    pub faulty: u64,
    /// Descriptions of the first faults.
    pub faults: Vec<String>,
}

/// The result for one document.
pub(super) enum SecretsOutcome {
    /// All of its secrets were decrypted.
    Opened {
        /// The sealer that decrypted them, with its counts.
        secrets: SecretSealer,
        /// Whether it was re-encrypted, or changed in the meantime; `None` if the pass only counts.
        is_renewed: Option<bool>,
    },
    /// Why its secrets cannot be decrypted.
    Faulty(String),
}

impl SecretsTally {
    pub(super) fn new(collection: &'static str) -> Self {
        Self {
            collection,
            documents: 0,
            by_key: BTreeMap::new(),
            renewed: 0,
            overtaken: 0,
            faulty: 0,
            faults: Vec::new(),
        }
    }

    pub(super) fn with(mut self, outcome: SecretsOutcome) -> Self {
        match outcome {
            SecretsOutcome::Opened { secrets, is_renewed } => {
                self.count(&secrets);
                self.renewed += u64::from(is_renewed == Some(true));
                self.overtaken += u64::from(is_renewed == Some(false));
            }
            SecretsOutcome::Faulty(fault) => {
                self.faulty += 1;
                if self.faults.len() < MAX_FAULTS {
                    self.faults.push(fault);
                }
            }
        }
        self
    }

    fn count(&mut self, secrets: &SecretSealer) {
        let opened: Vec<_> = secrets.opened().filter(|(_, opened)| *opened > 0).collect();
        self.documents += u64::from(!opened.is_empty());
        for (key, opened) in opened {
            *self.by_key.entry(key.to_owned()).or_default() += opened;
        }
    }
}
