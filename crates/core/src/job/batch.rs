//! How the records of a job are split into deliveries.

use crate::fault::Faults;

/// The most records in one delivery of a job that splits them.
pub const MAX_BATCH_SIZE: u32 = 10_000;

/// The number of records in one delivery: 1 to [`MAX_BATCH_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize(u32);

impl BatchSize {
    /// A size within the bounds.
    pub fn new(size: u32) -> Result<Self, Faults> {
        if (1..=MAX_BATCH_SIZE).contains(&size) {
            return Ok(Self(size));
        }
        Err(Faults::single("/size", format!("must be from 1 to {MAX_BATCH_SIZE}")))
    }

    /// The number of records.
    pub fn get(self) -> u32 {
        self.0
    }
}
