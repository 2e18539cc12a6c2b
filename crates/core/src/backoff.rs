//! How long to wait before a retry, and when to stop retrying.

use std::time::Duration;

use rand::Rng;

use crate::outcome::Failure;

/// The longest `Retry-After` that a lane waits out; a longer one goes through the dead letters.
pub const MAX_WAIT_IN_LANE: Duration = Duration::from_mins(1);

/// Exponential backoff: `min(base · 2^attempt, max)`, give or take 20 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay before the first retry.
    pub base: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            max: Duration::from_secs(5),
        }
    }
}

impl Backoff {
    /// The delay before retry number `attempt`, counted from 0.
    pub fn delay(&self, attempt: u32, rng: &mut impl Rng) -> Duration {
        let factor = 2u32.saturating_pow(attempt.min(31));
        let exact = self.base.saturating_mul(factor).min(self.max);
        exact.mul_f64(rng.random_range(0.8..=1.2))
    }
}

/// What a lane does after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Retry after this delay.
    RetryIn(Duration),
    /// Leave a dead letter that is due after this time (`None`: after dlq-retrier's own backoff).
    DeadLetter {
        /// The delay that the target requested.
        due_in: Option<Duration>,
    },
    /// The target would refuse it again: record it and go on.
    GiveUp,
}

/// The retry policy of a lane; `attempts_made` includes the attempt that has just failed.
pub fn retry_decision(
    failure: &Failure,
    attempts_made: u32,
    attempts_allowed: u32,
    backoff: &Backoff,
    rng: &mut impl Rng,
) -> RetryDecision {
    if !failure.category.retryable() {
        return RetryDecision::GiveUp;
    }
    let requested = failure.retry_after;
    if attempts_made >= attempts_allowed || requested.is_some_and(|wait| wait > MAX_WAIT_IN_LANE) {
        return RetryDecision::DeadLetter { due_in: requested };
    }
    let own = backoff.delay(attempts_made.saturating_sub(1), rng);
    RetryDecision::RetryIn(requested.map_or(own, |wait| wait.max(own)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::outcome::ErrorCategory;

    proptest! {
        #[test]
        fn a_backoff_delay_stays_within_a_fifth_of_the_law(attempt in 0u32..100, base_ms in 1u64..10_000, max_ms in 1u64..600_000, seed: u64) {
            let backoff = Backoff { base: Duration::from_millis(base_ms), max: Duration::from_millis(max_ms) };
            let doubled = base_ms.saturating_mul(1 << attempt.min(40));
            let exact = Duration::from_millis(doubled.min(max_ms)).as_secs_f64();
            let delay = backoff.delay(attempt, &mut StdRng::seed_from_u64(seed)).as_secs_f64();
            prop_assert!(delay >= exact * 0.799 && delay <= exact * 1.201, "{delay} for {exact}");
        }

        #[test]
        fn a_lane_never_retries_earlier_than_the_target_requested(wait in 0u64..=60, attempts in 1u32..3, seed: u64) {
            let mut failure = Failure::new(ErrorCategory::RateLimit, "slow down");
            failure.retry_after = Some(Duration::from_secs(wait));
            let next = retry_decision(&failure, attempts, 3, &Backoff::default(), &mut StdRng::seed_from_u64(seed));
            prop_assert!(matches!(next, RetryDecision::RetryIn(delay) if delay >= Duration::from_secs(wait)));
        }
    }

    #[test]
    fn a_retry_after_of_more_than_a_minute_goes_through_the_dead_letters() {
        let mut failure = Failure::new(ErrorCategory::RateLimit, "slow down");
        failure.retry_after = Some(Duration::from_secs(61));
        let next = retry_decision(&failure, 1, 3, &Backoff::default(), &mut StdRng::seed_from_u64(1));
        assert_eq!(
            next,
            RetryDecision::DeadLetter {
                due_in: Some(Duration::from_secs(61))
            }
        );
    }

    #[test]
    fn a_refusal_is_never_retried() {
        let failure = Failure::new(ErrorCategory::ClientError, "no");
        assert_eq!(
            retry_decision(&failure, 1, 3, &Backoff::default(), &mut StdRng::seed_from_u64(1)),
            RetryDecision::GiveUp
        );
    }

    #[test]
    fn the_last_attempt_leaves_a_dead_letter() {
        let failure = Failure::new(ErrorCategory::ServerError, "500");
        assert_eq!(
            retry_decision(&failure, 3, 3, &Backoff::default(), &mut StdRng::seed_from_u64(1)),
            RetryDecision::DeadLetter { due_in: None }
        );
    }
}
