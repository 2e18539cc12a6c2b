//! Remembers whose scripts had to be stopped, and runs them no more when it happened too often.
//!
//! Stopped is a run whose worker had to be killed, and also one that the engine ended at a limit: an endless loop costs others the same,
//! whichever is met first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::id::OrgId;

use super::party::Party;
use super::settings::PoolSettings;

/// Of how many scripts it is remembered that they have ended; then it is found out anew.
const PROVEN: usize = 10_000;

/// A script that is disabled, for an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// Whose it is.
    pub org: OrgId,
    /// The hash of its source and kind, as [`Script::hash`](crate::script::Script::hash) has it.
    pub hash: Arc<str>,
    /// How often it had to be stopped.
    pub stops: usize,
    /// For how long it is disabled, unless its source changes.
    pub cool_down: Duration,
}

/// Stops by script.
#[derive(Debug)]
pub(super) struct Breaker {
    limit: usize,
    window: Duration,
    cool_down: Duration,
    stops: HashMap<(Party, Arc<str>), Vec<Instant>>,
    disabled: HashMap<(Party, Arc<str>), Instant>,
    suspects: HashMap<Party, Instant>,
    proven: HashSet<Arc<str>>,
}

impl Breaker {
    pub(super) fn new(settings: &PoolSettings) -> Self {
        Self {
            limit: settings.stops,
            window: settings.stop_window,
            cool_down: settings.cool_down,
            stops: HashMap::new(),
            disabled: HashMap::new(),
            suspects: HashMap::new(),
            proven: HashSet::new(),
        }
    }

    /// For how long a script is still disabled.
    pub(super) fn disabled_for(&mut self, party: Party, key: &Arc<str>, now: Instant) -> Option<Duration> {
        if self.disabled.is_empty() {
            return None;
        }
        let script = (party, key.clone());
        let since = *self.disabled.get(&script)?;
        let left = self.cool_down.checked_sub(now.saturating_duration_since(since));
        if left.is_none() {
            self.disabled.remove(&script);
        }
        left
    }

    /// Takes note of a run that was stopped; tells of the script if this one disables it.
    pub(super) fn stopped(&mut self, party: Party, key: &Arc<str>, now: Instant) -> Option<Disabled> {
        self.forget(now);
        self.suspects.insert(party, now);
        self.proven.remove(key);
        let script = (party, key.clone());
        let stops = self.stops.entry(script.clone()).or_default();
        stops.push(now);
        if stops.len() < self.limit {
            return None;
        }
        let stops = self.stops.remove(&script).map_or(0, |stops| stops.len());
        // A run that was under way when it was disabled tells nothing new.
        if self.disabled.insert(script, now).is_some() {
            return None;
        }
        let hash = key.rsplit('/').next().unwrap_or(key).into();
        let cool_down = self.cool_down;
        Some(Disabled {
            org: party.org,
            hash,
            stops,
            cool_down,
        })
    }

    /// Takes note of a run that ended by itself.
    pub(super) fn ended(&mut self, key: &Arc<str>) {
        if self.proven.contains(key) {
            return;
        }
        if self.proven.len() >= PROVEN {
            self.proven.clear();
        }
        self.proven.insert(key.clone());
    }

    /// Whether the script has ended by itself, and has not had to be stopped since.
    pub(super) fn is_proven(&self, key: &Arc<str>) -> bool {
        self.proven.contains(key)
    }

    /// Whether a script of this tenant was stopped lately.
    pub(super) fn suspects(&self, party: Party, now: Instant) -> bool {
        let stopped = self.suspects.get(&party);
        stopped.is_some_and(|stopped| now.saturating_duration_since(*stopped) < self.window)
    }

    fn forget(&mut self, now: Instant) {
        let (window, cool_down) = (self.window, self.cool_down);
        let within = |at: &Instant, span: Duration| now.saturating_duration_since(*at) < span;
        self.stops.retain(|_, stops| {
            stops.retain(|at| within(at, window));
            !stops.is_empty()
        });
        self.disabled.retain(|_, at| within(at, cool_down));
        self.suspects.retain(|_, at| within(at, window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::call::Purpose;

    const ORG: Party = Party {
        org: OrgId(7),
        purpose: Purpose::Live,
    };

    fn breaker() -> (Breaker, Arc<str>, Instant) {
        (Breaker::new(&PoolSettings::default()), "7/abc".into(), Instant::now())
    }

    #[test]
    fn three_stops_in_five_minutes_disable_a_script_until_it_has_cooled_down() {
        let (mut breaker, key, start) = breaker();
        let minutes = |minutes: u64| start + Duration::from_mins(minutes);
        assert_eq!(breaker.stopped(ORG, &key, start), None);
        assert_eq!(breaker.stopped(ORG, &key, minutes(2)), None);
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(2)), None);
        let disabled = breaker.stopped(ORG, &key, minutes(4)).unwrap();
        assert_eq!((&*disabled.hash, disabled.stops), ("abc", 3));
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(5)), Some(Duration::from_mins(14)));
        assert_eq!(breaker.disabled_for(ORG, &"7/other".into(), minutes(5)), None);
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(20)), None);
        assert_eq!(breaker.stopped(ORG, &key, minutes(20)), None, "earlier ones are forgotten");
    }

    #[test]
    fn a_script_is_proven_from_its_first_end_until_it_has_to_be_stopped() {
        let (mut breaker, key, start) = breaker();
        assert!(!breaker.is_proven(&key));
        breaker.ended(&key);
        assert!(breaker.is_proven(&key));
        breaker.stopped(ORG, &key, start);
        assert!(!breaker.is_proven(&key));
    }

    #[test]
    fn stops_that_lie_far_apart_disable_nothing() {
        let (mut breaker, key, start) = breaker();
        for minutes in [0, 3, 6, 9, 12] {
            assert_eq!(breaker.stopped(ORG, &key, start + Duration::from_mins(minutes)), None);
        }
        assert!(breaker.suspects(ORG, start + Duration::from_mins(13)));
        assert!(!breaker.suspects(ORG, start + Duration::from_mins(18)));
    }
}
