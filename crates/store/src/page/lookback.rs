//! Going back in time span by span, the latest first, so that no query's bounds hold more than they have to.

/// How far the first span reaches, in milliseconds.
const FIRST: i64 = 10_000;
/// By how much a span is longer than the one after it: whoever finds little goes back far, in few steps.
const GROWTH: i64 = 4;
/// By how much a span that held too much is shortened.
const SHRINKAGE: i64 = 8;
/// How far ahead of now the first span begins where there is something to come: some twenty years. Beyond it lies little.
const FARTHEST: i64 = FIRST * GROWTH.pow(13);

/// A span of time, in milliseconds since 1970: from the first on, and before the second where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
}

/// The spans of a period, one after the other: together they are the period, and no two overlap.
#[derive(Debug, Clone)]
pub(crate) struct Lookback {
    floor: i64,
    to: Option<i64>,
    /// Where the next span is measured from.
    edge: i64,
    length: i64,
    now: i64,
    is_over: bool,
}

impl Lookback {
    /// The spans from `floor` on and before `to`; without it the first one has no end, for clocks differ.
    pub(crate) fn new(floor: i64, to: Option<i64>, now: i64) -> Self {
        Self::reaching(now, floor, to, now)
    }

    /// The same where much is yet to come: what lies ahead is gone back through as well, in spans that get shorter towards now.
    pub(crate) fn from_ahead(floor: i64, to: Option<i64>, now: i64) -> Self {
        Self::reaching(now.saturating_add(FARTHEST), floor, to, now)
    }

    fn reaching(farthest: i64, floor: i64, to: Option<i64>, now: i64) -> Self {
        let edge = to.map_or(farthest, |to| to.min(farthest));
        Self {
            floor,
            to,
            edge,
            // What is ahead bounds its spans itself.
            length: if edge > now { i64::MAX } else { FIRST },
            now,
            is_over: to.is_some_and(|to| to <= floor),
        }
    }

    /// The span that is looked at now; none when the period is over.
    pub(crate) fn current(&self) -> Option<Span> {
        (!self.is_over).then(|| Span {
            from: self.from(),
            to: self.to,
        })
    }

    /// Goes on to the span before.
    pub(crate) fn pass(&mut self) {
        let (from, length) = (self.from(), self.longest().min(self.length));
        self.is_over = from <= self.floor;
        (self.to, self.edge) = (Some(from), from);
        self.length = length.saturating_mul(GROWTH);
    }

    /// Shortens the span, which held too much, down to a millisecond.
    pub(crate) fn shorten(&mut self) {
        let length = self.edge.saturating_sub(self.from());
        self.length = (length / SHRINKAGE).max(1);
    }

    fn from(&self) -> i64 {
        let length = self.longest().min(self.length);
        self.edge.saturating_sub(length).max(self.floor)
    }

    /// Ahead of now a span goes most of the way to it, and the last one some way past it.
    fn longest(&self) -> i64 {
        match self.edge.saturating_sub(self.now) {
            ahead @ 1.. => (ahead - ahead / GROWTH).max(FIRST),
            _ => i64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn all_of_time_is_over_in_few_steps() {
        let mut back = Lookback::new(0, None, NOW);
        let mut spans = Vec::new();
        while let Some(span) = back.current() {
            spans.push(span);
            back.pass();
        }
        assert_eq!(
            spans[0],
            Span {
                from: NOW - FIRST,
                to: None
            }
        );
        assert_eq!(spans.last().unwrap().from, 0);
        assert!(spans.len() < 16, "{spans:?}");
    }

    #[test]
    fn all_that_is_ahead_is_gone_through_in_few_steps_that_shorten_towards_now() {
        let mut back = Lookback::from_ahead(0, None, NOW);
        let mut spans = Vec::new();
        while let Some(span) = back.current() {
            spans.push(span);
            back.pass();
        }
        let ahead: Vec<_> = spans
            .iter()
            .map(|span| span.from - NOW)
            .take_while(|from| *from > 0)
            .collect();
        assert!((12..16).contains(&ahead.len()), "{ahead:?}");
        assert!(ahead.windows(2).all(|pair| pair[0] > 3 * pair[1]), "{ahead:?}");
        assert!(spans.len() < 32, "{spans:?}");
        let past = Lookback::from_ahead(0, Some(NOW - 7), NOW).current().unwrap();
        assert_eq!(
            past.from,
            NOW - 7 - FIRST,
            "a period that is over is gone back through like any"
        );
    }

    #[test]
    fn an_empty_period_has_no_span() {
        assert_eq!(Lookback::new(5, Some(5), NOW).current(), None);
        assert_eq!(Lookback::new(9, Some(5), NOW).current(), None);
    }

    proptest! {
        #[test]
        fn spans_lie_side_by_side_from_the_end_to_the_floor(
            floor in 0..NOW + 1_000_000,
            to in proptest::option::of(0..NOW + 1_000_000),
            from_ahead in any::<bool>(),
            steps in proptest::collection::vec(any::<bool>(), 0..400)
        ) {
            let begin = if from_ahead { Lookback::from_ahead } else { Lookback::new };
            let mut back = begin(floor, to, NOW);
            let mut end = to;
            let mut begin = None;
            let mut steps = steps.into_iter();
            while let Some(span) = back.current() {
                prop_assert_eq!(span.to, end);
                prop_assert!(span.from >= floor);
                prop_assert!(span.to.is_none_or(|to| span.from < to));
                if steps.next() == Some(true) {
                    back.shorten();
                    continue;
                }
                begin = Some(span.from);
                let passed = back.current().map(|span| span.from);
                end = passed;
                begin = passed.or(begin);
                back.pass();
            }
            if to.is_none_or(|to| to > floor) {
                prop_assert_eq!(begin, Some(floor));
            }
        }
    }
}
