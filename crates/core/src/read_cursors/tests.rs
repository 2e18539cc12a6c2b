use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::id::OrgId;

/// Streams of one partition, and some of other partitions of the same source.
fn streams() -> Vec<Stream> {
    let all = (0..2_000).map(|org| Stream::new(Some(OrgId(org)), "lab"));
    let (mine, others): (Vec<_>, Vec<_>) = all.partition(|stream| stream.partition() == partition());
    mine.into_iter().take(3).chain(others.into_iter().take(2)).collect()
}

fn partition() -> PartitionId {
    Stream::new(Some(OrgId(7)), "lab").partition()
}

/// A source whose rows may become visible late, and a reader of one of its partitions.
struct World {
    streams: Vec<Stream>,
    /// The stream of each row, and whether the row is visible yet.
    rows: BTreeMap<Position, (usize, bool)>,
    gaps: BTreeSet<Position>,
    cursors: ReadCursors,
    taken: Vec<(Position, usize)>,
    promised: BTreeSet<Position>,
}

#[derive(Debug, Clone)]
enum Step {
    Read {
        from_deferred: Vec<usize>,
        most: usize,
        skipped: Vec<usize>,
    },
    Defer(usize),
    Appear(usize),
    CheckGaps,
}

impl World {
    fn new(kinds: &[(usize, bool)]) -> Self {
        let rows = (1..).zip(kinds.iter().copied()).collect();
        Self {
            streams: streams(),
            rows,
            gaps: BTreeSet::new(),
            cursors: ReadCursors::resume(partition(), 0),
            taken: Vec::new(),
            promised: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Read {
                from_deferred,
                most,
                skipped,
            } => self.read(&from_deferred, most, &skipped),
            Step::Defer(which) => {
                let stream = self.streams[which].clone();
                if stream.partition() == partition() {
                    self.cursors.defer(stream);
                }
            }
            Step::Appear(nth) => {
                if let Some((_, visible)) = self.rows.values_mut().filter(|(_, visible)| !visible).nth(nth) {
                    *visible = true;
                }
            }
            Step::CheckGaps => {
                let appeared: Vec<_> = self.gaps.iter().copied().filter(|at| self.rows[at].1).collect();
                self.offer(&appeared, &ReadRange::of_gaps());
            }
        }
    }

    /// Reads on, from the cursor of the first of these streams that is deferred.
    fn read(&mut self, from_deferred: &[usize], most: usize, skipped: &[usize]) {
        let streams = from_deferred.iter().map(|which| self.streams[*which].clone());
        let deferred: Vec<_> = streams.filter(|stream| self.cursors.is_deferred(stream)).collect();
        let at = |stream: &Stream| self.cursors.deferred().find(|(other, _)| *other == stream).map(|(_, at)| at);
        let after = deferred.first().and_then(at).unwrap_or(self.cursors.read_to());
        let skipped: BTreeSet<_> = skipped.iter().map(|which| self.streams[*which].clone()).collect();
        let behind = |visible: &bool| *visible;
        let Some(to) = self
            .rows
            .range(after + 1..)
            .filter(|(_, (_, visible))| behind(visible))
            .map(|(at, _)| *at)
            .take(most)
            .last()
        else {
            if let Some(lead) = deferred.first() {
                self.cursors.rejoin(lead);
            }
            return;
        };
        self.gaps.extend(
            self.rows
                .range(after + 1..=to)
                .filter(|(_, (_, visible))| !visible)
                .map(|(at, _)| *at),
        );
        let read_for = deferred.into_iter().collect();
        let range = ReadRange {
            after,
            to,
            skipped,
            read_for,
        };
        let rows: Vec<_> = self
            .rows
            .range(after + 1..=to)
            .filter(|(_, (which, visible))| *visible && !range.skipped.contains(&self.streams[*which]))
            .map(|(at, _)| *at)
            .collect();
        self.offer(&rows, &range);
    }

    fn offer(&mut self, rows: &[Position], range: &ReadRange) {
        for &position in rows {
            let fills_gap = self.gaps.remove(&position);
            let which = self.rows[&position].0;
            let stream = &self.streams[which];
            if stream.partition() != partition() {
                continue;
            }
            match self.cursors.disposition(stream, position, range, fills_gap) {
                RowDisposition::Now => self.taken.push((position, which)),
                RowDisposition::Later => drop(self.promised.insert(position)),
                RowDisposition::Ignore => {}
            }
        }
        self.cursors.advance(range);
    }

    /// Reads on until nothing is left.
    fn drain(&mut self) {
        self.rows.values_mut().for_each(|(_, visible)| *visible = true);
        for _ in 0..2 * self.rows.len() + 2 {
            self.take(Step::CheckGaps);
            self.read(&[], 7, &[]);
            (0..self.streams.len()).for_each(|which| self.read(&[which], 7, &[]));
        }
    }

    fn mine(&self) -> impl Iterator<Item = (Position, usize)> {
        let is_mine = |which: usize| self.streams[which].partition() == partition();
        self.rows
            .iter()
            .map(|(at, (which, _))| (*at, *which))
            .filter(move |(_, which)| is_mine(*which))
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0usize..5;
    let read = (
        proptest::collection::vec(which.clone(), 0..4),
        1usize..9,
        proptest::collection::vec(which.clone(), 0..4),
    )
        .prop_map(|(from_deferred, most, skipped)| Step::Read {
            from_deferred,
            most,
            skipped,
        });
    let step = prop_oneof![
        6 => read,
        2 => which.prop_map(Step::Defer),
        2 => (0usize..5).prop_map(Step::Appear),
        1 => Just(Step::CheckGaps),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn cursors_take_each_row_once_whatever_is_deferred_and_skipped(
        kinds in proptest::collection::vec((0usize..5, proptest::bool::weighted(0.9)), 1..80), steps in steps()
    ) {
        let mut world = World::new(&kinds);
        for step in steps {
            world.take(step);
            let complete = world.cursors.complete_to();
            let missed = world.mine().find(|(at, which)| {
                *at <= complete && !world.gaps.contains(at) && !world.taken.contains(&(*at, *which))
            });
            prop_assert_eq!(missed, None, "everything up to {} is taken or watched", complete);
        }
        world.drain();
        let mut taken = world.taken.clone();
        taken.sort_unstable();
        prop_assert_eq!(taken.clone(), world.mine().collect::<Vec<_>>());
        prop_assert!(world.promised.iter().all(|at| taken.iter().any(|(other, _)| other == at)));
        prop_assert_eq!(world.cursors.deferred().count(), 0, "nothing stays deferred");
    }

    #[test]
    fn reading_keeps_order_within_each_stream(
        kinds in proptest::collection::vec((0usize..5, Just(true)), 1..80), steps in steps()
    ) {
        let mut world = World::new(&kinds);
        for step in steps {
            world.take(step);
        }
        world.drain();
        for stream in 0..5 {
            let order: Vec<_> = world.taken.iter().filter(|(_, which)| *which == stream).map(|(at, _)| *at).collect();
            prop_assert!(order.is_sorted(), "{order:?}");
        }
    }
}

#[test]
fn a_range_that_lacks_a_stream_not_deferred_moves_no_cursor() {
    let mut cursors = ReadCursors::resume(partition(), 5);
    let [hog, other, ..] = &streams()[..] else {
        unreachable!("there are five")
    };
    let range = ReadRange {
        skipped: BTreeSet::from([hog.clone()]),
        ..ReadRange::of_all(5, 1_000_000)
    };
    assert_eq!(cursors.disposition(other, 1_000_000, &range, false), RowDisposition::Ignore);
    cursors.defer(hog.clone());
    assert_eq!(cursors.disposition(other, 1_000_000, &range, false), RowDisposition::Now);
    assert_eq!(cursors.disposition(hog, 6, &range, false), RowDisposition::Later);
    cursors.advance(&range);
    assert_eq!((cursors.read_to(), cursors.complete_to()), (1_000_000, 5));
}
