use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;

use super::*;
use crate::id::{EventId, IntegrationId, SourceId};

fn wait() -> BreakerPolicy {
    BreakerPolicy::new(Some(60)).unwrap()
}

fn at(second: i64) -> Timestamp {
    Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

fn message(number: u32) -> MessageId {
    let event = EventId::new(number.to_string());
    MessageId::derive(&SourceId::new("mysql"), &event, IntegrationId([7; 12]), 0)
}

fn failed(number: u32) -> Outcome {
    Outcome {
        message: message(number),
        ended: Ended::Failed("The target answered 500.".to_owned()),
        probe: None,
    }
}

fn delivered(number: u32) -> Outcome {
    Outcome {
        ended: Ended::Delivered,
        ..failed(number)
    }
}

fn stored(before: &Breaker, transition: Transition) -> Breaker {
    match transition {
        Transition::Unchanged => before.clone(),
        Transition::Counted(after) | Transition::Opened(after) | Transition::Closed(after) | Transition::StillOpen(after) => {
            after
        }
    }
}

fn through(outcomes: &[Outcome]) -> Breaker {
    let step = |breaker: Breaker, (second, outcome): (i64, &Outcome)| {
        let transition = breaker.after(outcome, at(second));
        stored(&breaker, transition)
    };
    (0..).zip(outcomes).fold(Breaker::default(), step)
}

fn opened() -> Breaker {
    through(&[1, 2, 3, 4, 5].map(failed))
}

#[test]
fn breaker_opens_at_the_fifth_failure_in_a_row_and_holds_everything_after() {
    let four = through(&[1, 2, 3, 4].map(failed));
    assert_eq!(four.admit(BreakerPolicy::default(), at(4)), Admission::Send);
    let Transition::Opened(open) = four.after(&failed(5), at(4)) else {
        panic!("it did not open");
    };
    assert_eq!(open.admit(BreakerPolicy::default(), at(1_000_000)), Admission::Hold);
    assert_eq!(
        open.after(&delivered(9), at(5)),
        Transition::Unchanged,
        "a straggler closes nothing"
    );
    let Circuit::Open(opened) = &open.circuit else { panic!() };
    assert_eq!(
        opened.reason,
        "5 deliveries failed in a row. The last one: The target answered 500."
    );
}

#[test]
fn enabling_restarts_the_breakers_count_and_a_message_may_count_again() {
    let enabled = opened().enabled();
    assert_eq!(
        (enabled.admit(BreakerPolicy::default(), at(9)), enabled.version),
        (Admission::Send, 6)
    );
    assert!(matches!(enabled.after(&failed(1), at(9)), Transition::Counted(_)));
}

#[test]
fn breaker_sends_one_probe_at_a_time_and_a_dead_prober_blocks_only_for_its_lease() {
    let open = opened();
    assert_eq!(open.admit(wait(), at(63)), Admission::Hold);
    assert_eq!(open.admit(wait(), at(64)), Admission::Probe);
    let timeout = Duration::from_secs(10);
    let (first, half) = open.claim_probe(wait(), "w1", message(9), timeout, at(64)).unwrap();
    assert_eq!(half.claim_probe(wait(), "w2", message(9), timeout, at(103)), None);
    let (second, other) = half.claim_probe(wait(), "w2", message(9), timeout, at(104)).unwrap();
    assert_ne!(first, second);
    let of = |probe, outcome| Outcome {
        probe: Some(probe),
        ..outcome
    };
    assert_eq!(other.after(&of(first, delivered(9)), at(105)), Transition::Unchanged);
    assert_eq!(other.after(&delivered(9), at(105)), Transition::Unchanged);
    assert!(matches!(other.after(&of(second, delivered(9)), at(105)), Transition::Closed(after) if after == other.enabled()));
    let Transition::StillOpen(again) = other.after(&of(second, failed(9)), at(105)) else {
        panic!("a probe that failed leaves it open");
    };
    assert_eq!(again.admit(wait(), at(164)), Admission::Hold, "the wait begins anew");
    assert_eq!(again.admit(wait(), at(165)), Admission::Probe);
}

#[test]
fn an_inconclusive_probe_leaves_its_turn_to_the_next() {
    let open = opened();
    let timeout = Duration::from_secs(10);
    let (first, half) = open.claim_probe(wait(), "w1", message(9), timeout, at(64)).unwrap();
    let untold = |probe| Outcome {
        ended: Ended::Untold,
        probe,
        ..failed(9)
    };
    assert_eq!(half.after(&untold(None), at(65)), Transition::Unchanged);
    let Transition::StillOpen(again) = half.after(&untold(Some(first)), at(65)) else {
        panic!("it is open, and nobody's turn");
    };
    assert_eq!(again.admit(wait(), at(65)), Admission::Probe);
    assert_eq!(
        through(&[1, 2, 3, 4].map(failed)).after(&untold(None), at(4)),
        Transition::Unchanged
    );
}

#[test]
fn breaker_drops_failures_before_a_success_that_another_process_reported() {
    let four = through(&[1, 2, 3, 4].map(failed));
    let told = Breaker {
        delivered_at: Some(at(9)),
        ..four
    };
    let Transition::Counted(counted) = told.after(&failed(5), at(10)) else {
        panic!("it opened")
    };
    assert_eq!(counted.row.len(), 1);
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let outcome = (0u32..40, prop::bool::weighted(0.2)).prop_map(|(n, good)| if good { delivered(n) } else { failed(n) });
    prop::collection::vec(outcome, 0..400)
}

proptest! {
    #[test]
    fn breaker_opens_exactly_when_five_uncounted_messages_have_failed(outcomes in outcomes()) {
        let (mut breaker, mut counted, mut row) = (Breaker::default(), BTreeSet::new(), 0);
        for (second, outcome) in (0..).zip(&outcomes) {
            match outcome.ended {
                Ended::Delivered => row = 0,
                Ended::Failed(_) => row += usize::from(counted.insert(outcome.message)),
                Ended::Untold => {}
            }
            let transition = breaker.after(outcome, at(second));
            let opens = matches!(transition, Transition::Opened(_));
            prop_assert_eq!(opens, row == THRESHOLD);
            if opens { break }
            breaker = stored(&breaker, transition);
            prop_assert_eq!(breaker.row.len(), row);
        }
    }

    #[test]
    fn breaker_state_is_bounded_and_a_version_is_never_used_twice(outcomes in outcomes()) {
        let (mut breaker, mut numbers) = (Breaker::default(), 1000u32..);
        for (second, outcome) in (0..).zip(&outcomes) {
            let outcome = Outcome { message: message(numbers.next().unwrap()), ..outcome.clone() };
            let before = breaker.version;
            breaker = match breaker.after(&outcome, at(second)) {
                Transition::Unchanged => breaker,
                transition => {
                    let after = stored(&breaker, transition);
                    prop_assert_eq!(after.version, before + 1);
                    if matches!(after.circuit, Circuit::Closed) { after } else { let v = after.enabled(); prop_assert!(v.version > after.version); v }
                }
            };
            prop_assert!(breaker.row.len() < THRESHOLD && breaker.remembered.len() <= REMEMBERED);
        }
    }

    /// Replicas that read stale state and lose the race read again: together they count as one process would.
    #[test]
    fn breaker_replicas_that_store_under_a_version_count_as_one_process_would(outcomes in outcomes(), stale in prop::collection::vec(any::<bool>(), 400)) {
        let mut shared = Breaker::default();
        let mut cached = Breaker::default();
        for ((second, outcome), stale) in (0..).zip(&outcomes).zip(stale) {
            if !stale { cached = shared.clone() }
            loop {
                match cached.after(outcome, at(second)) {
                    // A stale reader that sees nothing to do must have been current, or the row would be over.
                    Transition::Unchanged if cached.version == shared.version => break,
                    Transition::Unchanged => cached = shared.clone(),
                    transition => {
                        let next = stored(&cached, transition);
                        if cached.version == shared.version { shared = next; break }
                        cached = shared.clone();
                    }
                }
            }
        }
        prop_assert_eq!(shared, through(&outcomes));
    }
}
