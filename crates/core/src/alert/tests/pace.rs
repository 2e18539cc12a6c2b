use proptest::prelude::*;

use super::*;

const LIMITS: PaceLimits = PaceLimits {
    group_interval: GROUP_INTERVAL,
    max_per_hour: 6,
};

fn queued(number: u32, kind: TellingKind, answers: &[NoticeStatus]) -> QueuedNotice {
    QueuedNotice {
        key: NoticeKey(format!("{number}-{}", kind.as_str())),
        incident: IncidentId(number.to_string()),
        kind,
        due_at: at(0),
        digest_from: Some(5),
        answers: answers.to_vec(),
    }
}

fn firing(numbers: std::ops::Range<u32>) -> Vec<QueuedNotice> {
    numbers.map(|number| queued(number, TellingKind::Firing, &[])).collect()
}

#[test]
fn first_notice_goes_out_at_once_and_a_storm_behind_it_is_one_digest() {
    let first = flush(Pace::default(), &firing(0..1), LIMITS, at(0));
    assert_eq!((first.ready.len(), first.digest), (1, None));
    let storm = firing(1..10_000);
    let early = flush(first.pace, &storm, LIMITS, at(10));
    assert!(early.is_empty());
    assert_eq!(early.next, Some(at(5 * MINUTE)));
    let later = flush(early.pace, &storm, LIMITS, at(5 * MINUTE));
    assert_eq!((later.ready.len(), later.digested.len()), (0, 9_999));
    assert!(later.digest.is_some() && later.ended_digest.is_none());
    assert_eq!(later.pace.sent_in_hour, 2);
}

#[test]
fn hour_that_is_full_holds_notices_for_a_digest_in_the_next_but_not_ends() {
    let full = Pace {
        hour: Some(at(0)),
        sent_in_hour: 6,
        ..Pace::default()
    };
    let mut waiting = firing(0..2);
    waiting.push(queued(9, TellingKind::Resolved, &[NoticeStatus::Sent]));
    let held = flush(full, &waiting, LIMITS, at(MINUTE));
    assert_eq!((held.ready.len(), held.next), (1, Some(at(HOUR))));
    let next = flush(held.pace, &firing(0..2), LIMITS, at(HOUR));
    assert_eq!((next.ready.len(), next.pace.sent_in_hour), (2, 2));
    let nearly = Pace { sent_in_hour: 5, ..full };
    let rest = flush(nearly, &firing(0..3), LIMITS, at(MINUTE));
    assert_eq!(
        (rest.digested.len(), rest.pace.sent_in_hour),
        (3, 6),
        "three do not fit, one digest does"
    );
}

#[test]
fn notice_that_still_waits_when_its_incident_ends_is_dropped_with_the_end() {
    let waiting = [
        queued(1, TellingKind::Firing, &[]),
        queued(1, TellingKind::Resolved, &[NoticeStatus::Waiting]),
        queued(2, TellingKind::Firing, &[]),
    ];
    let flush = flush(Pace::default(), &waiting, LIMITS, at(0));
    assert_eq!((flush.ready.len(), flush.dropped.len()), (1, 2));
}

#[test]
fn end_of_a_notice_that_was_given_up_is_not_told() {
    let end = queued(1, TellingKind::Resolved, &[NoticeStatus::Failed]);
    let flush = flush(Pace::default(), &[end], LIMITS, at(0));
    assert_eq!((flush.ready.len(), flush.dropped.len()), (0, 1));
}

#[test]
fn digest_has_ended_when_the_last_of_its_incidents_has() {
    let begun = flush(Pace::default(), &firing(0..7), LIMITS, at(0));
    let ends = |numbers: std::ops::Range<u32>| -> Vec<_> {
        let end = |number| queued(number, TellingKind::Resolved, &[NoticeStatus::Digested]);
        numbers.map(end).collect()
    };
    let some = flush(begun.pace, &ends(0..6), LIMITS, at(10));
    assert_eq!((some.ready.len(), some.dropped.len(), some.ended_digest), (0, 6, None));
    let last = flush(some.pace, &ends(6..7), LIMITS, at(20));
    let ended = last.ended_digest.unwrap();
    assert_eq!((ended.since, last.pace.digest), (at(0), None));
    assert_ne!(Some(ended.number), begun.digest.map(|digest| digest.number));
}

proptest! {
    #[test]
    fn channel_never_gets_more_news_in_an_hour_than_it_takes(
        max_per_hour in 1u32..10, steps in prop::collection::vec((0u32..40, 1i64..40), 1..80)
    ) {
        let limits = PaceLimits { max_per_hour, ..LIMITS };
        let (mut pace, mut second, mut next) = (Pace::default(), 0, 0);
        let mut waiting: Vec<QueuedNotice> = Vec::new();
        let mut hours = std::collections::BTreeMap::<i64, usize>::new();
        for (more, minutes) in steps {
            second += minutes * MINUTE;
            waiting.extend(firing(next..next + more));
            next += more;
            let flush = flush(pace, &waiting, limits, at(second));
            prop_assert!(flush.next.is_none_or(|next| next > at(second)));
            *hours.entry(second.div_euclid(HOUR)).or_default() += flush.ready.len() + usize::from(flush.digest.is_some());
            let gone: BTreeSet<_> = flush.ready.iter().chain(&flush.digested).chain(&flush.dropped).cloned().collect();
            waiting.retain(|notice| !gone.contains(&notice.key));
            prop_assert!(waiting.is_empty() || flush.next.is_some(), "what waits has its turn");
            pace = flush.pace;
        }
        prop_assert!(hours.values().all(|sent| *sent <= max_per_hour as usize), "{hours:?}");
    }
}
