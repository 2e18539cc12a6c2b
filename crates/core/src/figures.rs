//! Delivery statistics.

use std::time::Duration;

use crate::delivery_log::DeliveryStatus;
use crate::latency::Latencies;

/// Deliveries with the same status and the same class of response time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusClass {
    /// Their status.
    pub status: DeliveryStatus,
    /// The latency class of their last request ([`crate::latency`]); `None` where no request was sent.
    pub class: Option<i32>,
    /// How many there are.
    pub count: u64,
    /// How many requests they sent together.
    pub attempts: u64,
    /// The total time of their last requests.
    pub response_time: Duration,
}

/// Statistics over any number of deliveries. Sets can be merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFigures {
    by_status: [u64; DeliveryStatus::ALL.len()],
    attempts: u64,
    response_times: Latencies,
    response_time: Duration,
}

impl DeliveryFigures {
    /// Adds a group of deliveries.
    pub fn add(&mut self, alike: StatusClass) {
        let StatusClass {
            status,
            class,
            count,
            attempts,
            response_time,
        } = alike;
        self.by_status[status as usize] += count;
        self.attempts += attempts;
        if let Some(class) = class {
            self.response_times.add(class, count);
            self.response_time += response_time;
        }
    }

    /// Adds the deliveries of another set.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            by_status,
            attempts,
            response_times,
            response_time,
        } = other;
        for (ours, theirs) in self.by_status.iter_mut().zip(by_status) {
            *ours += theirs;
        }
        self.attempts += attempts;
        self.response_times.merge(response_times);
        self.response_time += *response_time;
    }

    /// The number of deliveries.
    pub fn total(&self) -> u64 {
        self.by_status.iter().sum()
    }

    /// The number of deliveries with a status.
    pub fn of(&self, status: DeliveryStatus) -> u64 {
        self.by_status[status as usize]
    }

    /// The number of requests.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The share of successes among deliveries that had something to send, from 0 to 1; `None` where there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let wanted = self.total() - self.of(DeliveryStatus::Skipped);
        (wanted > 0).then(|| self.of(DeliveryStatus::Success) as f64 / wanted as f64)
    }

    /// The time that `percent` of the last requests did not exceed; `None` without requests.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        self.response_times.percentile(percent)
    }

    /// The average time of a last request; `None` without requests.
    pub fn average(&self) -> Option<Duration> {
        let count = self.response_times.count();
        (count > 0).then(|| Duration::from_secs_f64(self.response_time.as_secs_f64() / count as f64))
    }
}

impl Extend<StatusClass> for DeliveryFigures {
    fn extend<T: IntoIterator<Item = StatusClass>>(&mut self, all: T) {
        for alike in all {
            self.add(alike);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::class_of;

    fn alike(status: DeliveryStatus, count: u64, millis: Option<u64>) -> StatusClass {
        StatusClass {
            status,
            class: millis.map(|millis| class_of(Duration::from_millis(millis))),
            count,
            attempts: count * 2,
            response_time: Duration::from_millis(millis.unwrap_or_default() * count),
        }
    }

    #[test]
    fn figures_count_a_skipped_delivery_neither_as_failed_nor_as_timed() {
        let mut figures = DeliveryFigures::default();
        figures.extend([
            alike(DeliveryStatus::Success, 3, Some(10)),
            alike(DeliveryStatus::Failed, 1, Some(30)),
            alike(DeliveryStatus::Skipped, 6, None),
        ]);
        assert_eq!((figures.total(), figures.of(DeliveryStatus::Skipped)), (10, 6));
        assert_eq!(figures.success_rate(), Some(0.75));
        assert_eq!(figures.average(), Some(Duration::from_millis(15)));
        assert_eq!(figures.percentile(50), Some(Duration::from_millis(10)));
        assert_eq!(figures.percentile(99), Some(Duration::from_millis(30)));
    }

    #[test]
    fn empty_figures_have_neither_rate_nor_times() {
        let none = DeliveryFigures::default();
        assert_eq!((none.total(), none.success_rate(), none.average()), (0, None, None));
    }

    #[test]
    fn figures_of_two_sets_add_up() {
        let parts = [
            alike(DeliveryStatus::Success, 3, Some(10)),
            alike(DeliveryStatus::Abandoned, 2, Some(30)),
            alike(DeliveryStatus::Retrying, 1, None),
        ];
        let mut whole = DeliveryFigures::default();
        whole.extend(parts);
        let mut merged = DeliveryFigures::default();
        for part in parts {
            let mut one = DeliveryFigures::default();
            one.add(part);
            merged.merge(&one);
        }
        assert_eq!(merged, whole);
    }
}
