use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::id::OrgId;
use crate::outcome::ErrorCategory;

const LOG: LogId = LogId([9; 12]);

fn at(ms: i64) -> Timestamp {
    Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::milliseconds(ms)
}

fn claim(number: usize) -> ClaimId {
    ClaimId(format!("c{number}"))
}

fn failed(category: ErrorCategory) -> RetryResult {
    RetryResult::Failed(Failure::new(category, "The target answered 500."))
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn claimed() -> RetryProgress {
    RetryProgress::pending(at(0))
        .claimed(claim(1), Duration::ZERO, at(0))
        .unwrap()
}

fn settle(progress: &RetryProgress, result: RetryResult, policy: &RetryPolicy) -> RetrySettlement {
    progress.settled(&claim(1), result, policy, at(0), &mut rng()).unwrap()
}

#[test]
fn the_first_retry_of_a_dead_letter_follows_the_policy_with_jitter() {
    let policy = RetryPolicy::new(60_000, 600_000, 3).unwrap();
    let mut rng = StdRng::seed_from_u64(7);
    let delays: Vec<_> = (0..20).map(|_| policy.first_delay(None, &mut rng)).collect();
    let within = Duration::from_secs(48)..=Duration::from_secs(72);
    assert!(delays.iter().all(|delay| within.contains(delay)), "{delays:?}");
    assert!(delays.windows(2).all(|pair| pair[0] != pair[1]), "{delays:?}");
    let asked = policy.first_delay(Some(Duration::from_mins(5)), &mut rng);
    assert!(asked > Duration::from_mins(5) && asked < Duration::from_mins(7), "{asked:?}");
}

#[test]
fn a_dead_letter_is_retried_with_growing_delays_then_given_up_with_an_alert() {
    let policy = RetryPolicy::new(60_000, 600_000, 3).unwrap();
    let (mut progress, mut now) = (RetryProgress::pending(at(0)), at(0));
    for expected in [120, 240] {
        let held = progress.claimed(claim(1), Duration::ZERO, now).unwrap();
        let settlement = held
            .settled(&claim(1), failed(ErrorCategory::ServerError), &policy, now, &mut rng())
            .unwrap();
        assert!(!settlement.given_up);
        let DeadLetterState::Pending { due_at } = settlement.after.state else {
            panic!()
        };
        let wait = (due_at - now).as_seconds_f64();
        assert!(
            (f64::from(expected) * 0.8..=f64::from(expected) * 1.2).contains(&wait),
            "{wait}"
        );
        (progress, now) = (settlement.after, due_at);
    }
    let held = progress.claimed(claim(1), Duration::ZERO, now).unwrap();
    let last = settle(&held, failed(ErrorCategory::ServerError), &policy);
    assert!(last.given_up);
    let reason = "It was tried again 3 times. The last time: The target answered 500.".to_owned();
    assert_eq!(last.after.state, DeadLetterState::Abandoned { reason });
    assert!(!last.after.is_due(at(1_000_000_000)));
}

#[test]
fn a_dead_letter_that_would_be_refused_again_is_given_up_at_once() {
    let settlement = settle(&claimed(), failed(ErrorCategory::ClientError), &RetryPolicy::default());
    assert_eq!(
        (settlement.given_up, settlement.after.state.status()),
        (true, DeadLetterStatus::Abandoned)
    );
    let reason = "The integration was deleted.".to_owned();
    let impossible = settle(
        &claimed(),
        RetryResult::Impossible { reason: reason.clone() },
        &RetryPolicy::default(),
    );
    assert_eq!(impossible.after.state, DeadLetterState::Abandoned { reason });
}

#[test]
fn a_resolved_dead_letter_is_linked_to_its_log_and_stays_so() {
    let resolved = settle(&claimed(), RetryResult::Delivered { log: LOG }, &RetryPolicy::default()).after;
    assert_eq!(resolved.state, DeadLetterState::Resolved { log: LOG });
    assert_eq!(
        (resolved.is_due(at(9_999_999)), resolved.with_manual_retry(at(0))),
        (false, None)
    );
}

#[test]
fn a_retry_that_was_not_tried_does_not_count() {
    let settlement = settle(&claimed(), RetryResult::NotTried { until: at(5000) }, &RetryPolicy::default());
    assert_eq!(settlement.after, RetryProgress::pending(at(5000)));
    assert_eq!(claimed().released(&claim(1), at(7)), Ok(RetryProgress::pending(at(7))));
}

#[test]
fn a_retry_waits_as_long_as_the_target_asked() {
    let mut failure = Failure::new(ErrorCategory::RateLimit, "slow down");
    failure.retry_after = Some(Duration::from_hours(1));
    let settlement = settle(&claimed(), RetryResult::Failed(failure), &RetryPolicy::default());
    assert_eq!(settlement.after.state, DeadLetterState::Pending { due_at: at(3_600_000) });
}

#[test]
fn a_dead_letters_claim_ends_with_its_lease_and_a_superseded_holder_is_refused() {
    let held = RetryProgress::pending(at(0))
        .claimed(claim(1), Duration::from_secs(10), at(0))
        .unwrap();
    assert_eq!(held.claimed(claim(2), Duration::ZERO, at(39_999)), None);
    assert!(
        held.renewed(&claim(1), at(39_000))
            .unwrap()
            .claimed(claim(2), Duration::ZERO, at(68_999))
            .is_none()
    );
    let taken = held.claimed(claim(2), Duration::ZERO, at(40_000)).unwrap();
    assert_eq!(taken.renewed(&claim(1), at(40_000)), Err(ClaimLost));
    let late = taken.settled(
        &claim(1),
        RetryResult::Delivered { log: LOG },
        &RetryPolicy::default(),
        at(40_000),
        &mut rng(),
    );
    assert_eq!(late, Err(ClaimLost));
    assert_eq!(taken.retries, 0, "a retry that nobody knows the end of does not count");
}

#[test]
fn a_manual_retry_grants_one_more_attempt_and_no_series() {
    let given_up = settle(&claimed(), failed(ErrorCategory::ClientError), &RetryPolicy::default()).after;
    let wanted = given_up.with_manual_retry(at(50)).unwrap();
    assert!(wanted.is_due(at(50)) && wanted.manual);
    let exhausted = RetryProgress { retries: 3, ..wanted };
    let held = exhausted.claimed(claim(1), Duration::ZERO, at(50)).unwrap();
    let after = settle(&held, failed(ErrorCategory::ServerError), &RetryPolicy::default()).after;
    assert_eq!(
        (after.state.status(), after.manual, after.retries),
        (DeadLetterStatus::Abandoned, false, 4)
    );
    assert_eq!(claimed().with_manual_retry(at(0)), None, "it is being tried already");
}

#[test]
fn a_held_dead_letter_is_claimed_only_once_a_person_retries_it() {
    let held = RetryProgress {
        state: DeadLetterState::Held,
        ..RetryProgress::pending(at(0))
    };
    assert_eq!(held.state.status(), DeadLetterStatus::PendingRetry);
    assert_eq!(held.claimed(claim(1), Duration::ZERO, at(9_999_999)), None);
    let wanted = held.with_manual_retry(at(50)).unwrap();
    assert!(wanted.claimed(claim(1), Duration::ZERO, at(50)).is_some());
}

#[test]
fn faults_of_a_retry_policy_are_reported_by_place() {
    let faults = RetryPolicy::new(0, 700_000_000, 0).unwrap_err();
    let places: Vec<_> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(places, ["/baseMs", "/maxMs", "/maxRetries"]);
}

fn due_letters() -> impl Strategy<Value = Vec<DueDeadLetter>> {
    let letter = (0i64..12, 0i64..1000);
    prop::collection::vec(letter, 0..300).prop_map(|all| {
        let numbered = all.into_iter().zip(0u64..);
        let letter = |((org, due), number): ((i64, i64), u64)| {
            let mut id = [0; 12];
            id[4..].copy_from_slice(&number.to_be_bytes());
            DueDeadLetter {
                org_id: OrgId(org * org),
                due_at: at(due),
                id: LogId(id),
            }
        };
        numbered.map(letter).collect()
    })
}

fn by_org(due_letters: &[DueDeadLetter]) -> BTreeMap<OrgId, usize> {
    due_letters.iter().fold(BTreeMap::new(), |mut counts, letter| {
        *counts.entry(letter.org_id).or_default() += 1;
        counts
    })
}

/// No tenant with more due got less than another, give or take the last place.
fn is_fair(due: &BTreeMap<OrgId, usize>, got: &BTreeMap<OrgId, usize>) -> bool {
    let most = got.values().copied().max().unwrap_or(0);
    let share = |org| got.get(org).copied().unwrap_or(0);
    due.iter().all(|(org, due)| share(org) == *due || share(org) + 1 >= most)
}

proptest! {
    #[test]
    fn due_dead_letters_are_picked_in_turn_and_the_oldest_first(due in due_letters(), most in 0usize..80) {
        let picked = pick_round_robin(due.clone(), most);
        prop_assert_eq!(picked.len(), most.min(due.len()));
        prop_assert!(is_fair(&by_org(&due), &by_org(&picked)));
        for org in by_org(&due).into_keys() {
            let mut own: Vec<_> = due.iter().filter(|c| c.org_id == org).copied().collect();
            own.sort_by_key(|c| (c.due_at, c.id));
            let got: Vec<_> = picked.iter().filter(|c| c.org_id == org).copied().collect();
            prop_assert_eq!(&got[..], &own[..got.len()]);
        }
    }

    #[test]
    fn tenants_shares_are_fair_use_everything_and_change_with_the_turn(due in due_letters(), most in 0usize..80, turn in 0i64..150) {
        let counts = by_org(&due);
        let shares = split_by_org(&counts, most, OrgId(turn));
        prop_assert_eq!(shares.values().sum::<usize>(), most.min(due.len()));
        prop_assert!(is_fair(&counts, &shares));
        let next = counts.range(OrgId(turn)..).next().or(counts.iter().next());
        prop_assert!(most == 0 || next.is_none_or(|(org, _)| shares.contains_key(org)));
    }

    /// Any sequence of claims, crashes, results and manual retries: one holder at a time, and never more retries than allowed
    /// without a person.
    #[test]
    fn a_dead_letter_has_one_holder_and_keeps_its_retry_budget_whatever_happens(steps in prop::collection::vec((0u8..6, 0i64..50_000), 0..200), max in 1u32..6) {
        let policy = RetryPolicy::new(1_000, 5_000, max).unwrap();
        let (mut progress, mut now, mut claims, mut manual) = (RetryProgress::pending(at(0)), 0, 0, 0);
        for (what, pause) in steps {
            now += pause;
            let holder = claim(claims);
            let settle = |progress: &RetryProgress, retried| {
                progress.settled(&holder, retried, &policy, at(now), &mut rng()).map(|settlement| settlement.after)
            };
            let before = progress.clone();
            progress = match what {
                0 | 1 => match before.claimed(claim(claims + 1), Duration::ZERO, at(now)) {
                    Some(claimed) => { claims += 1; claimed }
                    None => before.clone(),
                },
                2 => settle(&before, failed(ErrorCategory::Network)).unwrap_or(before.clone()),
                3 => settle(&before, RetryResult::NotTried { until: at(now + 100) }).unwrap_or(before.clone()),
                4 => settle(&before, RetryResult::Delivered { log: LOG }).unwrap_or(before.clone()),
                _ => match before.with_manual_retry(at(now)) {
                    Some(wanted) => { manual += 1; wanted }
                    None => before.clone(),
                },
            };
            prop_assert!(progress.retries <= max + manual);
            let stale = claim(claims + 7);
            prop_assert_eq!(progress.renewed(&stale, at(now)), Err(ClaimLost));
            if let DeadLetterState::Resolved { .. } = before.state { prop_assert_eq!(&progress, &before) }
        }
    }
}
