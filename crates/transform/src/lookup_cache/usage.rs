//! Counts in memory how often keys are requested.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::id::{OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupSide};
use parking_lot::Mutex;

use super::entry::EntryKey;

/// The most keys that are counted: there is no limit on values that no row maps.
const MAX_KEYS: usize = 20_000;

/// How often one key was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The organisation.
    pub org_id: OrgId,
    /// The entity that it was requested for; its own row takes precedence over the organisation's.
    pub entity: Rid,
    /// The key.
    pub key: LookupKey,
    /// How often a row mapped it.
    pub mapped: u64,
    /// How often no row mapped it.
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
    pub(super) fn record(&self, rows: &[(EntryKey, Option<Arc<LookupSide>>)]) {
        if rows.is_empty() {
            return;
        }
        let mut counts_by_key = self.0.lock();
        for (key, row) in rows {
            if let Some(counts) = counts_by_key.get_mut(key) {
                counts.add(row.is_some());
            } else if counts_by_key.len() < MAX_KEYS {
                counts_by_key.entry(key.clone()).or_default().add(row.is_some());
            }
        }
    }

    pub(super) fn drain(&self) -> Vec<Usage> {
        let counts_by_key = std::mem::take(&mut *self.0.lock());
        let usage = counts_by_key
            .into_iter()
            .map(|(EntryKey { org, entity, key }, counts)| Usage {
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
