//! How many names of one zone are looked up at a time: a zone that nobody answers for takes its own room alone.

use std::collections::HashMap;

use parking_lot::Mutex;

/// As many names of one zone are looked up at once. Names that are known, and those that somebody else is looking up already, are not many.
const MOST: usize = 128;

/// The zones of which names are being looked up, each with how many.
#[derive(Debug, Default)]
pub(super) struct Zones(Mutex<HashMap<String, usize>>);

/// A name that is being looked up, until this is dropped.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    zones: &'a Zones,
    zone: String,
}

impl Zones {
    /// Begins to look a name up; nothing where enough of its zone are.
    pub(super) fn enter(&self, name: &str) -> Option<Lookup<'_>> {
        let zone = zone(name).to_owned();
        let mut under_way = self.0.lock();
        let count = under_way.entry(zone.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Lookup { zones: self, zone })
    }
}

impl Drop for Lookup<'_> {
    fn drop(&mut self) {
        let mut under_way = self.zones.0.lock();
        if let Some(count) = under_way.get_mut(&self.zone) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.zone);
            }
        }
    }
}

/// The last two labels of a name: what somebody owns, or a little more.
fn zone(name: &str) -> &str {
    name.rmatch_indices('.').nth(1).map_or(name, |(at, _)| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_full_leaves_the_others_alone_and_has_room_again() {
        let zones = Zones::default();
        let enter = |name: String| zones.enter(&name);
        let mut looking: Vec<_> = (0..MOST).map(|at| enter(format!("h{at}.silent.example")).unwrap()).collect();
        assert!(enter("another.a.silent.example".to_owned()).is_none());
        assert!(enter("api.partner.example".to_owned()).is_some());
        looking.pop();
        assert!(enter("another.silent.example".to_owned()).is_some());
        drop(looking);
        assert!(zones.0.lock().is_empty());
    }

    #[test]
    fn a_zone_is_the_end_of_a_name() {
        for (name, expected) in [
            ("printer", "printer"),
            ("silent.example", "silent.example"),
            ("a.b.silent.example", "silent.example"),
        ] {
            assert_eq!(zone(name), expected);
        }
    }
}
