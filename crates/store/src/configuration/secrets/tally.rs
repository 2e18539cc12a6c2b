//! What a pass over the secrets of a collection found and did.

use std::collections::BTreeMap;

use crate::secret_box::SecretBox;

/// So many faults are told; further ones are only counted.
const TOLD: usize = 20;

/// What was found of secrets in one collection, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsTally {
    /// The collection.
    pub collection: &'static str,
    /// Documents that have secrets.
    pub documents: u64,
    /// Secrets by the key that they were found under.
    pub by_key: BTreeMap<String, u64>,
    /// Documents that were sealed anew.
    pub renewed: u64,
    /// Documents that somebody changed before they could be sealed anew.
    pub overtaken: u64,
    /// Documents whose secrets do not open.
    pub faulty: u64,
    /// The first of these, and what is the matter with each.
    pub faults: Vec<String>,
}

/// What became of one document.
pub(super) enum Outcome {
    /// All of its secrets were opened.
    Opened {
        /// With what.
        secrets: SecretBox,
        /// Whether it was sealed anew, or somebody was faster; nothing where that was not to be done.
        is_renewed: Option<bool>,
    },
    /// What is the matter with it.
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

    pub(super) fn with(mut self, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Opened { secrets, is_renewed } => {
                self.count(&secrets);
                self.renewed += u64::from(is_renewed == Some(true));
                self.overtaken += u64::from(is_renewed == Some(false));
            }
            Outcome::Faulty(fault) => {
                self.faulty += 1;
                if self.faults.len() < TOLD {
                    self.faults.push(fault);
                }
            }
        }
        self
    }

    fn count(&mut self, secrets: &SecretBox) {
        let opened: Vec<_> = secrets.opened().filter(|(_, opened)| *opened > 0).collect();
        self.documents += u64::from(!opened.is_empty());
        for (key, opened) in opened {
            *self.by_key.entry(key.to_owned()).or_default() += opened;
        }
    }
}
