//! Which answers of the store still count.
//!
//! Every invalidation gives a table a new number. An answer carries the number that its table had when the store was asked, and
//! counts only while that is the table's number: so an answer that was under way when the table changed never counts, and an
//! invalidation costs the same however much is remembered.

use std::collections::HashMap;

use ig_core::id::{LookupType, OrgId};
use parking_lot::RwLock;

use super::entry::EntryKey;
use super::loads::Wanted;

/// Beyond so many numbers everything is forgotten at once instead.
const MOST_NUMBERS: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Generations(RwLock<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    last: u64,
    all: u64,
    orgs: HashMap<OrgId, u64>,
    tables: HashMap<(OrgId, LookupType), u64>,
}

impl Generations {
    pub(super) fn raise(&self, org: OrgId, lookup_type: Option<&LookupType>) {
        let mut numbers = self.0.write();
        numbers.last += 1;
        let number = numbers.last;
        match lookup_type {
            Some(lookup_type) => numbers.tables.insert((org, lookup_type.clone()), number),
            None => numbers.orgs.insert(org, number),
        };
        if numbers.orgs.len() + numbers.tables.len() > MOST_NUMBERS {
            numbers.raise_all();
        }
    }

    pub(super) fn raise_all(&self) {
        self.0.write().raise_all();
    }

    /// The keys with the numbers of their tables.
    pub(super) fn stamp(&self, keys: Vec<EntryKey>) -> Vec<Wanted> {
        let numbers = self.0.read();
        let stamped = keys.into_iter().map(|key| Wanted {
            generation: numbers.of(&key),
            key,
        });
        stamped.collect()
    }

    /// Whether nothing was invalidated since the key was stamped.
    pub(super) fn is_current(&self, wanted: &Wanted) -> bool {
        self.0.read().of(&wanted.key) == wanted.generation
    }
}

impl Numbers {
    fn raise_all(&mut self) {
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

    fn number(generations: &Generations, org: i64, table: &str) -> u64 {
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
    fn an_invalidation_touches_its_own_tables_alone() {
        let generations = Generations::default();
        let all = || [(1, "A"), (1, "B"), (2, "A")].map(|(org, table)| number(&generations, org, table));
        let before = all();
        generations.raise(OrgId(1), Some(&LookupType::new("A")));
        let table = all();
        assert!(table[0] != before[0] && table[1..] == before[1..]);
        generations.raise(OrgId(1), None);
        let org = all();
        assert!(org[0] != table[0] && org[1] != table[1] && org[2] == table[2]);
        generations.raise_all();
        assert!(all().iter().zip(org).all(|(now, before)| *now != before));
    }

    #[test]
    fn numbers_without_end_are_forgotten_together() {
        let generations = Generations::default();
        let before = number(&generations, 1, "kept");
        for n in 0..=MOST_NUMBERS {
            generations.raise(OrgId(2), Some(&LookupType::new(n.to_string())));
        }
        assert_ne!(number(&generations, 1, "kept"), before);
        assert!(generations.0.read().tables.is_empty());
    }
}
