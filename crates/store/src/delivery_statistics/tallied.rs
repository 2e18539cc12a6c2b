//! Statistics from stored counts of ten minutes each, and from the logs where no valid count is stored.

use std::ops::Range;
use std::time::Instant;

use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::figures::DeliveryFigures;
use ig_core::id::OrgId;
use ig_core::tally::{Bucket, PeriodSplit};

use super::{DeliveryScope, DeliveryStatistics};
use crate::aggregation::CountError;
use crate::delivery_tallies::{self as tallies, StoredTallies};
use crate::orgs::Orgs;

/// Buckets counted by one query: an hour. If one query is too slow, the counts before it are stored already.
const TOGETHER: usize = 6;

impl DeliveryStatistics {
    /// An organisation's deliveries of a period, as [`Self::summary`] counts them. Settled buckets are counted once and stored.
    pub async fn of_org(&self, org: OrgId, period: Period, now: Timestamp) -> Result<DeliveryFigures, CountError> {
        let PeriodSplit { before, settled, after } = PeriodSplit::of(period, now);
        let (mut figures, before, after) = tokio::try_join!(
            self.settled(org, settled, now),
            self.unsettled(org, before),
            self.unsettled(org, after),
        )?;
        figures.merge(&before);
        figures.merge(&after);
        Ok(figures)
    }

    async fn unsettled(&self, org: OrgId, period: Option<Period>) -> Result<DeliveryFigures, CountError> {
        match period {
            Some(period) => self.summary(&DeliveryScope::all(Orgs::one(org), period)).await,
            None => Ok(DeliveryFigures::default()),
        }
    }

    async fn settled(&self, org: OrgId, buckets: Range<i64>, now: Timestamp) -> Result<DeliveryFigures, CountError> {
        let deadline = Instant::now() + self.timeout;
        let stored = tallies::read_tallies(&self.database, org, buckets.clone()).await?;
        let (mut figures, mut missing) = (DeliveryFigures::default(), Vec::new());
        for bucket in buckets {
            match stored.counted(bucket) {
                Some(counted) => figures.merge(&counted.figures()?),
                None => missing.push(bucket),
            }
        }
        let runs = missing.chunk_by(|one, next| one + 1 == *next);
        let runs: Vec<_> = runs.flat_map(|run| run.chunks(TOGETHER)).collect();
        for run in runs {
            let bounded = self.clone().with_timeout(deadline.saturating_duration_since(Instant::now()));
            let counted = bounded.recount(org, run, &stored, now).await;
            figures.merge(&counted.map_err(|error| error.with_timeout(self.timeout))?);
        }
        Ok(figures)
    }

    /// Counts adjacent buckets and stores the counts.
    async fn recount(
        &self,
        org: OrgId,
        run: &[i64],
        stored: &StoredTallies,
        now: Timestamp,
    ) -> Result<DeliveryFigures, CountError> {
        let mut figures = DeliveryFigures::default();
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(figures);
        };
        let Some(period) = Period::new(Bucket::new(*first).start(), Bucket::new(*last).end()) else {
            return Ok(figures);
        };
        let mut counted = self.in_buckets(&Orgs::one(org), period).await?;
        for counted in counted.values() {
            figures.merge(&counted.figures()?);
        }
        let buckets = run.iter().copied().map(Bucket::new);
        let all = buckets.map(|bucket| (bucket, counted.remove(&(org, bucket)).unwrap_or_default()));
        tallies::store_tallies(&self.database, org, all.collect(), stored, now).await?;
        Ok(figures)
    }
}
