use std::time::Instant;

use ig_core::id::OrgId;
use ig_core::read_cursors::ReadRange;

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

fn start(tracker: &Tracker, partition: PartitionId, checkpoint: Position) -> Arc<LocalLease> {
    let lease = Arc::new(LocalLease::new(partition, 1, Instant::now(), Duration::from_mins(1)));
    tracker.start_partition(
        Arc::clone(&lease),
        ResumePoint {
            checkpoint,
            recheck_to: 0,
        },
    );
    lease
}

fn tracker() -> Arc<Tracker> {
    Tracker::new(SourceId::new("mysql"), 100_000)
}

fn row(stream: &Stream, position: Position) -> CandidateRow {
    CandidateRow {
        position,
        stream: stream.clone(),
        names_org: true,
        fills_gap: false,
        has_vanished: false,
    }
}

fn admit(tracker: &Arc<Tracker>, after: Position, to: Position, rows: Vec<CandidateRow>) -> Vec<Ticket> {
    let admitted = tracker.admit(&ReadRange::of_all(after, to), rows, true);
    admitted.into_iter().flatten().collect()
}

#[test]
fn tracker_reads_a_lagging_partition_from_its_own_cursor_and_admits_each_row_once() {
    let (a, _, b) = streams();
    let tracker = tracker();
    start(&tracker, a.partition(), 10);
    start(&tracker, b.partition(), 2);
    let cursors = |lowest, highest| Some(Cursors { lowest, highest });
    assert_eq!(tracker.cursors(), cursors(2, 10));
    let admitted = admit(&tracker, 10, 12, vec![row(&b, 11), row(&a, 12)]);
    assert_eq!(
        admitted.iter().map(Ticket::position).collect::<Vec<_>>(),
        [12],
        "the batch does not connect for b"
    );
    let admitted = admit(&tracker, 2, 12, vec![row(&b, 11), row(&a, 12)]);
    assert_eq!(
        admitted.iter().map(Ticket::position).collect::<Vec<_>>(),
        [11],
        "the other was taken before"
    );
    assert_eq!(tracker.cursors(), cursors(12, 12));
}

#[test]
fn tracker_admits_a_row_below_the_cursor_only_if_it_fills_a_gap() {
    let (a, ..) = streams();
    let tracker = tracker();
    start(&tracker, a.partition(), 0);
    admit(&tracker, 0, 11, Vec::new());
    assert!(admit(&tracker, 9, 10, vec![row(&a, 10)]).is_empty());
    let late = CandidateRow {
        fills_gap: true,
        has_vanished: false,
        ..row(&a, 10)
    };
    assert_eq!(
        tracker
            .admit(&ReadRange::of_gaps(), vec![late], false)
            .into_iter()
            .flatten()
            .count(),
        1
    );
}

#[test]
fn ticket_is_done_when_its_last_part_is() {
    let (a, ..) = streams();
    let tracker = tracker();
    start(&tracker, a.partition(), 0);
    let ticket = admit(&tracker, 0, 1, vec![row(&a, 1)]).remove(0);
    ticket.add_parts(2);
    for _ in 0..2 {
        ticket.part_done();
        assert!(tracker.checkpoints(None).is_empty());
    }
    ticket.part_done();
    assert_eq!(tracker.checkpoints(None)[0].position, 1);
    assert_eq!(tracker.in_flight(), 0);
}

#[test]
fn tracker_neither_admits_rows_nor_moves_a_checkpoint_under_an_ended_lease() {
    let (a, ..) = streams();
    let tracker = tracker();
    let lease = start(&tracker, a.partition(), 0);
    admit(&tracker, 0, 5, Vec::new());
    lease.end();
    assert!(admit(&tracker, 5, 6, vec![row(&a, 6)]).is_empty());
    assert!(tracker.checkpoints(None).is_empty());
    assert_eq!(tracker.cursors(), None);
}

#[test]
fn deferred_backlog_is_skipped_by_the_others_and_holds_the_checkpoint() {
    let deep = DEEP_BACKLOG_EVENTS as u64;
    let (hog, neighbour, _) = streams();
    let tracker = tracker();
    start(&tracker, hog.partition(), 0);
    let backlog = (1..=deep).map(|position| row(&hog, position)).collect();
    let tickets = admit(&tracker, 0, deep, backlog);
    assert_eq!((tickets.len(), tracker.deferred_count()), (DEEP_BACKLOG_EVENTS, 1));

    let skipping = ReadRange {
        skipped: BTreeSet::from([hog.clone()]),
        ..ReadRange::of_all(deep, 1_000_000)
    };
    let admitted = tracker.admit(&skipping, vec![row(&neighbour, 1_000_000)], false);
    admitted.into_iter().flatten().for_each(|ticket| ticket.part_done());
    assert_eq!(tracker.cursors().unwrap().lowest, 1_000_000);
    tickets.iter().for_each(Ticket::part_done);
    assert_eq!(
        tracker.checkpoints(None)[0].position,
        deep,
        "what is left of the hog's is not done"
    );

    let next = tracker.next_backlog().unwrap();
    assert_eq!((&next.lead, next.after, next.is_shallow), (&hog, deep, true));
    let its_own = ReadRange {
        read_for: BTreeSet::from([hog.clone()]),
        ..ReadRange::of_all(deep, 1_000_000)
    };
    let admitted = tracker.admit(&its_own, vec![row(&hog, 500_000), row(&neighbour, 1_000_000)], true);
    let admitted: Vec<_> = admitted.into_iter().flatten().collect();
    assert_eq!(admitted.iter().map(Ticket::position).collect::<Vec<_>>(), [500_000]);
    assert_eq!(tracker.deferred_count(), 0, "it has caught up");
    admitted[0].part_done();
    assert_eq!(tracker.checkpoints(None)[0].position, 1_000_000);
}

#[test]
fn tracker_does_not_move_a_partition_that_restarted_while_a_range_was_read() {
    let (hog, neighbour, _) = streams();
    let tracker = tracker();
    start(&tracker, hog.partition(), 5);
    let skipping = ReadRange {
        skipped: BTreeSet::from([hog.clone()]),
        ..ReadRange::of_all(5, 1_000_000)
    };
    let admitted = tracker.admit(&skipping, vec![row(&neighbour, 1_000_000)], false);
    assert!(admitted[0].is_none(), "the hog is not deferred under this lease");
    assert_eq!(tracker.cursors().unwrap().lowest, 5);
}

#[test]
fn tracker_admits_a_deferred_row_though_its_entity_belongs_elsewhere_meanwhile() {
    let deep = DEEP_BACKLOG_EVENTS as u64;
    let (hog, _, elsewhere) = streams();
    let tracker = tracker();
    start(&tracker, hog.partition(), 0);
    admit(&tracker, 0, deep, (1..=deep).map(|position| row(&hog, position)).collect());
    let without_org = |stream: &Stream| CandidateRow {
        names_org: false,
        ..row(stream, deep + 1)
    };
    assert!(admit(&tracker, deep, deep + 1, vec![without_org(&hog)]).is_empty());
    let its_own = ReadRange {
        read_for: BTreeSet::from([hog.clone()]),
        ..ReadRange::of_all(deep, deep + 1)
    };
    let admitted = tracker.admit(&its_own, vec![without_org(&elsewhere)], false);
    assert!(admitted[0].is_some(), "it was promised to the hog's stream");
}

#[test]
fn stream_limit_keeps_one_stream_from_using_up_the_events_in_flight() {
    let (hog, ..) = streams();
    let tracker = Tracker::new(SourceId::new("mysql"), 1_000);
    start(&tracker, hog.partition(), 0);
    let tickets = admit(&tracker, 0, 300, (1..=300).map(|position| row(&hog, position)).collect());
    assert_eq!(tracker.deferred_count(), 1, "a quarter of what is free is less than that");
    assert_eq!(tracker.next_backlog(), None, "it waits");
    tickets.iter().take(200).for_each(Ticket::part_done);
    assert!(tracker.next_backlog().is_some());
}

#[test]
fn closing_partition_admits_nothing_and_its_checkpoint_passes_nothing_that_it_left() {
    let (a, _, b) = streams();
    let tracker = tracker();
    start(&tracker, a.partition(), 0);
    start(&tracker, b.partition(), 0);
    let begun = admit(&tracker, 0, 4, vec![row(&a, 1), row(&b, 2), row(&a, 4)]);
    tracker.close_partition(a.partition());
    let late = CandidateRow {
        fills_gap: true,
        ..row(&a, 3)
    };
    assert!(admit(&tracker, 4, 6, vec![late, row(&a, 6)]).is_empty());
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
fn stream_limit_counts_waiting_deliveries_and_backlog_depth_counts_events_alone() {
    let (a, ..) = streams();
    let tracker = Tracker::new(SourceId::new("mysql"), 1_000);
    start(&tracker, a.partition(), 0);
    let admitted = admit(&tracker, 0, 2, vec![row(&a, 1), row(&a, 2)]);
    let extra_deliveries: Vec<_> = (0..400).map(|_| admitted[0].count_delivery()).collect();
    assert_eq!(tracker.in_flight(), 402);
    drop(admit(&tracker, 2, 3, vec![row(&a, 3)]));
    assert_eq!(
        tracker.deferred_count(),
        1,
        "four hundred are more than a quarter of what is free"
    );
    assert_eq!(tracker.next_backlog(), None, "it is not read on");
    drop(extra_deliveries);
    assert_eq!(tracker.in_flight(), 3);
    assert!(tracker.next_backlog().is_some_and(|next| next.is_shallow));
}
