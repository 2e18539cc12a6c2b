//! The identity of a run and of what it delivers.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::id::{EventId, IntegrationId, LogId, NotAnObjectId, SourceId};
use crate::message::MessageId;

/// The source of the events that stand for runs.
const SOURCE: &str = "job";

/// A run's identifier: 24 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub [u8; 12]);

impl RunId {
    /// The run of a firing: its due second, so that runs of one time are adjacent, and 64 bits of the job and the time.
    pub fn scheduled(job: IntegrationId, due_at: Timestamp) -> Self {
        let mut id = derived(b"scheduled", &job.0, &due_at.timestamp_millis().to_be_bytes());
        if let Ok(second) = u32::try_from(due_at.timestamp()) {
            id[..4].copy_from_slice(&second.to_be_bytes());
        }
        Self(id)
    }

    /// The run of a request: the same for every request with this key.
    pub fn manual(job: IntegrationId, idempotency_key: &str) -> Self {
        Self(derived(b"manual", &job.0, idempotency_key.as_bytes()))
    }

    /// The log of the firings that were skipped because of this run.
    #[must_use]
    pub fn skips(self) -> Self {
        Self(derived(b"skips", &self.0, &[]))
    }

    /// The run as the source of an event, for the deliveries that it orders.
    pub fn source(self) -> (SourceId, EventId) {
        (SourceId::new(SOURCE), EventId::new(self.to_string()))
    }
}

/// All parts but the last have a fixed length, so no two sequences of parts are one text.
fn derived(kind: &[u8], of: &[u8; 12], by: &[u8]) -> [u8; 12] {
    let digest = Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(of)
        .chain_update(by)
        .finalize();
    let mut id = [0; 12];
    id.copy_from_slice(&digest[..12]);
    id
}

/// The message that delivers a batch of a run, counted from 0: the same whenever the run is resumed.
pub fn batch_message_id(job: IntegrationId, run: RunId, batch: u32) -> MessageId {
    let (source, event) = run.source();
    MessageId::derive(&source, &event, job, 0).occurrence(batch)
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LogId(self.0).fmt(f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

impl FromStr for RunId {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        text.parse().map(|LogId(id)| Self(id))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::{DateTime, TimeDelta};

    use super::*;

    const JOB: IntegrationId = IntegrationId([7; 12]);

    fn due(second: i64) -> Timestamp {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_run_id_is_the_same_for_the_same_cause_and_differs_otherwise() {
        let other = IntegrationId([8; 12]);
        let ids = [
            RunId::scheduled(JOB, due(0)),
            RunId::scheduled(JOB, due(0) + TimeDelta::milliseconds(1)),
            RunId::scheduled(JOB, due(1)),
            RunId::scheduled(other, due(0)),
            RunId::manual(JOB, "a"),
            RunId::manual(JOB, "b"),
            RunId::manual(JOB, ""),
            RunId::manual(other, "a"),
            RunId::scheduled(JOB, due(0)).skips(),
            RunId::manual(JOB, "a").skips(),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(RunId::scheduled(JOB, due(0)), ids[0]);
        assert_eq!(ids[0].to_string().parse(), Ok(ids[0]));
    }

    #[test]
    fn run_ids_of_one_job_follow_the_order_of_their_times() {
        let ids: Vec<_> = (0..50).map(|second| RunId::scheduled(JOB, due(second))).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn every_batch_of_a_run_has_a_message_id_of_its_own_that_never_changes() {
        let run = RunId::scheduled(JOB, due(0));
        let later = RunId::scheduled(JOB, due(1));
        let messages: HashSet<_> = (0..100)
            .flat_map(|batch| [batch_message_id(JOB, run, batch), batch_message_id(JOB, later, batch)])
            .collect();
        assert_eq!(messages.len(), 200);
        assert_eq!(batch_message_id(JOB, run, 99), batch_message_id(JOB, run, 99));
    }
}
