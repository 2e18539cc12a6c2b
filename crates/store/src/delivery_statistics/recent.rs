//! Statistics of the last minutes, hour and day.

use std::time::Duration;

use ig_core::calendar::Period;
use ig_core::clock::Timestamp;
use ig_core::figures::DeliveryFigures;
use ig_core::id::OrgId;
use ig_core::tally::Bucket;
use mongodb::bson::{Bson, doc};

use super::{DeliveryScope, DeliveryStatistics};
use crate::aggregation::CountError;
use crate::field::date;
use crate::orgs::Orgs;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// "Now" is the last so many minutes.
const NOW_MINUTES: u64 = 5;
/// A short deadline: these figures are for live views.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Recent deliveries; a figure that could not be counted in time is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentDeliveries {
    /// Deliveries started per minute, averaged over the last five minutes.
    pub per_minute: Option<f64>,
    /// Of the last hour.
    pub last_hour: Option<DeliveryFigures>,
    /// Of the last 24 hours.
    pub last_day: Option<DeliveryFigures>,
}

impl DeliveryStatistics {
    /// Counts recent deliveries from the logs.
    pub async fn recent(&self, orgs: &Orgs, now: Timestamp) -> Result<RecentDeliveries, CountError> {
        let bounded = self.clone().with_timeout(TIMEOUT.min(self.timeout));
        let (hour, day) = tokio::join!(bounded.last_hour(orgs, now), bounded.since(orgs, now, DAY, Bson::Null));
        let hour = where_countable(hour)?;
        let day = where_countable(day)?;
        let (now, hour) = hour.unzip();
        Ok(RecentDeliveries {
            per_minute: now.map(|now| per_minute(&now)),
            last_hour: hour,
            last_day: day.map(|[_, all]| all),
        })
    }

    /// Counts an organisation's recent deliveries, using the stored counts of settled buckets.
    ///
    /// The day is counted in two parts, and the second part is the last hour without its first minutes: deliveries that
    /// have not settled are counted once.
    pub async fn recent_of(&self, org: OrgId, now: Timestamp) -> Result<RecentDeliveries, CountError> {
        let bounded = self.clone().with_timeout(TIMEOUT.min(self.timeout));
        let split = Bucket::of(now - HOUR).end();
        let (just_now, before, first_minutes, since) = tokio::try_join!(
            bounded.countable(org, now - Duration::from_mins(NOW_MINUTES), now, now),
            bounded.countable(org, now - DAY, split, now),
            bounded.countable(org, now - HOUR, split, now),
            bounded.countable(org, split, now, now),
        )?;
        Ok(RecentDeliveries {
            per_minute: just_now.map(|figures| per_minute(&figures)),
            last_hour: together(first_minutes, since.clone()),
            last_day: together(before, since),
        })
    }

    /// Deliveries started between two times; `None` if they cannot be counted in time.
    async fn countable(
        &self,
        org: OrgId,
        start: Timestamp,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<DeliveryFigures>, CountError> {
        match Period::new(start, end) {
            Some(period) => where_countable(self.of_org(org, period, now).await),
            None => Ok(Some(DeliveryFigures::default())),
        }
    }

    /// Deliveries of the last minutes, and of the last hour.
    async fn last_hour(&self, orgs: &Orgs, at: Timestamp) -> Result<(DeliveryFigures, DeliveryFigures), CountError> {
        let begun = date(at - Duration::from_mins(NOW_MINUTES));
        let key = doc! { "$cond": [{ "$gte": ["$createdAt", begun] }, NOW, Bson::Null] };
        let [now, all] = self.since(orgs, at, HOUR, key.into()).await?;
        Ok((now, all))
    }

    /// Deliveries with the key [`NOW`], and all deliveries.
    async fn since(&self, orgs: &Orgs, now: Timestamp, long: Duration, key: Bson) -> Result<[DeliveryFigures; 2], CountError> {
        let mut figures = [DeliveryFigures::default(), DeliveryFigures::default()];
        let Some(period) = Period::new(now - long, now) else {
            return Ok(figures);
        };
        let scope = DeliveryScope::all(orgs.clone(), period);
        let [of_now, all] = &mut figures;
        for group in self.grouped::<Option<i32>>(&scope, key, None).await? {
            all.merge(&group.figures);
            if group.key == Some(NOW) {
                of_now.merge(&group.figures);
            }
        }
        Ok(figures)
    }
}

fn per_minute(just_now: &DeliveryFigures) -> f64 {
    just_now.total() as f64 / NOW_MINUTES as f64
}

/// The sum, if both could be counted.
fn together(one: Option<DeliveryFigures>, other: Option<DeliveryFigures>) -> Option<DeliveryFigures> {
    let mut figures = one?;
    figures.merge(&other?);
    Some(figures)
}

/// The key of deliveries of the last minutes.
const NOW: i32 = 1;

/// `None` if the deadline was exceeded.
fn where_countable<T>(counted: Result<T, CountError>) -> Result<Option<T>, CountError> {
    match counted {
        Err(CountError::TooMuch(_)) => Ok(None),
        counted => counted.map(Some),
    }
}
