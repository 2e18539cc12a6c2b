//! Generations of lookup tables, which invalidate cached rows.
//!
//! Every invalidation gives a table a new generation. A row carries the generation that its table had when the load began, and counts only
//! while that is current. So a load that was in flight when the table changed never counts, and an invalidation costs the same for any size
//! of the cache.

use std::collections::HashMap;

use ig_core::id::{LookupType, OrgId};
use parking_lot::RwLock;

use super::entry::EntryKey;
use super::single_flight::StampedKey;

/// Beyond this many generations all rows are invalidated at once instead.
const MAX_GENERATIONS: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Generations(RwLock<Latest>);

#[derive(Debug, Default)]
struct Latest {
    last: u64,
    all: u64,
    orgs: HashMap<OrgId, u64>,
    tables: HashMap<(OrgId, LookupType), u64>,
}

impl Generations {
    pub(super) fn bump(&self, org: OrgId, lookup_type: Option<&LookupType>) {
        let mut latest = self.0.write();
        latest.last += 1;
        let generation = latest.last;
        match lookup_type {
            Some(lookup_type) => latest.tables.insert((org, lookup_type.clone()), generation),
            None => latest.orgs.insert(org, generation),
        };
        if latest.orgs.len() + latest.tables.len() > MAX_GENERATIONS {
            latest.bump_all();
        }
    }

    pub(super) fn bump_all(&self) {
        self.0.write().bump_all();
    }

    /// The keys with the generations of their tables.
    pub(super) fn stamp(&self, keys: Vec<EntryKey>) -> Vec<StampedKey> {
        let latest = self.0.read();
        let stamped = keys.into_iter().map(|key| StampedKey {
            generation: latest.of(&key),
            key,
        });
        stamped.collect()
    }

    /// Whether the table was not invalidated since the key was stamped.
    pub(super) fn is_current(&self, stamped: &StampedKey) -> bool {
        self.0.read().of(&stamped.key) == stamped.generation
    }
}

impl Latest {
    fn bump_all(&mut self) {
        self.last += 1;
        self.all = self.last;
        self.orgs.clear();
        self.tables.clear();
    }

    fn of(&self, key: &EntryKey) -> u64 {
        let org = self.orgs.get(&key.org).copied().unwrap_or(0);
        let table = if self.tables.is_empty() {
            None
        } else {
            self.tables.get(&(key.org, key.key.lookup_type.clone())).copied()
        };
        self.all.max(org).max(table.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use ig_core::id::Rid;
    use ig_core::lookup::LookupKey;

    use super::*;

    fn generation(generations: &Generations, org: i64, table: &str) -> u64 {
        let key = EntryKey {
            org: OrgId(org),
            entity: Rid(1),
            key: LookupKey {
                lookup_type: LookupType::new(table),
                source_id: "x".to_owned(),
            },
        };
        generations.stamp(vec![key])[0].generation
    }

    #[test]
    fn invalidation_touches_its_own_tables_alone() {
        let generations = Generations::default();
        let all = || [(1, "A"), (1, "B"), (2, "A")].map(|(org, table)| generation(&generations, org, table));
        let before = all();
        generations.bump(OrgId(1), Some(&LookupType::new("A")));
        let table = all();
        assert!(table[0] != before[0] && table[1..] == before[1..]);
        generations.bump(OrgId(1), None);
        let org = all();
        assert!(org[0] != table[0] && org[1] != table[1] && org[2] == table[2]);
        generations.bump_all();
        assert!(all().iter().zip(org).all(|(now, before)| *now != before));
    }

    #[test]
    fn too_many_generations_invalidate_all_rows_together() {
        let generations = Generations::default();
        let before = generation(&generations, 1, "kept");
        for n in 0..=MAX_GENERATIONS {
            generations.bump(OrgId(2), Some(&LookupType::new(n.to_string())));
        }
        assert_ne!(generation(&generations, 1, "kept"), before);
        assert!(generations.0.read().tables.is_empty());
    }
}
