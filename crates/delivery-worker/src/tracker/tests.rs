use std::time::Instant;

use ig_core::id::OrgId;
use ig_core::reading::Stretch;

use super::*;

/// Two streams of one partition, and one of another.
fn streams() -> (Stream, Stream, Stream) {
    let first = stream(1);
    let same = (2..10_000).map(stream).find(|other| other.partition() == first.partition());
    let other = (2..10_000).map(stream).find(|other| other.partition() != first.partition());
    (first, same.unwrap(), other.unwrap())
}

fn stream(org: i64) -> Stream {
    Stream::new(Some(OrgId(org)), "lab")
}

fn hold(tracker: &Tracker, partition: PartitionId, checkpoint: Position) -> Arc<Tenure> {
    let tenure = Arc::new(Tenure::new(partition, 1, Instant::now(), Duration::from_mins(1)));
    tracker.hold(
        Arc::clone(&tenure),
        Resume {
            checkpoint,
            recheck_to: 0,
        },
    );
    tenure
}

fn tracker() -> Arc<Tracker> {
    Tracker::new(SourceId::new("mysql"), 100_000)
}

fn row(stream: &Stream, position: Position) -> Offered {
    Offered {
        position,
        stream: stream.clone(),
        is_sure: true,
        fills_hole: false,
        has_vanished: false,
    }
}

fn offer(tracker: &Arc<Tracker>, after: Position, to: Position, rows: Vec<Offered>) -> Vec<Ticket> {
    let taken = tracker.offer(&Stretch::of_all(after, to), rows, true);
    taken.into_iter().flatten().collect()
}

#[test]
fn a_partition_that_lags_is_read_from_its_own_cursor_and_each_row_is_taken_once() {
    let (a, _, b) = streams();
    let tracker = tracker();
    hold(&tracker, a.partition(), 10);
    hold(&tracker, b.partition(), 2);
    let cursors = |lowest, highest| Some(Cursors { lowest, highest });
    assert_eq!(tracker.cursors(), cursors(2, 10));
    let taken = offer(&tracker, 10, 12, vec![row(&b, 11), row(&a, 12)]);
    assert_eq!(
        taken.iter().map(Ticket::position).collect::<Vec<_>>(),
        [12],
        "the batch does not connect for b"
    );
    let taken = offer(&tracker, 2, 12, vec![row(&b, 11), row(&a, 12)]);
    assert_eq!(
        taken.iter().map(Ticket::position).collect::<Vec<_>>(),
        [11],
        "the other was taken before"
    );
    assert_eq!(tracker.cursors(), cursors(12, 12));
}

#[test]
fn a_row_below_the_cursor_is_taken_only_if_it_fills_a_hole() {
    let (a, ..) = streams();
    let tracker = tracker();
    hold(&tracker, a.partition(), 0);
    offer(&tracker, 0, 11, Vec::new());
    assert!(offer(&tracker, 9, 10, vec![row(&a, 10)]).is_empty());
    let late = Offered {
        fills_hole: true,
        has_vanished: false,
        ..row(&a, 10)
    };
    assert_eq!(
        tracker
            .offer(&Stretch::of_holes(), vec![late], false)
            .into_iter()
            .flatten()
            .count(),
        1
    );
}

#[test]
fn an_event_is_done_when_its_last_part_is() {
    let (a, ..) = streams();
    let tracker = tracker();
    hold(&tracker, a.partition(), 0);
    let ticket = offer(&tracker, 0, 1, vec![row(&a, 1)]).remove(0);
    ticket.expect(2);
    for _ in 0..2 {
        ticket.part_done();
        assert!(tracker.checkpoints(None).is_empty());
    }
    ticket.part_done();
    assert_eq!(tracker.checkpoints(None)[0].position, 1);
    assert_eq!(tracker.in_flight(), 0);
}

#[test]
fn an_ended_hold_neither_takes_rows_nor_moves_a_checkpoint() {
    let (a, ..) = streams();
    let tracker = tracker();
    let tenure = hold(&tracker, a.partition(), 0);
    offer(&tracker, 0, 5, Vec::new());
    tenure.end();
    assert!(offer(&tracker, 5, 6, vec![row(&a, 6)]).is_empty());
    assert!(tracker.checkpoints(None).is_empty());
    assert_eq!(tracker.cursors(), None);
}

#[test]
fn a_deep_stream_is_set_apart_is_passed_by_the_others_and_holds_the_checkpoint() {
    let deep = DEEP as u64;
    let (hog, neighbour, _) = streams();
    let tracker = tracker();
    hold(&tracker, hog.partition(), 0);
    let backlog = (1..=deep).map(|position| row(&hog, position)).collect();
    let tickets = offer(&tracker, 0, deep, backlog);
    assert_eq!((tickets.len(), tracker.apart()), (DEEP, 1));

    let passing = Stretch {
        passed: BTreeSet::from([hog.clone()]),
        ..Stretch::of_all(deep, 1_000_000)
    };
    let taken = tracker.offer(&passing, vec![row(&neighbour, 1_000_000)], false);
    taken.into_iter().flatten().for_each(|ticket| ticket.part_done());
    assert_eq!(tracker.cursors().unwrap().lowest, 1_000_000);
    tickets.iter().for_each(Ticket::part_done);
    assert_eq!(
        tracker.checkpoints(None)[0].position,
        deep,
        "what is left of the hog's is not done"
    );

    let apart = tracker.most_urgent().unwrap();
    assert_eq!((&apart.lead, apart.after, apart.is_short), (&hog, deep, true));
    let its_own = Stretch {
        read_for: BTreeSet::from([hog.clone()]),
        ..Stretch::of_all(deep, 1_000_000)
    };
    let taken = tracker.offer(&its_own, vec![row(&hog, 500_000), row(&neighbour, 1_000_000)], true);
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken.iter().map(Ticket::position).collect::<Vec<_>>(), [500_000]);
    assert_eq!(tracker.apart(), 0, "it has caught up");
    taken[0].part_done();
    assert_eq!(tracker.checkpoints(None)[0].position, 1_000_000);
}

#[test]
fn a_partition_that_came_anew_while_a_stretch_was_read_is_not_moved_by_it() {
    let (hog, neighbour, _) = streams();
    let tracker = tracker();
    hold(&tracker, hog.partition(), 5);
    let passing = Stretch {
        passed: BTreeSet::from([hog.clone()]),
        ..Stretch::of_all(5, 1_000_000)
    };
    let taken = tracker.offer(&passing, vec![row(&neighbour, 1_000_000)], false);
    assert!(taken[0].is_none(), "the hog is not apart in this hold");
    assert_eq!(tracker.cursors().unwrap().lowest, 5);
}

#[test]
fn a_row_that_was_left_is_taken_though_its_entity_belongs_elsewhere_meanwhile() {
    let deep = DEEP as u64;
    let (hog, _, elsewhere) = streams();
    let tracker = tracker();
    hold(&tracker, hog.partition(), 0);
    offer(&tracker, 0, deep, (1..=deep).map(|position| row(&hog, position)).collect());
    let unsure = |stream: &Stream| Offered {
        is_sure: false,
        ..row(stream, deep + 1)
    };
    assert!(offer(&tracker, deep, deep + 1, vec![unsure(&hog)]).is_empty());
    let its_own = Stretch {
        read_for: BTreeSet::from([hog.clone()]),
        ..Stretch::of_all(deep, deep + 1)
    };
    let taken = tracker.offer(&its_own, vec![unsure(&elsewhere)], false);
    assert!(taken[0].is_some(), "it was promised to the hog's stream");
}

#[test]
fn no_stream_may_use_up_what_may_be_under_way() {
    let (hog, ..) = streams();
    let tracker = Tracker::new(SourceId::new("mysql"), 1_000);
    hold(&tracker, hog.partition(), 0);
    let tickets = offer(&tracker, 0, 300, (1..=300).map(|position| row(&hog, position)).collect());
    assert_eq!(tracker.apart(), 1, "a quarter of what is free is less than that");
    assert_eq!(tracker.most_urgent(), None, "it waits");
    tickets.iter().take(200).for_each(Ticket::part_done);
    assert!(tracker.most_urgent().is_some());
}

#[test]
fn a_partition_that_is_about_to_be_given_back_takes_nothing_up_and_its_checkpoint_passes_nothing_that_it_left() {
    let (a, _, b) = streams();
    let tracker = tracker();
    hold(&tracker, a.partition(), 0);
    hold(&tracker, b.partition(), 0);
    let begun = offer(&tracker, 0, 4, vec![row(&a, 1), row(&b, 2), row(&a, 4)]);
    tracker.close(a.partition());
    let late = Offered {
        fills_hole: true,
        ..row(&a, 3)
    };
    assert!(offer(&tracker, 4, 6, vec![late, row(&a, 6)]).is_empty());
    begun.iter().for_each(Ticket::part_done);
    let saved: BTreeMap<_, _> = tracker
        .checkpoints(None)
        .into_iter()
        .map(|checkpoint| (checkpoint.partition, checkpoint.position))
        .collect();
    assert_eq!(saved, BTreeMap::from([(a.partition(), 2), (b.partition(), 6)]));
    assert_eq!(
        tracker.cursors().map(|cursors| cursors.lowest),
        Some(6),
        "its cursor is not read from"
    );
}

#[test]
fn deliveries_that_wait_count_towards_the_share_of_their_stream_and_events_alone_make_it_deep() {
    let (a, ..) = streams();
    let tracker = Tracker::new(SourceId::new("mysql"), 1_000);
    hold(&tracker, a.partition(), 0);
    let taken = offer(&tracker, 0, 2, vec![row(&a, 1), row(&a, 2)]);
    let loads: Vec<_> = (0..400).map(|_| taken[0].load()).collect();
    assert_eq!(tracker.in_flight(), 402);
    drop(offer(&tracker, 2, 3, vec![row(&a, 3)]));
    assert_eq!(tracker.apart(), 1, "four hundred are more than a quarter of what is free");
    assert_eq!(tracker.most_urgent(), None, "it is not read on");
    drop(loads);
    assert_eq!(tracker.in_flight(), 3);
    assert!(tracker.most_urgent().is_some_and(|apart| apart.is_short));
}
