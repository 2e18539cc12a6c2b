//! Successes that other processes do not know of yet.

use std::collections::HashSet;
use std::time::Duration;

use ig_core::id::IntegrationId;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Time between two flushes.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// The rest waits for the next flush.
const MAX_PER_FLUSH: usize = 1_000;

/// Integrations with a success since the last flush.
#[derive(Debug, Default)]
pub(super) struct SuccessBuffer(Mutex<Buffered>);

#[derive(Debug, Default)]
struct Buffered {
    integrations: HashSet<IntegrationId>,
    flushed_at: Option<Instant>,
}

impl SuccessBuffer {
    /// Adds an integration's success.
    pub(super) fn add(&self, id: IntegrationId) {
        self.0.lock().integrations.insert(id);
    }

    /// Whether there are successes, and the last flush is long enough ago.
    pub(super) fn is_flush_due(&self, now: Instant) -> bool {
        let buffered = self.0.lock();
        !buffered.integrations.is_empty()
            && buffered
                .flushed_at
                .is_none_or(|flushed_at| now.duration_since(flushed_at) >= FLUSH_INTERVAL)
    }

    /// Takes the next batch where a flush is due.
    pub(super) fn take_due(&self, now: Instant) -> Option<Vec<IntegrationId>> {
        if !self.is_flush_due(now) {
            return None;
        }
        let mut buffered = self.0.lock();
        buffered.flushed_at = Some(now);
        let flushed: Vec<_> = buffered.integrations.iter().copied().take(MAX_PER_FLUSH).collect();
        for id in &flushed {
            buffered.integrations.remove(id);
        }
        Some(flushed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_buffer_flushes_the_first_at_once_and_later_ones_together() {
        let (successes, id) = (SuccessBuffer::default(), |number| IntegrationId([number; 12]));
        let now = Instant::now();
        assert_eq!(successes.take_due(now), None);
        successes.add(id(1));
        assert_eq!(successes.take_due(now), Some(vec![id(1)]));
        successes.add(id(2));
        successes.add(id(3));
        assert_eq!(successes.take_due(now + FLUSH_INTERVAL / 2), None);
        let mut flushed = successes.take_due(now + FLUSH_INTERVAL).unwrap();
        flushed.sort();
        assert_eq!(flushed, [id(2), id(3)]);
    }
}
