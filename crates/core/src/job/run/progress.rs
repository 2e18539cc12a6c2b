//! How far a run has come, and how another process continues it.

use sha2::{Digest, Sha256};

use super::{MAX_PERSON_BYTES, RunError, RunId, RunStage, shortened};
use crate::clock::Timestamp;

/// How many processes may hold one run, one after the other: a run that ends its process must not end all of them.
pub const MAX_HOLDERS: u32 = 3;

/// A digest of all batches of a run, by which a process that continues the run knows whether it made the same batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadDigest(pub [u8; 32]);

impl PayloadDigest {
    /// The digest of these batches in this order.
    pub fn of<B: AsRef<[u8]>>(batches: impl IntoIterator<Item = B>) -> Self {
        let mut hash = Sha256::new();
        for batch in batches {
            let batch = batch.as_ref();
            hash.update(batch.len().to_be_bytes());
            hash.update(batch);
        }
        Self(hash.finalize().into())
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunProgress {
    /// It fetches; nothing was sent.
    DataFetch,
    /// It transforms; nothing was sent.
    Transformation,
    /// It delivers.
    Delivery {
        /// How many batches there are.
        batches: u32,
        /// How many were delivered; the one after them may have been sent.
        delivered: u32,
        /// The digest of all batches.
        digest: PayloadDigest,
    },
}

impl RunProgress {
    /// The stage that the run is at.
    pub fn stage(self) -> RunStage {
        match self {
            Self::DataFetch => RunStage::DataFetch,
            Self::Transformation => RunStage::Transformation,
            Self::Delivery { .. } => RunStage::Delivery,
        }
    }
}

/// A person's request to cancel a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// Their name, as the audit log has it.
    pub by: String,
    /// When they asked.
    pub at: Timestamp,
}

impl CancelRequest {
    /// Shortens a name that is too long to keep.
    pub fn new(by: &str, at: Timestamp) -> Self {
        Self {
            by: shortened(by, MAX_PERSON_BYTES),
            at,
        }
    }
}

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRun {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// The claim of the process that executes it.
    pub claim: String,
    /// When that process claimed it.
    pub held_since: Timestamp,
    /// When the claim's lease ends unless it is renewed.
    pub until: Timestamp,
    /// How many processes have held it so far, this one included.
    pub holders: u32,
    /// How far it has come.
    pub progress: RunProgress,
    /// A request to cancel it.
    pub cancel: Option<CancelRequest>,
}

/// What a process does with a run whose holder died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumption {
    /// Nothing was sent: it runs from its beginning, under the same identity.
    Restart,
    /// It fetches and transforms again and delivers from a batch on, provided that the batches have the digest. If they have
    /// not, the source has changed meanwhile, and the run ends as failed.
    Continue {
        /// The first batch to deliver, from 0. It may have been sent, under the same message id.
        from_batch: u32,
        /// The digest of all batches.
        digest: PayloadDigest,
    },
    /// It ends as failed.
    Fail(RunError),
    /// It ends as cancelled.
    Cancel(CancelRequest),
}

impl RunningRun {
    /// Whether a process holds it.
    pub fn is_held(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// What to do for a process that has just taken it over.
    pub fn resumption(&self) -> Resumption {
        if let Some(request) = &self.cancel {
            return Resumption::Cancel(request.clone());
        }
        if self.holders > MAX_HOLDERS {
            let message = format!("The process that ran it was lost {MAX_HOLDERS} times, and it is not tried again.");
            return Resumption::Fail(RunError::new(self.progress.stage(), &message, None));
        }
        match self.progress {
            RunProgress::DataFetch | RunProgress::Transformation => Resumption::Restart,
            RunProgress::Delivery { delivered, digest, .. } => Resumption::Continue {
                from_batch: delivered,
                digest,
            },
        }
    }
}
