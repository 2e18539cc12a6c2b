//! Successes that other processes have not been told of.

use std::collections::HashSet;
use std::time::Duration;

use ig_core::id::IntegrationId;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long successes are gathered.
const BETWEEN: Duration = Duration::from_secs(1);
/// So many are told at once at the most; the others are told with the next.
const MOST: usize = 1_000;

/// The integrations that had one, and when they were told last.
#[derive(Debug, Default)]
pub(super) struct Successes(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    integrations: HashSet<IntegrationId>,
    told_at: Option<Instant>,
}

impl Successes {
    /// Notes one.
    pub(super) fn gather(&self, id: IntegrationId) {
        self.0.lock().integrations.insert(id);
    }

    /// Whether it is time to tell of them.
    pub(super) fn are_due(&self, now: Instant) -> bool {
        let gathered = self.0.lock();
        !gathered.integrations.is_empty() && gathered.told_at.is_none_or(|told_at| now.duration_since(told_at) >= BETWEEN)
    }

    /// What is to be told now, where it is time.
    pub(super) fn due(&self, now: Instant) -> Option<Vec<IntegrationId>> {
        if !self.are_due(now) {
            return None;
        }
        let mut gathered = self.0.lock();
        gathered.told_at = Some(now);
        let told: Vec<_> = gathered.integrations.iter().copied().take(MOST).collect();
        for id in &told {
            gathered.integrations.remove(id);
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_what_follows_within_a_second_together() {
        let (successes, id) = (Successes::default(), |number| IntegrationId([number; 12]));
        let now = Instant::now();
        assert_eq!(successes.due(now), None);
        successes.gather(id(1));
        assert_eq!(successes.due(now), Some(vec![id(1)]));
        successes.gather(id(2));
        successes.gather(id(3));
        assert_eq!(successes.due(now + BETWEEN / 2), None);
        let mut told = successes.due(now + BETWEEN).unwrap();
        told.sort();
        assert_eq!(told, [id(2), id(3)]);
    }
}
