//! How often keys are asked for, counted in memory.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::id::{OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide};
use parking_lot::Mutex;

use super::entry::EntryKey;

/// Beyond so many keys no further ones are counted: values that no row maps come without end.
const MOST_KEYS: usize = 20_000;

/// How often one key was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The organisation.
    pub org_id: OrgId,
    /// The entity that it was asked for: its own row answers first, the organisation's otherwise.
    pub entity: Rid,
    /// The key.
    pub key: LookupKey,
    /// How often a row mapped it.
    pub mapped: u64,
    /// How often none did.
    pub unmapped: u64,
}

#[derive(Debug, Default)]
pub(super) struct UsageCounts(Mutex<HashMap<EntryKey, Counts>>);

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    mapped: u64,
    unmapped: u64,
}

impl UsageCounts {
    pub(super) fn count(&self, answers: &[(EntryKey, Option<Arc<LookupSide>>)]) {
        if answers.is_empty() {
            return;
        }
        let mut counted = self.0.lock();
        for (key, found) in answers {
            if let Some(counts) = counted.get_mut(key) {
                counts.add(found.is_some());
            } else if counted.len() < MOST_KEYS {
                counted.entry(key.clone()).or_default().add(found.is_some());
            }
        }
    }

    pub(super) fn drain(&self) -> Vec<Usage> {
        let counted = std::mem::take(&mut *self.0.lock());
        let usage = counted.into_iter().map(|(EntryKey { org, entity, key }, counts)| Usage {
            org_id: org,
            entity,
            key,
            mapped: counts.mapped,
            unmapped: counts.unmapped,
        });
        usage.collect()
    }
}

impl Counts {
    fn add(&mut self, mapped: bool) {
        if mapped {
            self.mapped += 1;
        } else {
            self.unmapped += 1;
        }
    }
}
