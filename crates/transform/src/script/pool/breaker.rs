//! Disables scripts that had to be stopped too often.
//!
//! A run counts as stopped when its worker had to be killed, and also when the engine ended it at a limit: an endless loop costs other
//! tenants the same in both cases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::id::OrgId;

use super::principal::Principal;
use super::settings::PoolSettings;

/// The most scripts that are remembered as proven; beyond that all are forgotten and proven anew.
const MAX_PROVEN: usize = 10_000;

/// A script that is disabled, for an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisabledScript {
    /// Its organisation.
    pub org: OrgId,
    /// The hash of its source and kind, as [`Script::hash`](crate::script::Script::hash) has it.
    pub hash: Arc<str>,
    /// How many runs had to be stopped.
    pub stops: usize,
    /// How long it stays disabled, unless its source changes.
    pub cool_down: Duration,
}

/// Counts stopped runs by script.
#[derive(Debug)]
pub(super) struct Breaker {
    limit: usize,
    window: Duration,
    cool_down: Duration,
    stops: HashMap<(Principal, Arc<str>), Vec<Instant>>,
    disabled: HashMap<(Principal, Arc<str>), Instant>,
    last_stops: HashMap<Principal, Instant>,
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
            last_stops: HashMap::new(),
            proven: HashSet::new(),
        }
    }

    /// How much longer a script stays disabled.
    pub(super) fn disabled_for(&mut self, principal: Principal, key: &Arc<str>, now: Instant) -> Option<Duration> {
        if self.disabled.is_empty() {
            return None;
        }
        let script = (principal, key.clone());
        let since = *self.disabled.get(&script)?;
        let left = self.cool_down.checked_sub(now.saturating_duration_since(since));
        if left.is_none() {
            self.disabled.remove(&script);
        }
        left
    }

    /// Records a stopped run; returns the script if this stop disables it.
    pub(super) fn record_stop(&mut self, principal: Principal, key: &Arc<str>, now: Instant) -> Option<DisabledScript> {
        self.expire(now);
        self.last_stops.insert(principal, now);
        self.proven.remove(key);
        let script = (principal, key.clone());
        let stops = self.stops.entry(script.clone()).or_default();
        stops.push(now);
        if stops.len() < self.limit {
            return None;
        }
        let stops = self.stops.remove(&script).map_or(0, |stops| stops.len());
        // A run that was under way when the script was disabled adds nothing.
        if self.disabled.insert(script, now).is_some() {
            return None;
        }
        let hash = key.rsplit('/').next().unwrap_or(key).into();
        let cool_down = self.cool_down;
        Some(DisabledScript {
            org: principal.org,
            hash,
            stops,
            cool_down,
        })
    }

    /// Records a run that terminated by itself.
    pub(super) fn record_completion(&mut self, key: &Arc<str>) {
        if self.proven.contains(key) {
            return;
        }
        if self.proven.len() >= MAX_PROVEN {
            self.proven.clear();
        }
        self.proven.insert(key.clone());
    }

    /// Whether a run of the script has terminated by itself, and none had to be stopped since.
    pub(super) fn is_proven(&self, key: &Arc<str>) -> bool {
        self.proven.contains(key)
    }

    /// Whether a script of this tenant was stopped within the window.
    pub(super) fn is_suspect(&self, principal: Principal, now: Instant) -> bool {
        let last_stop = self.last_stops.get(&principal);
        last_stop.is_some_and(|at| now.saturating_duration_since(*at) < self.window)
    }

    fn expire(&mut self, now: Instant) {
        let (window, cool_down) = (self.window, self.cool_down);
        let within = |at: &Instant, span: Duration| now.saturating_duration_since(*at) < span;
        self.stops.retain(|_, stops| {
            stops.retain(|at| within(at, window));
            !stops.is_empty()
        });
        self.disabled.retain(|_, at| within(at, cool_down));
        self.last_stops.retain(|_, at| within(at, window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::call::Purpose;

    const ORG: Principal = Principal {
        org: OrgId(7),
        purpose: Purpose::Live,
    };

    fn breaker() -> (Breaker, Arc<str>, Instant) {
        (Breaker::new(&PoolSettings::default()), "7/abc".into(), Instant::now())
    }

    #[test]
    fn breaker_disables_a_script_at_its_third_stop_in_five_minutes_until_it_has_cooled_down() {
        let (mut breaker, key, start) = breaker();
        let minutes = |minutes: u64| start + Duration::from_mins(minutes);
        assert_eq!(breaker.record_stop(ORG, &key, start), None);
        assert_eq!(breaker.record_stop(ORG, &key, minutes(2)), None);
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(2)), None);
        let disabled = breaker.record_stop(ORG, &key, minutes(4)).unwrap();
        assert_eq!((&*disabled.hash, disabled.stops), ("abc", 3));
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(5)), Some(Duration::from_mins(14)));
        assert_eq!(breaker.disabled_for(ORG, &"7/other".into(), minutes(5)), None);
        assert_eq!(breaker.disabled_for(ORG, &key, minutes(20)), None);
        assert_eq!(
            breaker.record_stop(ORG, &key, minutes(20)),
            None,
            "earlier ones are forgotten"
        );
    }

    #[test]
    fn breaker_holds_a_script_proven_from_its_first_completion_until_it_has_to_be_stopped() {
        let (mut breaker, key, start) = breaker();
        assert!(!breaker.is_proven(&key));
        breaker.record_completion(&key);
        assert!(breaker.is_proven(&key));
        breaker.record_stop(ORG, &key, start);
        assert!(!breaker.is_proven(&key));
    }

    #[test]
    fn breaker_ignores_stops_that_lie_far_apart() {
        let (mut breaker, key, start) = breaker();
        for minutes in [0, 3, 6, 9, 12] {
            assert_eq!(breaker.record_stop(ORG, &key, start + Duration::from_mins(minutes)), None);
        }
        assert!(breaker.is_suspect(ORG, start + Duration::from_mins(13)));
        assert!(!breaker.is_suspect(ORG, start + Duration::from_mins(18)));
    }
}
