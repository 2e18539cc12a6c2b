//! When a notice that was not sent is tried again.
//!
//! The law is that of dead letters: `min(base · 2^attempt, max)` give or take 20 %, and never earlier than the channel asked for.

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::fault::Faults;
use rand::Rng;

use super::outcome::SendError;

const BASE_MS: u64 = 5_000;
const MAX_MS: u64 = 300_000;
/// With these delays, a notice is given up after some six hours.
const MAX_RETRIES: u32 = 75;

/// What follows after a notice was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAttempt {
    /// It is tried again.
    At(Timestamp),
    /// It is given up: another channel should tell of it.
    GiveUp,
}

/// The retries of a notice where nothing else is configured: from 5 s to 5 min apart, for some six hours.
pub fn default_policy() -> Result<RetryPolicy, Faults> {
    RetryPolicy::new(BASE_MS, MAX_MS, MAX_RETRIES)
}

/// When a notice is tried again; `attempts_made` includes the attempt that has just failed.
pub fn next_attempt(
    error: &SendError,
    attempts_made: u32,
    policy: &RetryPolicy,
    now: Timestamp,
    rng: &mut impl Rng,
) -> NextAttempt {
    let requested = match error {
        SendError::Transient { retry_after, .. } => *retry_after,
        SendError::Permanent { .. } | SendError::Refused { .. } => return NextAttempt::GiveUp,
    };
    if attempts_made > policy.max_retries() {
        return NextAttempt::GiveUp;
    }
    let own = policy.backoff().delay(attempts_made.saturating_sub(1), rng);
    NextAttempt::At(now + requested.map_or(own, |requested| requested.max(own)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn next(error: &SendError, attempts: u32) -> Option<Duration> {
        let policy = RetryPolicy::new(1_000, 60_000, 5).unwrap();
        let now = Timestamp::default();
        match next_attempt(error, attempts, &policy, now, &mut StdRng::seed_from_u64(1)) {
            NextAttempt::At(at) => Some((at - now).to_std().unwrap()),
            NextAttempt::GiveUp => None,
        }
    }

    #[test]
    fn notice_is_retried_with_growing_delays_and_then_given_up() {
        let error = SendError::transient("away");
        for (attempts, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0)] {
            let delay = next(&error, attempts).unwrap().as_secs_f64();
            assert!((seconds * 0.8..=seconds * 1.2).contains(&delay), "{delay}");
        }
        assert_eq!(next(&error, 6), None);
    }

    #[test]
    fn notice_is_not_retried_before_the_time_that_a_channel_asks_for() {
        let error = SendError::Transient {
            why: "slow down".to_owned(),
            retry_after: Some(Duration::from_secs(30)),
        };
        assert_eq!(next(&error, 1), Some(Duration::from_secs(30)));
        assert!(next(&error, 5).unwrap() >= Duration::from_secs(30));
    }

    #[test]
    fn notice_that_is_refused_is_given_up_at_once() {
        let blocked = SendError::Refused {
            why: "private".to_owned(),
        };
        assert_eq!((next(&SendError::permanent("no"), 1), next(&blocked, 1)), (None, None));
    }

    #[test]
    fn default_policy_outlasts_hours_without_a_mail_server() {
        let policy = default_policy().unwrap();
        let slowest = (0..policy.max_retries())
            .map(|attempt| (5.0 * f64::from(attempt).exp2()).min(300.0))
            .sum::<f64>();
        assert!(slowest > 4.0 * 3_600.0, "{slowest}");
    }
}
