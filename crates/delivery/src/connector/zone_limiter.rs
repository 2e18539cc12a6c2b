//! Limits concurrent look-ups per zone, so that a zone with silent servers takes its own share alone.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Cached names and look-ups that are already running do not count, so this is generous.
const MAX_LOOKUPS_PER_ZONE: usize = 128;

/// The number of running look-ups of each zone.
#[derive(Debug, Default)]
pub(super) struct ZoneLimiter(Mutex<HashMap<String, usize>>);

/// Counts as one look-up of its zone until it is dropped.
#[derive(Debug)]
pub(super) struct LookupPermit<'a> {
    limiter: &'a ZoneLimiter,
    zone: String,
}

impl ZoneLimiter {
    /// A permit to look a name up; `None` where its zone has reached the limit.
    pub(super) fn try_acquire(&self, name: &str) -> Option<LookupPermit<'_>> {
        let zone = zone(name).to_owned();
        let mut lookups = self.0.lock();
        let count = lookups.entry(zone.clone()).or_default();
        if *count >= MAX_LOOKUPS_PER_ZONE {
            return None;
        }
        *count += 1;
        Some(LookupPermit { limiter: self, zone })
    }
}

impl Drop for LookupPermit<'_> {
    fn drop(&mut self) {
        let mut lookups = self.limiter.0.lock();
        if let Some(count) = lookups.get_mut(&self.zone) {
            *count -= 1;
            if *count == 0 {
                lookups.remove(&self.zone);
            }
        }
    }
}

/// The last two labels of a name: approximately what one party registers.
fn zone(name: &str) -> &str {
    name.rmatch_indices('.').nth(1).map_or(name, |(at, _)| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_limiter_bounds_one_zone_and_leaves_the_others_alone() {
        let limiter = ZoneLimiter::default();
        let acquire = |name: String| limiter.try_acquire(&name);
        let mut permits: Vec<_> = (0..MAX_LOOKUPS_PER_ZONE)
            .map(|at| acquire(format!("h{at}.silent.example")).unwrap())
            .collect();
        assert!(acquire("another.a.silent.example".to_owned()).is_none());
        assert!(acquire("api.partner.example".to_owned()).is_some());
        permits.pop();
        assert!(acquire("another.silent.example".to_owned()).is_some());
        drop(permits);
        assert!(limiter.0.lock().is_empty());
    }

    #[test]
    fn zone_is_the_last_two_labels_of_a_name() {
        for (name, expected) in [
            ("printer", "printer"),
            ("silent.example", "silent.example"),
            ("a.b.silent.example", "silent.example"),
        ] {
            assert_eq!(zone(name), expected);
        }
    }
}
