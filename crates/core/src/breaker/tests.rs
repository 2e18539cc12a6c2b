use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;

use super::*;
use crate::id::{EventId, IntegrationId, SourceId};

fn probing_policy() -> BreakerPolicy {
    BreakerPolicy::new(Some(60)).unwrap()
}

fn at(second: i64) -> Timestamp {
    Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

fn message(number: u32) -> MessageId {
    let event = EventId::new(number.to_string());
    MessageId::derive(&SourceId::new("mysql"), &event, IntegrationId([7; 12]), 0)
}

fn failed(number: u32) -> FinishedDelivery {
    FinishedDelivery {
        message: message(number),
        result: DeliveryResult::Failed("The target answered 500.".to_owned()),
        probe: None,
    }
}

fn delivered(number: u32) -> FinishedDelivery {
    FinishedDelivery {
        result: DeliveryResult::Delivered,
        ..failed(number)
    }
}

fn stored(before: &Breaker, transition: Transition) -> Breaker {
    match transition {
        Transition::Unchanged => before.clone(),
        Transition::StreakChanged(after)
        | Transition::Opened(after)
        | Transition::Closed(after)
        | Transition::StillOpen(after) => after,
    }
}

fn through(deliveries: &[FinishedDelivery]) -> Breaker {
    let step = |breaker: Breaker, (second, delivery): (i64, &FinishedDelivery)| {
        let transition = breaker.transition(delivery, at(second));
        stored(&breaker, transition)
    };
    (0..).zip(deliveries).fold(Breaker::default(), step)
}

fn opened() -> Breaker {
    through(&[1, 2, 3, 4, 5].map(failed))
}

#[test]
fn breaker_opens_at_the_fifth_failure_in_a_row_and_holds_everything_after() {
    let four = through(&[1, 2, 3, 4].map(failed));
    assert_eq!(four.permission(BreakerPolicy::default(), at(4)), BreakerPermission::Send);
    let Transition::Opened(open) = four.transition(&failed(5), at(4)) else {
        panic!("it did not open");
    };
    assert_eq!(
        open.permission(BreakerPolicy::default(), at(1_000_000)),
        BreakerPermission::Hold
    );
    assert_eq!(
        open.transition(&delivered(9), at(5)),
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
    let reset = opened().reset();
    assert_eq!(
        (reset.permission(BreakerPolicy::default(), at(9)), reset.version),
        (BreakerPermission::Send, 6)
    );
    assert!(matches!(reset.transition(&failed(1), at(9)), Transition::StreakChanged(_)));
}

#[test]
fn breaker_sends_one_probe_at_a_time_and_a_dead_prober_blocks_only_for_its_lease() {
    let open = opened();
    assert_eq!(open.permission(probing_policy(), at(63)), BreakerPermission::Hold);
    assert_eq!(open.permission(probing_policy(), at(64)), BreakerPermission::Probe);
    let timeout = Duration::from_secs(10);
    let (first, half) = open.claim_probe(probing_policy(), "w1", message(9), timeout, at(64)).unwrap();
    assert_eq!(half.claim_probe(probing_policy(), "w2", message(9), timeout, at(103)), None);
    let (second, other) = half
        .claim_probe(probing_policy(), "w2", message(9), timeout, at(104))
        .unwrap();
    assert_ne!(first, second);
    let of = |probe, delivery| FinishedDelivery {
        probe: Some(probe),
        ..delivery
    };
    assert_eq!(other.transition(&of(first, delivered(9)), at(105)), Transition::Unchanged);
    assert_eq!(other.transition(&delivered(9), at(105)), Transition::Unchanged);
    assert!(matches!(other.transition(&of(second, delivered(9)), at(105)), Transition::Closed(after) if after == other.reset()));
    let Transition::StillOpen(again) = other.transition(&of(second, failed(9)), at(105)) else {
        panic!("a probe that failed leaves it open");
    };
    assert_eq!(
        again.permission(probing_policy(), at(164)),
        BreakerPermission::Hold,
        "the wait begins anew"
    );
    assert_eq!(again.permission(probing_policy(), at(165)), BreakerPermission::Probe);
}

#[test]
fn an_inconclusive_probe_leaves_its_turn_to_the_next() {
    let open = opened();
    let timeout = Duration::from_secs(10);
    let (first, half) = open.claim_probe(probing_policy(), "w1", message(9), timeout, at(64)).unwrap();
    let inconclusive = |probe| FinishedDelivery {
        result: DeliveryResult::Inconclusive,
        probe,
        ..failed(9)
    };
    assert_eq!(half.transition(&inconclusive(None), at(65)), Transition::Unchanged);
    let Transition::StillOpen(again) = half.transition(&inconclusive(Some(first)), at(65)) else {
        panic!("it is open, and nobody's turn");
    };
    assert_eq!(again.permission(probing_policy(), at(65)), BreakerPermission::Probe);
    assert_eq!(
        through(&[1, 2, 3, 4].map(failed)).transition(&inconclusive(None), at(4)),
        Transition::Unchanged
    );
}

#[test]
fn breaker_drops_failures_before_a_success_that_another_process_reported() {
    let four = through(&[1, 2, 3, 4].map(failed));
    let reported = Breaker {
        delivered_at: Some(at(9)),
        ..four
    };
    let Transition::StreakChanged(counted) = reported.transition(&failed(5), at(10)) else {
        panic!("it opened")
    };
    assert_eq!(counted.failure_streak.len(), 1);
}

fn deliveries() -> impl Strategy<Value = Vec<FinishedDelivery>> {
    let delivery = (0u32..40, prop::bool::weighted(0.2)).prop_map(|(n, good)| if good { delivered(n) } else { failed(n) });
    prop::collection::vec(delivery, 0..400)
}

proptest! {
    #[test]
    fn breaker_opens_exactly_when_five_uncounted_messages_have_failed(deliveries in deliveries()) {
        let (mut breaker, mut counted, mut streak) = (Breaker::default(), BTreeSet::new(), 0);
        for (second, delivery) in (0..).zip(&deliveries) {
            match delivery.result {
                DeliveryResult::Delivered => streak = 0,
                DeliveryResult::Failed(_) => streak += usize::from(counted.insert(delivery.message)),
                DeliveryResult::Inconclusive => {}
            }
            let transition = breaker.transition(delivery, at(second));
            let opens = matches!(transition, Transition::Opened(_));
            prop_assert_eq!(opens, streak == FAILURE_THRESHOLD);
            if opens { break }
            breaker = stored(&breaker, transition);
            prop_assert_eq!(breaker.failure_streak.len(), streak);
        }
    }

    #[test]
    fn breaker_state_is_bounded_and_a_version_is_never_used_twice(deliveries in deliveries()) {
        let (mut breaker, mut numbers) = (Breaker::default(), 1000u32..);
        for (second, delivery) in (0..).zip(&deliveries) {
            let delivery = FinishedDelivery { message: message(numbers.next().unwrap()), ..delivery.clone() };
            let before = breaker.version;
            breaker = match breaker.transition(&delivery, at(second)) {
                Transition::Unchanged => breaker,
                transition => {
                    let after = stored(&breaker, transition);
                    prop_assert_eq!(after.version, before + 1);
                    if matches!(after.circuit, Circuit::Closed) { after } else { let v = after.reset(); prop_assert!(v.version > after.version); v }
                }
            };
            prop_assert!(breaker.failure_streak.len() < FAILURE_THRESHOLD && breaker.recently_counted.len() <= MAX_RECENTLY_COUNTED);
        }
    }

    /// Replicas that read stale state and lose the race read again: together they count as one process would.
    #[test]
    fn breaker_replicas_that_store_under_a_version_count_as_one_process_would(deliveries in deliveries(), stale in prop::collection::vec(any::<bool>(), 400)) {
        let mut shared = Breaker::default();
        let mut cached = Breaker::default();
        for ((second, delivery), stale) in (0..).zip(&deliveries).zip(stale) {
            if !stale { cached = shared.clone() }
            loop {
                match cached.transition(delivery, at(second)) {
                    // A stale reader that sees nothing to do must have been current, or the streak would be over.
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
        prop_assert_eq!(shared, through(&deliveries));
    }
}
