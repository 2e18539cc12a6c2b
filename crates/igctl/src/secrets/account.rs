//! What a person is told of keys and of what is sealed under them.

use ig_store::{SecretBox, SecretsTally};

/// The configured keys, by their ids.
pub(super) struct Account {
    first: String,
    others: Vec<String>,
}

impl Account {
    /// Of the keys that a box has.
    pub(super) fn new(secrets: &SecretBox) -> Self {
        let mut keys = secrets.key_ids().map(str::to_owned);
        Self {
            first: keys.next().unwrap_or_default(),
            others: keys.collect(),
        }
    }

    /// The key that seals.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// Whether everything was found under the first key.
    pub(super) fn is_settled(&self, found: &[SecretsTally]) -> bool {
        found
            .iter()
            .flat_map(|tally| tally.by_key.keys())
            .all(|key| *key == self.first)
    }

    /// One collection.
    pub(super) fn line(&self, tally: &SecretsTally) -> String {
        let SecretsTally {
            collection,
            documents,
            by_key,
            renewed,
            overtaken,
            faulty: _,
            faults: _,
        } = tally;
        let under = by_key.iter().map(|(key, secrets)| format!("{secrets} under {key}"));
        let mut told = vec![format!("{documents} document(s) with secrets")];
        told.extend(under);
        told.extend((*renewed > 0).then(|| format!("{renewed} document(s) sealed anew under {}", self.first)));
        told.extend((*overtaken > 0).then(|| format!("{overtaken} changed meanwhile")));
        format!("{collection}: {}", told.join(", "))
    }

    /// Which keys have done their service.
    pub(super) fn conclusion(&self) -> String {
        let Self { first, others } = self;
        if others.is_empty() {
            return format!("Everything is sealed under {first}, the only key.");
        }
        format!(
            "Everything is sealed under {first}: secrets.keys needs no longer hold {}.",
            others.join(", ")
        )
    }
}
