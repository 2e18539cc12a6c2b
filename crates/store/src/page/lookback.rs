//! Walking back in time, span by span, newest first, so that no query's bounds contain more than they must.

/// The length of the first span, in milliseconds.
const FIRST_SPAN: i64 = 10_000;
/// The factor by which each span is longer than the one before: sparse data takes few steps.
const GROWTH: i64 = 4;
/// The factor by which a span is shortened that contained too much.
const SHRINKAGE: i64 = 8;
/// How far in the future the first span begins, for times that may lie ahead: some twenty years. Little lies beyond.
const MAX_SPAN: i64 = FIRST_SPAN * GROWTH.pow(13);

/// A span of time, in milliseconds since 1970: from the first bound, and before the second if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
}

/// The spans of a period in sequence: disjoint, and together the whole period.
#[derive(Debug, Clone)]
pub(crate) struct Lookback {
    floor: i64,
    to: Option<i64>,
    /// The end of the next span.
    edge: i64,
    length: i64,
    now: i64,
    is_over: bool,
}

impl Lookback {
    /// The spans from `floor` and before `to`; without `to` the first span has no end, because clocks differ.
    pub(crate) fn new(floor: i64, to: Option<i64>, now: i64) -> Self {
        Self::reaching(now, floor, to, now)
    }

    /// The same for times that may lie ahead: the future is walked too, in spans that shrink towards now.
    pub(crate) fn from_ahead(floor: i64, to: Option<i64>, now: i64) -> Self {
        Self::reaching(now.saturating_add(MAX_SPAN), floor, to, now)
    }

    fn reaching(farthest: i64, floor: i64, to: Option<i64>, now: i64) -> Self {
        let edge = to.map_or(farthest, |to| to.min(farthest));
        Self {
            floor,
            to,
            edge,
            // Ahead of now, the distance limits the spans.
            length: if edge > now { i64::MAX } else { FIRST_SPAN },
            now,
            is_over: to.is_some_and(|to| to <= floor),
        }
    }

    /// The current span; `None` when the period is over.
    pub(crate) fn current(&self) -> Option<Span> {
        (!self.is_over).then(|| Span {
            from: self.from(),
            to: self.to,
        })
    }

    /// Moves on to the previous span in time.
    pub(crate) fn advance(&mut self) {
        let (from, length) = (self.from(), self.longest().min(self.length));
        self.is_over = from <= self.floor;
        (self.to, self.edge) = (Some(from), from);
        self.length = length.saturating_mul(GROWTH);
    }

    /// Shortens a span that contained too much, down to a millisecond.
    pub(crate) fn shorten(&mut self) {
        let length = self.edge.saturating_sub(self.from());
        self.length = (length / SHRINKAGE).max(1);
    }

    fn from(&self) -> i64 {
        let length = self.longest().min(self.length);
        self.edge.saturating_sub(length).max(self.floor)
    }

    /// Ahead of now, a span covers most of the distance to it; the last one ends some way past it.
    fn longest(&self) -> i64 {
        match self.edge.saturating_sub(self.now) {
            ahead @ 1.. => (ahead - ahead / GROWTH).max(FIRST_SPAN),
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
    fn lookback_walks_all_of_time_in_few_steps() {
        let mut back = Lookback::new(0, None, NOW);
        let mut spans = Vec::new();
        while let Some(span) = back.current() {
            spans.push(span);
            back.advance();
        }
        assert_eq!(
            spans[0],
            Span {
                from: NOW - FIRST_SPAN,
                to: None
            }
        );
        assert_eq!(spans.last().unwrap().from, 0);
        assert!(spans.len() < 16, "{spans:?}");
    }

    #[test]
    fn lookback_walks_the_future_in_few_spans_that_shrink_towards_now() {
        let mut back = Lookback::from_ahead(0, None, NOW);
        let mut spans = Vec::new();
        while let Some(span) = back.current() {
            spans.push(span);
            back.advance();
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
            NOW - 7 - FIRST_SPAN,
            "a period that is over is gone back through like any"
        );
    }

    #[test]
    fn lookback_over_an_empty_period_has_no_span() {
        assert_eq!(Lookback::new(5, Some(5), NOW).current(), None);
        assert_eq!(Lookback::new(9, Some(5), NOW).current(), None);
    }

    proptest! {
        #[test]
        fn lookback_spans_are_adjacent_from_the_end_to_the_floor(
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
                back.advance();
            }
            if to.is_none_or(|to| to > floor) {
                prop_assert_eq!(begin, Some(floor));
            }
        }
    }
}
