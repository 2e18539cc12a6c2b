//! Reports on keys and on the secrets sealed under them.

use ig_store::{SecretSealer, SecretsTally};

/// The configured keys, by their ids.
pub(super) struct KeyReport {
    first: String,
    others: Vec<String>,
}

impl KeyReport {
    /// A report on the keys of a secret box.
    pub(super) fn new(secrets: &SecretSealer) -> Self {
        let mut keys = secrets.key_ids().map(str::to_owned);
        Self {
            first: keys.next().unwrap_or_default(),
            others: keys.collect(),
        }
    }

    /// The first key, which seals.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// Whether all secrets are under the first key.
    pub(super) fn is_settled(&self, found: &[SecretsTally]) -> bool {
        found
            .iter()
            .flat_map(|tally| tally.by_key.keys())
            .all(|key| *key == self.first)
    }

    /// The line for one collection.
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
        let mut parts = vec![format!("{documents} document(s) with secrets")];
        parts.extend(under);
        parts.extend((*renewed > 0).then(|| format!("{renewed} document(s) sealed anew under {}", self.first)));
        parts.extend((*overtaken > 0).then(|| format!("{overtaken} changed meanwhile")));
        format!("{collection}: {}", parts.join(", "))
    }

    /// The closing line, which names the keys that may be removed.
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
